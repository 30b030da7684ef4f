"""The message of a run, and how it reaches people: by Apprise, to the addresses of
LOAN_PIPELINE_NOTIFY.

An address may hold a password. It is never printed, nor what Apprise says of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.operations.events import Event

ADDRESSES = "LOAN_PIPELINE_NOTIFY"
"""The environment variable: addresses of Apprise, separated by white space."""

_TITLES = {
    "run_failed": "failure",
    "incident_opened": "incident",
    "incident_closed": "incident closed",
    "watch": "watch",
    "retrain": "retrain",
    "promotion": "promotion",
    "rejection": "rejection",
    "ok": "ok",
}


def addresses() -> list[str]:
    """Who is to be told; nobody unless the environment says so."""
    return os.environ.get(ADDRESSES, "").split()


def message(found: Sequence[Event]) -> tuple[str, str]:
    """Title and text: what kinds of events there are, and a line each."""
    kinds = dict.fromkeys(_TITLES[event.kind] for event in found)
    lines = [f"- {event.words}" for event in found]
    return f"Loan pipeline: {', '.join(kinds)}", "\n".join(lines) + "\n"


def send(to: Sequence[str], title: str, text: str) -> int:
    """How many of the addresses took a message. Waits a few seconds for each at most.

    Raises PipelineError when Apprise is not installed.
    """
    try:
        import apprise
    except ImportError:
        raise PipelineError(
            f"{ADDRESSES} is set, but Apprise is not there; pip install -e .[notify]"
        ) from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    taken = 0
    for address in to:
        service = apprise.Apprise()
        if service.add(address) and service.notify(
            body=text, title=title, body_format=apprise.NotifyFormat.TEXT
        ):
            taken += 1
    return taken
