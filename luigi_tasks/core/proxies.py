"""Proxies of the environment: what is on this machine is never reached through one."""

from __future__ import annotations

import os

_HERE = ("localhost", "127.0.0.1", "::1")
_EXCEPTIONS = ("no_proxy", "NO_PROXY", "no_grpc_proxy")


def none_for_this_machine() -> None:
    """Except this machine from all proxies of the environment, for this process and its children.

    gRPC would ask a proxy for the engine in this very process, and Luigi for a scheduler beside it.
    """
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return
    # gRPC looks at the first of its two names only, others at either spelling.
    names = {name for name in _EXCEPTIONS if name in os.environ} | {"no_proxy"}
    for name in names:
        present = os.environ.get(name, os.environ.get(name.swapcase(), ""))
        missing = [place for place in _HERE if place not in present.split(",")]
        if present.strip() != "*":
            os.environ[name] = ",".join([*filter(None, [present]), *missing])
