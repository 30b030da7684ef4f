"""Whether the DuckDB baseline has made the pipeline's tables, value for value.

    python benchmarks/same_tables.py OURS THEIRS

OURS and THEIRS are folders with datamart/ and reports/. Compares silver, gold, all that is
quarantined and reports/data_quality.json: names, order and types of the columns, the rows in any
order, and every value, floats to the last digit. Prints how much that was, or a table of the
differences (dataset, column, rows, an example); the exit code is 1 when there are any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

PERSON, LOAN = ("Customer_ID", "snapshot_date"), ("loan_id",)
KEYS = {
    "features_attributes": PERSON,
    "features_financials": PERSON,
    "lms_loan_daily": ("loan_id", "installment_num"),
    "feature_clickstream": PERSON,
}
# The key of every dataset. What may come more than once has none: its rows are compared whole.
DATASETS: dict[str, tuple[str, ...]] = {
    **{f"silver/{name}": key for name, key in KEYS.items()},
    **{f"quarantine/bronze/{name}": ("line",) for name in KEYS},
    **{f"quarantine/silver/{name}": () for name in KEYS},
    **{f"quarantine/silver/{name}_nulls": ("column", "reason") for name in KEYS},
    "quarantine/quality/flagged_customers": ("Customer_ID", "reason"),
    "gold/features": LOAN,
    "quarantine/gold/unlabelled": LOAN,
    "quarantine/gold/excluded": LOAN,
}
REPORT = Path("reports", "data_quality.json")
SHOWN = 40


class Difference(NamedTuple):
    """Where two datasets differ; `column` is empty where whole rows do."""

    dataset: str
    column: str
    rows: int
    example: str


class Comparison:
    """All datasets of two folders; `found` are the differences, `rows` and `values` how many."""

    def __init__(self, ours: Path, theirs: Path) -> None:
        self.found: list[Difference] = []
        self.rows = self.values = 0
        self._db = duckdb.connect()
        for dataset, key in DATASETS.items():
            for side, folder in (("ours", ours), ("theirs", theirs)):
                files = folder / "datamart" / f"{dataset}.parquet" / "*.parquet"
                rows = f"FROM read_parquet('{files}')"
                if dataset.endswith("_nulls"):  # the baseline knows no months
                    rows = f'SELECT "column", reason, sum(rows)::BIGINT AS rows {rows} GROUP BY ALL'
                self._db.execute(f"CREATE OR REPLACE VIEW {side} AS {rows}")
            self.found += self._different_columns(dataset) or self._different_rows(dataset, key)
        sides = [json.loads((folder / REPORT).read_text()) for folder in (ours, theirs)]
        self.found += different_entries(*sides)

    def _columns(self, side: str) -> list[tuple[str, str]]:
        return [row[:2] for row in self._db.execute(f"DESCRIBE {side}").fetchall()]

    def _different_columns(self, dataset: str) -> list[Difference]:
        ours, theirs = self._columns("ours"), self._columns("theirs")
        if ours == theirs:
            return []
        wrong = sorted(set(ours) ^ set(theirs))
        text = ", ".join(f"{name} {type_name}" for name, type_name in wrong)
        return [Difference(dataset, "", 0, f"columns: {text or 'in another order'}")]

    def _different_rows(self, dataset: str, key: tuple[str, ...]) -> Iterator[Difference]:
        names = [name for name, _ in self._columns("ours")]
        n, other = self._one("SELECT (SELECT count(*) FROM ours), (SELECT count(*) FROM theirs)")
        self.rows += n
        self.values += n * len(names)
        if n != other:
            yield Difference(dataset, "", abs(n - other), f"{n} rows against {other}")
        if not key:
            for one, other in (("ours", "theirs"), ("theirs", "ours")):
                rows = f"(FROM {one} EXCEPT ALL FROM {other}) r"
                n, example = self._one(f"SELECT count(*), min(r::VARCHAR) FROM {rows}")
                if n:
                    yield Difference(dataset, "", n, f"only {one}: {example}")
            return
        # A text for every difference: they are counted, and one of them is shown.
        which = "concat_ws(' ', " + ", ".join(f'"{name}"' for name in key) + ")"
        texts = {
            "": f"CASE WHEN theirs.here IS NULL THEN 'only ours: ' || {which} "
            f"WHEN ours.here IS NULL THEN 'only theirs: ' || {which} END"
        }
        for name in names:
            if name not in key:
                one, other = f'ours."{name}"', f'theirs."{name}"'
                texts[name] = (
                    f"CASE WHEN ours.here AND theirs.here AND {one} IS DISTINCT FROM {other} "
                    f"THEN format('{{}}: {{}} against {{}}', {which}, "
                    f"coalesce({one}::VARCHAR, 'null'), coalesce({other}::VARCHAR, 'null')) END"
                )
        using = ", ".join(f'"{name}"' for name in key)
        found = self._one(
            f"SELECT {', '.join(f'count({text}), min({text})' for text in texts.values())} "
            "FROM (SELECT *, true AS here FROM ours) ours "
            f"FULL JOIN (SELECT *, true AS here FROM theirs) theirs USING ({using})"
        )
        for name, n, example in zip(texts, found[::2], found[1::2], strict=True):
            if n:
                yield Difference(dataset, name, n, example)

    def _one(self, query: str) -> tuple[Any, ...]:
        row = self._db.execute(query).fetchone()
        assert row
        return row


def different_entries(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[Difference]:
    """Of the quality report, its provenance apart."""
    flat, other = flattened(ours), flattened(theirs)
    return [
        Difference(REPORT.name, place, 1, f"{flat.get(place)} against {other.get(place)}")
        for place in sorted(flat.keys() | other.keys())
        if flat.get(place) != other.get(place) and not place.startswith("provenance")
    ]


def flattened(entry: Any, place: str = "") -> dict[str, Any]:
    if not isinstance(entry, dict):
        return {place: entry}
    return {
        inner: value
        for name, below in entry.items()
        for inner, value in flattened(below, f"{place}.{name}" if place else name).items()
    }


def main() -> int:
    compared = Comparison(Path(sys.argv[1]), Path(sys.argv[2]))
    if compared.found:
        print(f"{'dataset':40} {'column':28} {'rows':>9}  example")
    for difference in compared.found[:SHOWN]:
        print(f"{difference.dataset:40} {difference.column:28} {difference.rows:9,}  ", end="")
        print(difference.example[:200])
    print(
        f"{len(DATASETS)} datasets, {compared.rows:,} rows, {compared.values:,} values compared: "
        f"{len(compared.found) or 'no'} differences"
    )
    return bool(compared.found)


if __name__ == "__main__":
    sys.exit(main())
