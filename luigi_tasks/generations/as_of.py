"""Tasks that answer for a day: parameters `as_of` and `generation`, and where their outputs lie.

Both parameters are made concrete when the task is created, so that one run sees one day and one
generation from beginning to end, whatever the governance task decides meanwhile.

The newest day has its outputs at the plain path. When a later day takes their place, they move
to `as_of=<day>/` beside it; an older day that is asked for later is built there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import luigi

from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import file_system
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.settings import PARAMS_FILE, params
from luigi_tasks.core.storage import in_data
from luigi_tasks.core.targets import StageTarget
from luigi_tasks.core.task import Stage, Task, Wrapper
from luigi_tasks.extracts.contract import LOANS, TABLES
from luigi_tasks.extracts.deliveries import files_of
from luigi_tasks.extracts.first_labels import first_label_days
from luigi_tasks.extracts.snapshots import snapshot_dates
from luigi_tasks.generations import registry
from luigi_tasks.generations.registry import FIRST_VINTAGES, Reign

Target = TypeVar("Target", bound=StageTarget)


# A run may look back on the newest snapshot, but not from so far that nothing can be known.
MAX_DAYS_AFTER_DATA = 31


def data_span() -> tuple[dt.date, dt.date]:
    """The oldest and the newest snapshot date in the extracts that silver accepts.

    Every task of a run asks; it is looked up again once an extract has been written or replaced.
    """
    extracts = tuple(in_data(table.file) for table in TABLES.values())
    return _data_span(params()["quality.latest_snapshot"], tuple(map(_state, extracts)))


def _state(extract: Path) -> tuple[Any, ...]:
    return tuple(map(_signature, files_of(extract)))


def _signature(path: Path) -> tuple[Any, ...]:
    try:
        return (path.absolute(), *file_system(path).signature(path))
    except OSError as error:
        return (path.absolute(), error.errno)


@lru_cache(maxsize=1)
def _data_span(setting: str, _states: tuple[Any, ...]) -> tuple[dt.date, dt.date]:
    latest = None if setting == "auto" else dt.date.fromisoformat(setting)
    spans = [
        span
        for table in TABLES.values()
        if (span := snapshot_dates(in_data(table.file), table, latest)) is not None
    ]
    if not spans:
        raise PipelineError(f"{in_data()}: no snapshot_date of the extracts can be read")
    return min(first for first, _ in spans), max(last for _, last in spans)


def newest_answerable(last: dt.date) -> dt.date:
    """The newest day that a run can answer for, by the day of the newest snapshot."""
    return last + dt.timedelta(days=MAX_DAYS_AFTER_DATA)


def check_day(day: dt.date) -> None:
    """Raise PipelineError for a day before the data, long after them or before the first model."""
    first, last = data_span()
    if day < first:
        raise PipelineError(
            f"--as-of {day} lies before the data, which begin on {first} and end on {last}"
        )
    if day > newest_answerable(last):
        raise PipelineError(
            f"--as-of {day} lies more than {MAX_DAYS_AFTER_DATA} days after the newest snapshot, "
            f"{last}"
        )
    model = first_model_day()
    if model is not None and day < model:
        raise PipelineError(
            f"--as-of {day} lies before the first model, which knows labels until {model} at the "
            f"earliest (training.train_until of {PARAMS_FILE})"
        )


def first_model_day() -> dt.date | None:
    """The day before which there can be no model; None when the data do not tell.

    With training.train_until = auto the first model waits for FIRST_VINTAGES matured vintages.
    """
    until = params()["training.train_until"]
    if until != "auto":
        return dt.date.fromisoformat(until)
    loans = in_data(LOANS.file)
    days = _label_days(params()["labels.observation_mob"], _state(loans))
    return days[FIRST_VINTAGES - 1] if len(days) >= FIRST_VINTAGES else None


@lru_cache(maxsize=1)
def _label_days(observation_mob: int, _state: tuple[Any, ...]) -> list[dt.date]:
    return first_label_days(in_data(LOANS.file), observation_mob)


def resolve(as_of: dt.date | None, generation: int | None) -> tuple[dt.date, int]:
    """The concrete day and generation for a run; None asks for the newest.

    Raises PipelineError as `check_day` does, and for a generation that was not champion by then.
    """
    day = as_of or data_span()[1]
    check_day(day)
    champions = [reign.generation for reign in registry.reigns(day)]
    if generation is not None and generation not in champions:
        known = ", ".join(map(str, dict.fromkeys(champions)))
        raise PipelineError(
            f"--generation {generation}: on {day} the champions up to then are {known}"
        )
    return day, generation or champions[-1]


class AsOf(Task):
    """A task that answers for a day with the generation that is champion on it."""

    abstract = True
    as_of = luigi.DateParameter(
        default=None,  # type: ignore[arg-type]
        description="the day that the run pretends today is; default: the newest",
    )
    generation = luigi.IntParameter(
        default=None,  # type: ignore[arg-type]
        description="the champion, by its running number; default: that of the day",
    )

    @classmethod
    def concrete_values(cls, values: dict[str, Any]) -> dict[str, Any]:
        if values["as_of"] is None or values["generation"] is None:
            values["as_of"], values["generation"] = resolve(values["as_of"], values["generation"])
        return values

    def check(self) -> None:
        super().check()
        check_day(self.as_of)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What governance asks for in the meantime is trained by the next run.
        self.challenger = registry.challenger(self.as_of)

    def is_superseded(self) -> bool:
        """Whether another generation has become champion of the day since the run began."""
        return registry.reigns(self.as_of)[-1].generation != self.generation

    def stale_because(self) -> str | None:
        """Another champion answers for the day: nothing is left to do for this one."""
        return None if self.is_superseded() else super().stale_because()

    @property
    def moment(self) -> dict[str, Any]:
        """Both parameters, to hand on to another task."""
        return {"as_of": self.as_of, "generation": self.generation}

    @property
    def reigns(self) -> list[Reign]:
        """Who scores which months, as of this day: oldest first, this champion last."""
        return registry.reigns(self.as_of, self.generation)

    @property
    def champions(self) -> list[int]:
        """The generations among them."""
        return sorted({reign.generation for reign in self.reigns})


class AsOfWrapper(AsOf, Wrapper):
    """Does nothing but require, of the champion of the day: when it changes, of the new one too."""

    abstract = True

    def run(self) -> Iterator[Task]:
        if self.is_superseded():
            yield type(self)(as_of=self.as_of)


class AsOfStage(AsOf, Stage):
    """A stage whose outputs answer for a day."""

    abstract = True

    def place(self, target: Target) -> Target:
        """The target at its plain path, or in the folder of its day when a newer one is there."""
        held = _day_of(target)
        newest = min(held, data_span()[1]) if held else None
        if newest is not None and self.as_of < newest:
            return target.moved_to(_dated(target.path, self.as_of))
        return target

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        """Put one output in place; one of an earlier day moves to the folder of that day.

        It comes back when the new one cannot be written.
        """
        held = _day_of(target)
        dated = _dated(target.path, held) if held is not None and held < self.as_of else None
        moves = dated is not None and not target.fs.exists(dated)
        if moves:
            target.fs.move(target.path, dated)
        try:
            super().publish(target, staging, recipe)
        except BaseException:
            if moves and not target.fs.exists(target.path):
                target.fs.move(dated, target.path)
            raise


DATED = "as_of="
"""How the names of the folders begin that hold the outputs of earlier days."""


def _dated(path: Path, day: dt.date) -> Path:
    return path.parent / f"{DATED}{day.isoformat()}" / path.name


def _day_of(target: StageTarget) -> dt.date | None:
    """The day that a published output answers for."""
    provenance = target.provenance()
    day = provenance.recipe.get("arguments", {}).get("as_of") if provenance else None
    return dt.date.fromisoformat(day) if day else None
