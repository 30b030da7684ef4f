"""Tell people what is new since they were told last; LOAN_PIPELINE_NOTIFY says whom."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import LocalFiles
from luigi_tasks.core.records import from_json, to_text
from luigi_tasks.core.refusals import section
from luigi_tasks.operations.config import notify
from luigi_tasks.operations.events import Told, events, known_after
from luigi_tasks.operations.messages import ADDRESSES, addresses, message, send

TOLD = Path("logs") / "told.json"
"""What people know. Without it they are told what is wrong now, and nothing of the past."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(arguments: argparse.Namespace) -> int:
    """One message at most. A message that nobody takes is no failure: it is tried again."""
    to = addresses()
    if not to:
        print(f"nobody is to be told: {ADDRESSES} is not set")
        return 0
    wanted = section(notify).events
    from luigi_tasks.operations.news import gather

    told, now = _told(), gather()
    found = [event for event in events(told, now) if event.kind in wanted]
    taken = 0
    if found:
        title, text = message(found)
        try:
            taken = send(to, title, text)
        except PipelineError as error:
            print(f"warning: {error}", file=sys.stderr)
            return 0
        print(f"{title} ({taken} of {len(to)} addresses)")
        if taken < len(to):
            again = "" if taken else "; the next run tries again"
            print(
                f"warning: {len(to) - taken} of {len(to)} addresses in {ADDRESSES} did not take "
                f"the message{again}",
                file=sys.stderr,
            )
    else:
        print("nothing is new")
    if taken or not found:
        LocalFiles().write(TOLD, to_text(known_after(told, now)).encode())
    return 0


def _told() -> Told | None:
    try:
        return from_json(TOLD.read_bytes(), Told, TOLD)
    except (FileNotFoundError, PipelineError):
        return None
