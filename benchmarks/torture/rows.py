"""What was tried and what became of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass
class Row:
    """One line of the table. `note` says what does not count, or was not done."""

    section: str
    what: str
    tried: int = 0
    survived: int = 0
    failures: list[str] = dataclasses.field(default_factory=list)
    note: str = ""

    def count(self, failure: str | None) -> None:
        """One more; None when it survived."""
        self.tried += 1
        if failure is None:
            self.survived += 1
        else:
            self.failures.append(failure)


def table(rows: Iterable[Row]) -> str:
    """The rows for people to read, with the first failures of each."""
    lines = [f"{'section':10}{'what':42}{'tried':>7}{'survived':>10}  note"]
    for row in rows:
        lines.append(
            f"{row.section:10}{row.what:42}{row.tried:7,}{row.survived:10,}  {row.note}".rstrip()
        )
        lines += [f"{'':10}FAILED: {failure}" for failure in row.failures[:5]]
        if len(row.failures) > 5:
            lines.append(f"{'':10}… and {len(row.failures) - 5} more")
    return "\n".join(lines)
