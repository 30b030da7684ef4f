"""What every file of an extract says of days, remembered by what is in the file.

All that has to be known before a run begins rests on it: whether the dates can be read, which day
is today, which months there are, and when the first labels mature. A new file is read and no other.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from luigi_tasks.core import code_digests, digests
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.records import as_json
from luigi_tasks.extracts.contract import Table
from luigi_tasks.extracts.deliveries import files_of
from luigi_tasks.extracts.opening import readable
from luigi_tasks.extracts.survey import Survey, total


def surveys(extract: Path, table: Table) -> dict[Path, Survey]:
    """The survey of every file of an extract.

    Raises PipelineError as `files_of` and `read_header` do, for what is wrong with a line, and for
    dates in another form than the two of the contract.
    """
    found = {path: _survey(path, table) for path in files_of(extract)}

    def check() -> None:
        from luigi_tasks.extracts.date_forms import refuse_month_first

        whole = total(found.values())
        refuse_month_first(extract, whole.dates, whole.installments)

    digests.remembered(f"forms-{state(extract)}", check)
    return found


def state(extract: Path) -> str:
    """A digest of the files of an extract and of the code that surveys them."""
    found = []
    for path in files_of(extract):
        with readable(path):
            found.append(digests.of_file(path))
    return digests.of_json([code_digests.of_code(__name__), found])[:32]


def _survey(path: Path, table: Table) -> Survey:
    with readable(path):
        name = [digests.of_file(path), code_digests.of_code(__name__), table.name]

    def read() -> object:
        # Only a file that has changed is read: the slow imports are not for every start.
        from luigi_tasks.extracts.csv_files import look_through

        found = as_json(look_through(path, table))
        if digests.of_file(path) != name[0]:
            raise PipelineError(f"{path}: changed while it was read")
        return found

    return msgspec.convert(digests.remembered(f"survey-{digests.of_json(name)[:32]}", read), Survey)
