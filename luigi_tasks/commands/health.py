"""Say whether all is well: extracts, scheduler, disk, audit trail, scheduled commands."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path

from luigi.interface import core

from luigi_tasks.commands.audit import examined
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import is_shared
from luigi_tasks.core.refusals import section
from luigi_tasks.core.storage import in_datamart, in_model_store, in_reports
from luigi_tasks.generations.as_of import data_span
from luigi_tasks.operations import config, scheduled_runs

SCHEDULER = "LOAN_PIPELINE_SCHEDULER_URL"
"""The environment variable that names the central scheduler of deploy/run."""

UNREADABLE, TOO_OLD, NO_SCHEDULER, NO_SPACE, ALTERED = 50, 51, 52, 53, 54
"""The return codes; of several the first. 55 is `scheduled_runs.ANOTHER_FAILED`."""

_TIMEOUT_S = 5


class CheckError(Exception):
    """A check that has failed: its return code, and what is wrong."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for machines")


def run(arguments: argparse.Namespace) -> int:
    found = [_checked(name, check) for name, check in CHECKS.items()]
    code = next((each["code"] for each in found if each["code"]), 0)
    if arguments.json:
        print(json.dumps({"code": code, "checks": found}, indent=1, ensure_ascii=False))
        return int(code)
    for each in found:
        print(f"{'FAIL' if each['code'] else 'ok':4}  {each['name']:9}  {each['words']}")
    return int(code)


def _checked(name: str, check: Callable[[], str]) -> dict[str, str | int]:
    try:
        return {"name": name, "code": 0, "words": check()}
    except CheckError as fault:
        return {"name": name, "code": fault.code, "words": str(fault)}


def extracts() -> str:
    """By the clock of this machine; nothing of it is in any output."""
    limit = section(config.health).max_snapshot_age_days
    try:
        newest = data_span()[1]
    except PipelineError as error:
        raise CheckError(UNREADABLE, str(error)) from None
    words = f"newest snapshot is {(dt.date.today() - newest).days} days old"
    if limit and dt.date.today() - newest > dt.timedelta(days=limit):
        raise CheckError(TOO_OLD, f"{words} (limit {limit})")
    return f"{words} (limit {limit})" if limit else f"{words} (no limit)"


def scheduler() -> str:
    """Whether luigid answers, where one is configured."""
    url = os.environ.get(SCHEDULER) or core().scheduler_url
    if not url and core().scheduler_host != "localhost":
        url = f"http://{core().scheduler_host}:{core().scheduler_port}"
    if not url:
        return "none is configured"
    try:
        with urllib.request.urlopen(f"{url}/api/resource_list", timeout=_TIMEOUT_S) as answer:
            json.loads(answer.read())["response"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckError(NO_SCHEDULER, f"{url} does not answer as luigid does") from None
    return f"{url} answers"


def disk() -> str:
    """The least space that is free wherever something is written on this machine."""
    limit = section(config.health).min_free_mb
    places = [Path(), in_model_store(), in_reports(), in_datamart()]
    free, place = min(
        (shutil.disk_usage(_existing(place)).free >> 20, place)
        for place in places
        if not is_shared(place)
    )
    if free < limit:
        raise CheckError(NO_SPACE, f"{place.absolute()} has {free:,} MiB free (limit {limit:,})")
    return f"{free:,} MiB free (limit {limit:,})"


def _existing(place: Path) -> Path:
    return next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())


def trail() -> str:
    """The same as `audit`: chain, end, models and scores."""
    entries, faults = examined()
    if faults:
        more = f" (and {len(faults) - 1} more; `audit` names them)" if len(faults) > 1 else ""
        raise CheckError(ALTERED, f"{faults[0]}{more}")
    return f"{len(entries)} entries, as recorded"


def schedule() -> str:
    """How the commands of deploy/run ended the last time."""
    try:
        runs = scheduled_runs.read()
    except PipelineError as error:
        raise CheckError(scheduled_runs.ANOTHER_FAILED, str(error)) from None
    others = {name: run for name, run in runs.items() if name != scheduled_runs.HEALTH}
    now = scheduled_runs.running(others)
    words = [
        f"{name} is running" if name == now else f"{name} {run.words()}"
        for name, run in others.items()
    ]
    if any(run.code != 0 for name, run in others.items() if name != now):
        raise CheckError(scheduled_runs.ANOTHER_FAILED, ", ".join(words))
    return ", ".join(words) or "nothing has run by deploy/run yet"


CHECKS: dict[str, Callable[[], str]] = {
    "extracts": extracts,
    "luigid": scheduler,
    "disk": disk,
    "trail": trail,
    "schedule": schedule,
}
