"""The stage Silver: an extract with typed columns; what cannot be keyed or dated in quarantine."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from luigi_tasks.core import code_digests, digests, locks, tables
from luigi_tasks.core.engines import session
from luigi_tasks.core.engines.base import PART, Counts
from luigi_tasks.core.engines.stage import SparkStage
from luigi_tasks.core.parallel import in_order
from luigi_tasks.core.parts import PartedStage, differing
from luigi_tasks.core.progress import Progress
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.storage import in_datamart
from luigi_tasks.core.targets import Directory, StageTarget
from luigi_tasks.extracts.contract import TABLES, Table
from luigi_tasks.layers.bronze import Bronze

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Rows of a query: more take more memory and no less time.
_SORTED_AT_ONCE = 1_000_000


class Silver(PartedStage, SparkStage):
    """One extract, cleaned, by month. Beside it the quarantined rows and the nulls by reason."""

    table = luigi.ChoiceParameter(choices=list(TABLES), description="name of the extract")
    reads = ("quality.latest_snapshot",)
    product = "rows"
    parted = ("rows", "quarantine")

    def requires(self) -> Bronze:
        return Bronze(table=self.table)

    def output(self) -> dict[str, StageTarget]:
        quarantine = in_datamart("quarantine", "silver")
        return {
            "rows": Directory(in_datamart("silver", f"{self.table}.parquet")),
            "quarantine": Directory(quarantine / f"{self.table}.parquet"),
            "nulls": Directory(quarantine / f"{self.table}_nulls.parquet"),
        }

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The months in which the extract is another than the one that was cleaned."""
        cleaned = {part: of["bronze"] for part, of in self.published_parts("rows").items()}
        return differing(cleaned, tables.parts_of(self.requires().path()))

    def build(self, staging: Mapping[str, Path]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyspark.sql import functions as F

        from luigi_tasks.layers import cleaning, conflicts
        from luigi_tasks.layers.parts_by_month import part_of

        bronze = self.requires().path()
        latest = self._latest_snapshot(bronze)
        contract = TABLES[self.table].until(latest)
        with locks.publishing():
            before = self.published_parts("rows")
            recipes: dict[str, Recipe] = {
                part: {
                    "bronze": digest,
                    "latest": _limit(part, latest),
                    "conflicts": before.get(part, {}).get("conflicts"),
                }
                for part, digest in tables.parts_of(bronze).items()
            }
            kept = self.keep(staging, recipes)
            nulls_before = tables.read(self.path("nulls")) if kept else cleaning.NULLS.empty_table()
        by_month = tables.ONE_PART not in recipes
        read = recipes.keys() - kept or {min(recipes)}
        self.drop(staging, kept & read)
        kept -= read

        def values(parts: set[str]) -> DataFrame:
            return cleaning.read_values(session.read(bronze, parts), contract)

        rows, order = staging["rows"], list(contract.key)
        sizes = {part: tables.count_rows(bronze, parts=[part]) for part in sorted(read)}
        with Progress(self, "cleaning", sum(sizes.values()), "rows") as progress:
            counts: Counts = {}
            for some in _groups(sizes):
                frame = cleaning.marked(values(some), contract, by_month=by_month)
                counts |= session.sift(frame, rows, order, cleaning.marks(contract), progress)
            # What a row does to another may reach into a month that is otherwise as it was.
            reaches = conflicts.reach_across_parts(contract)
            typed = self._typed(staging, None if reaches else read, contract)
            found = conflicts.in_conflict(typed, contract, by_month=by_month)
            for part in recipes if reaches else read:
                recipes[part]["conflicts"] = found[part].against if part in found else None
            changed = {part for part in kept if recipes[part] != before[part]}
            again = changed | (read & found.keys())
            faulty = {part for part in read if cleaning.faulty_rows(counts, part)}
            between = conflicts.conflicts(typed, contract) if again else None
            beside = {name: staging[name] / "again" for name in self.parted}
            if again | faulty:
                _, quarantine = conflicts.split(values(again | faulty), contract, between)
                day = cleaning.date(contract.column("snapshot_date"))
                placed = quarantine.withColumn(PART, part_of(day, by_month=by_month))
                session.write_parts(placed, beside["quarantine"], quarantine.columns)
            if again:
                sound, _ = conflicts.split(values(again), contract, between)
                month = part_of(F.col("snapshot_date"), by_month=by_month)
                session.write_parts(sound.withColumn(PART, month), beside["rows"], order, progress)
        self.drop(staging, changed)
        tables.replace_parts(rows, beside["rows"], again)
        tables.replace_parts(staging["quarantine"], beside["quarantine"], again | faulty)
        tables.settle_parts(staging["quarantine"], cleaning.quarantine_schema(contract))
        nulls = cleaning.null_counts(counts, contract)
        others = pc.is_in(nulls_before["part"], pa.array(sorted(kept), pa.string()))
        nulls = pa.concat_tables([nulls, nulls_before.filter(others)]).sort_by("part")
        tables.write(staging["nulls"], nulls)

    def _latest_snapshot(self, bronze: Path) -> dt.date:
        """The day after which a snapshot is mistyped."""
        from luigi_tasks.extracts.snapshot_days import believable, columns_read, count_days

        if self.params["quality.latest_snapshot"] != "auto":
            return dt.date.fromisoformat(self.params["quality.latest_snapshot"])
        contract = TABLES[self.table]
        digest_of = tables.parts_of(bronze)

        def days_of(part: str) -> dict[str, int]:
            def count() -> dict[str, int]:
                batches = tables.batches(bronze, columns_read(contract), parts=[part])
                return {day.isoformat(): n for day, n in count_days(batches, contract).items()}

            digest = digest_of[part]
            known = [digest, code_digests.of_code(believable.__module__), self.table]
            name = f"days-{digests.of_json(known)[:32]}"
            # Without a digest nothing says what is in it.
            return digests.remembered(name, count) if digest else count()

        days = Counter[dt.date]()
        for of_part in in_order(days_of, digest_of):
            days.update({dt.date.fromisoformat(day): n for day, n in of_part.items()})
        span = believable(days)
        return span[1] if span else dt.date.max

    def _typed(
        self, staging: Mapping[str, Path], read: set[str] | None, contract: Table
    ) -> DataFrame:
        """The cleaned rows of parts that were read, or of all parts.

        Of those that are kept also the rows that lie in quarantine because of others.
        """
        from luigi_tasks.layers.conflicts import cleaned_again

        if read is not None:
            there = tables.parts_there(staging["rows"])
            return session.read(staging["rows"], there & read or there)
        rows = session.read(staging["rows"])
        if not tables.parts_there(staging["quarantine"]):
            return rows
        return rows.unionByName(cleaned_again(session.read(staging["quarantine"]), contract))


def _groups(sizes: Mapping[str, int]) -> Iterator[set[str]]:
    """Parts that are sorted in one query, by their rows: as few as hold enough for all cores."""
    group: set[str] = set()
    for part in sizes:
        group.add(part)
        if sum(sizes[each] for each in group) >= _SORTED_AT_ONCE:
            yield group
            group = set()
    if group:
        yield group


def _limit(part: str, latest: dt.date) -> str | None:
    """The day after which a snapshot is mistyped, where that matters to a part."""
    from luigi_tasks.layers.parts_by_month import first_day, months_later

    if part == tables.ONE_PART:
        return latest.isoformat()
    if part == tables.UNDATED:
        return None
    end = first_day(months_later(part, 1)) - dt.timedelta(days=1)
    return latest.isoformat() if latest < end else None
