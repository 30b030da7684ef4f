"""The earliest day on which each vintage can have labels, remembered by what is in the files."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from luigi_tasks.core import code_digests, digests
from luigi_tasks.extracts.contract import BLANKS, LOANS, parse_date
from luigi_tasks.extracts.remembered import state, surveys
from luigi_tasks.extracts.survey import total


def first_label_days(extract: Path, observation_mob: int) -> list[dt.date]:
    """The earliest day of each vintage in the extract of loans, ascending.

    A label is known when the installment of the observation point has arrived and that point lies
    behind. Which customers are flagged and which installments are missing only makes it later.
    Raises PipelineError as `surveys` does.
    """
    known = [state(extract), code_digests.of_code(__name__), observation_mob]

    def read() -> list[str]:
        whole = total(surveys(extract, LOANS).values())
        days: dict[tuple[int, int], dt.date] = {}
        for start, number, snapshot, _ in whole.installments:
            begun, arrived = parse_date(start), parse_date(snapshot)
            if begun and arrived and _whole(number) == observation_mob:
                day = max(arrived, months_after(begun, observation_mob))
                vintage = begun.year, begun.month
                days[vintage] = min(day, days.get(vintage, day))
        return [day.isoformat() for day in sorted(days.values())]

    found = digests.remembered(f"labels-{digests.of_json(known)[:32]}", read)
    return [dt.date.fromisoformat(day) for day in found]


def _whole(text: str) -> int | None:
    found = re.fullmatch(r"\+?([0-9]{1,3})([.]0+)?_?", text.strip(BLANKS))
    return int(found[1]) if found else None


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day of a later month, or the last one where that has no such day."""
    number = day.year * 12 + day.month - 1 + months
    first = dt.date(number // 12, number % 12 + 1, 1)
    following = dt.date((number + 1) // 12, (number + 1) % 12 + 1, 1)
    return min(first + dt.timedelta(days=day.day - 1), following - dt.timedelta(days=1))
