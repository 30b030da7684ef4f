"""How much is tried: the same examples on every `make test`, many more and new ones in `make fuzz`.

The folder is a package, because a second top-level `conftest` would hide the one of the tests.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

_FIXED, _LONG = 100, 2_000

settings.register_profile(
    "fixed",
    max_examples=_FIXED,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile(
    "long",
    parent=settings.get_profile("fixed"),
    max_examples=_LONG,
    derandomize=False,
    print_blob=True,
)
settings.load_profile("fixed")  # --hypothesis-profile, which is read later, wins


def examples(number: int) -> settings:
    """This many examples in `make test`, and as many times more in `make fuzz` as it has to try.

    A query takes longer than an example: where the engine is asked, one example is many values.
    """
    return settings(max_examples=number * settings().max_examples // _FIXED)
