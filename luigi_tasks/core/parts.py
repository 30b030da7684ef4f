"""Datasets in parts, one file a month: a part is kept as it is while its own recipe is the same.

What makes a stage stale is said in `task.py` and knows of no parts. A stage that has to run asks
here which parts of its last outputs would come out again as they are; they are linked into the new
outputs, and only the others are built.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from luigi_tasks.core.files import file_system
from luigi_tasks.core.recipes import Recipe
from luigi_tasks.core.tables import ONE_PART, file_of_part
from luigi_tasks.core.targets import Directory, Provenance, StageTarget, damage_of
from luigi_tasks.core.task import Stage


class PartedStage(Stage):
    """A stage that builds some of its outputs part by part.

    Subclasses give `parted` and, in `build`, name the recipes of all parts and keep what they can.
    """

    abstract = True
    parted: ClassVar[tuple[str, ...]]
    """The names of the outputs that are in parts, all in the same ones."""

    def changed_parts(self) -> tuple[list[str], int] | None:
        """The parts whose input is another today, and how many there are; None when that would
        take long to find out."""
        return None

    def _stale_outputs(self, recipe: Recipe) -> str | None:
        """As of every stage, and how many of its parts are concerned."""
        reason = super()._stale_outputs(recipe)
        if reason is None or not reason.startswith("input: ") or ";" in reason:
            return reason
        changed, total = self.changed_parts() or ([], 0)
        if not changed:
            return reason
        few = ", ".join(changed[-3:])
        return f"{reason}: {len(changed)} of {total} parts ({'…, ' if changed[3:] else ''}{few})"

    def besides_parts(self, recipe: Recipe) -> Recipe:
        """What determines every part and is not in the recipes of the parts: all but the inputs."""
        return without(recipe, ("inputs",))

    def keep(self, staging: Mapping[str, Path], recipes: Mapping[str, Recipe]) -> set[str]:
        """Put the parts whose published files are those of these recipes into the new outputs.

        What `besides_parts` says of the whole has to be the same too. What is published must not
        change meanwhile: hold the lock from where the recipes were begun.
        """
        self._recipes = recipes
        self._kept: dict[str, dict[str, str]] = {}
        published = {name: target.provenance() for name, target in self.output().items()}
        kept = set(recipes) if self._are_of_one_run(published.values()) else set()
        for name, target in self.output().items():
            provenance = published[name]
            if provenance is None or not kept:
                break
            if name in self.parted:
                kept = {
                    part
                    for part in kept
                    if provenance.parts.get(part) == recipes[part]
                    and damage_of(target.path, _files(provenance, [part])) is None
                }
            elif target.damage(provenance):
                # What is not in parts may be read while the others are built.
                kept = set()
        for name, target in self._parted_targets().items():
            provenance = published[name]
            self._kept[name] = _files(provenance, kept) if provenance else {}
            staging[name].mkdir()
            for file in self._kept[name]:
                target.fs.keep(target.path / file, staging[name] / file)
        return kept

    def _are_of_one_run(self, published: Iterable[Provenance | None]) -> bool:
        """Whether all outputs are there, of one recipe, which is today's `besides_parts`.

        A run that was killed while it published leaves outputs of two.
        """
        recipes = [provenance.recipe for provenance in published if provenance]
        return (
            len(recipes) == len(self.output())
            and all(recipe == recipes[0] for recipe in recipes)
            and self.besides_parts(recipes[0]) == self.besides_parts(self.recipe())
        )

    def drop(self, staging: Mapping[str, Path], parts: Iterable[str]) -> None:
        """Take parts out of the new outputs again, so that they can be built."""
        for file in map(file_of_part, parts):
            for name, kept in self._kept.items():
                if kept.pop(file, None):
                    file_system(staging[name]).discard(staging[name] / file)

    def published_parts(self, output: str) -> dict[str, Recipe]:
        """The recipes of the parts of an output as published; empty when there is none."""
        provenance = self._parted_targets()[output].provenance()
        return provenance.parts if provenance else {}

    def publish(self, target: StageTarget, staging: Path, recipe: Recipe) -> None:
        """Put one output in place, with the recipes of its parts if it is in parts."""
        for name, parted in self._parted_targets().items():
            if parted.path == target.path:
                parted.publish(staging, recipe, self._recipes, self._kept[name])
                return
        super().publish(target, staging, recipe)

    def _parted_targets(self) -> dict[str, Directory]:
        outputs = self.output()
        targets = {name: outputs[name] for name in self.parted}
        return {name: each for name, each in targets.items() if isinstance(each, Directory)}


def differing(before: Mapping[str, Any], today: Mapping[str, Any]) -> tuple[list[str], int] | None:
    """What `changed_parts` says, by what each part rested on and what it rests on today."""
    if not before or ONE_PART in {*before, *today}:
        return None
    changed = (part for part in {*before, *today} if before.get(part) != today.get(part))
    return sorted(changed), len(today)


def without(recipe: Recipe, names: Collection[str]) -> Recipe:
    """A recipe without some of what it names."""
    return {name: value for name, value in recipe.items() if name not in names}


def _files(provenance: Provenance, parts: Iterable[str]) -> dict[str, str]:
    """The files of some parts with their digests; a part without a row has none."""
    names = map(file_of_part, parts)
    return {name: provenance.files[name] for name in names if name in provenance.files}
