"""Flips: single bytes altered in all that is published, and in what is remembered."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.torture import projects
from benchmarks.torture.projects import BrokenError, Project
from benchmarks.torture.rows import Row

# One flip in so many is asked of the whole of `verify`, the others of the output that it is in.
WHOLE = 25
LAST_LINE = "last line of the trail, no key"
BEFORE_IT = "audit trail, but for its last line"
_clock = itertools.count(1)

# The classes of files, by how their path looks; a signing key is set for the last ones.
KINDS = {
    "parquet files": ("datamart/**/*.parquet/*.parquet", "datamart/**/generation_*/*/*.parquet"),
    "provenance of directories": ("**/_SUCCESS",),
    "models and encoders": ("model_store/**/*.pkl",),
    "metadata of models": ("model_store/model_metadata_*.json",),
    "other files of candidates": ("model_store/candidates/**/*.json", "model_store/**/*.parquet"),
    "picture": ("reports/*.png",),
    "quality report": ("reports/data_quality.json",),
    "plots": ("reports/plots/*.csv", "reports/plots/*.json"),
    "marker": ("datamart/governance/retrain_marker.json",),
    BEFORE_IT: ("datamart/governance/decisions.jsonl",),
    "notes in .cache": (".cache/digests/*",),
}
SIGNED = {
    "audit trail with a signing key": ("datamart/governance/decisions.jsonl",),
    "marker with a signing key": ("datamart/governance/retrain_marker.json",),
    "signatures of both": ("datamart/governance/*.sig",),
}


def torture(folder: Path, flips: int) -> list[Row]:
    """Flip bytes of a finished project of two generations."""
    project = Project(folder / "finished").copy(folder / "flipped")
    project.change(projects.CHANGES["a retraining"])
    project.settle()
    # What is flipped has been decided on twice, so that the trail has a line before its last.
    project.done("status")
    share = -(-flips // (len(KINDS) + len(SIGNED)))
    rows = [Row(**row) for row in projects.in_child(project, lambda: _unsigned(share))]
    rows.append(_repaired(project))
    key = folder / "key"
    key.write_text("k" * 64)
    os.environ["LOAN_PIPELINE_SIGNING_KEY_FILE"] = str(key)
    try:
        project.done("sign")
        rows += [Row(**row) for row in projects.in_child(project, lambda: _signed(share))]
    finally:
        del os.environ["LOAN_PIPELINE_SIGNING_KEY_FILE"]
    return rows


def _unsigned(share: int) -> list[dict[str, Any]]:
    rows = [_flip(name, patterns, share) for name, patterns in KINDS.items()]
    known = Row("flips", LAST_LINE)
    undetected = 0
    for _ in _drawn((Path("datamart/governance/decisions.jsonl"),), share, LAST_LINE):
        undetected += _seen_in_governance() is None
        known.count(None)
    known.note = f"known, not counted: {undetected} went unnoticed; a signing key tells"
    return [vars(row) for row in [*rows, known]]


def _signed(share: int) -> list[dict[str, Any]]:
    return [vars(_flip(name, patterns, share)) for name, patterns in SIGNED.items()]


def _flip(name: str, patterns: tuple[str, ...], share: int) -> Row:
    row = Row("flips", name)
    files = sorted({path for pattern in patterns for path in Path().glob(pattern)})
    if not files:
        row.count("there is no such file")
    meaningless = 0
    whole = _whole_status()
    for number, (path, position, before) in enumerate(_drawn(tuple(files), share, name)):
        what = f"byte {position} of {path}"
        try:
            if path.parts[0] == ".cache":
                # It may be found out again, never believed.
                row.count(None if _whole_status() == whole else f"{what}: status says otherwise")
                continue
            found = _seen_in_governance() if "governance" in path.parts else _seen(path)
            if found is None and _says_the_same(path, before):
                meaningless += 1
            elif found is None:
                row.count(f"{what} was not noticed")
                continue
            elif number % WHOLE == 0 and "governance" not in path.parts:
                _ask_verify(path)
            row.count(None)
        except Exception as error:
            row.count(f"{what}: {type(error).__name__}: {error}")
    notes = [f"{len(files)} files"]
    if meaningless:
        notes.append(f"{meaningless} left the same values")
    if name == "notes in .cache":
        notes.append("cost time only")
    row.note = ", ".join(notes)
    return row


def _drawn(files: tuple[Path, ...], number: int, kind: str) -> Iterator[tuple[Path, int, bytes]]:
    """Files with one byte flipped, each put back afterwards: (path, position, bytes before)."""
    chance = projects.chance("flips", kind)
    for turn in range(number):
        path = files[turn % len(files)]
        before = path.read_bytes()
        last = _last_line(before)
        start, end = {LAST_LINE: (last, len(before)), BEFORE_IT: (0, last)}.get(
            kind, (0, len(before))
        )
        position = chance.randrange(start, end)
        after = bytearray(before)
        after[position] ^= 1 << chance.randrange(8)
        try:
            _put(path, bytes(after))
            yield path, position, before
        finally:
            _put(path, before)


def _put(path: Path, data: bytes) -> None:
    """Write into a file as a time that no other write has had, for what goes by times."""
    path.write_bytes(data)
    moment = 1_700_000_000_000_000_000 + next(_clock) * 1_000_000
    os.utime(path, ns=(moment, moment))


def _last_line(data: bytes) -> int:
    """Where the last line begins, its line break being one of its bytes."""
    return data[:-1].rfind(b"\n") + 1


def _seen(path: Path) -> str | None:
    """What `verify` says of the output that a file belongs to."""
    from luigi_tasks.commands import verify
    from luigi_tasks.core import digests

    digests.clear_memory()
    found = []
    for target in _targets():
        beside = [target.path.parent / name for name in getattr(target, "beside", ())]
        if path == target.path or target.path in path.parents or path in beside:
            found.append(verify.damage_of(target))
    if not found:
        raise BrokenError("it belongs to no output")
    return next((why for why in found if why), None)


_known: list[Any] = []


def _targets() -> list[Any]:
    if not _known:
        from luigi_tasks.commands import verify

        _known.extend(verify.all_targets())
    return _known


def _seen_in_governance() -> str | None:
    """What `audit` says, and the status of Governance."""
    from luigi_tasks.commands import audit
    from luigi_tasks.core.errors import PipelineError
    from luigi_tasks.governance.task import Governance

    try:
        faults = audit.examined()[1]
        return faults[0] if faults else Governance().stale_because()
    except PipelineError as error:
        return str(error)


def _says_the_same(path: Path, before: bytes) -> bool:
    """Whether a flip left a file of governance without provenance with the same values."""
    if "governance" not in path.parts:
        return False
    with contextlib.suppress(ValueError, OSError):
        if path.suffix == ".json":
            return bool(json.loads(path.read_bytes()) == json.loads(before))
        if path.suffix == ".parquet":
            return bool(pq.read_table(path).equals(pq.read_table(io.BytesIO(before))))
    return False


def _whole_status() -> list[dict[str, Any]]:
    from luigi_tasks.commands import status
    from luigi_tasks.core import digests
    from luigi_tasks.pipeline import Pipeline

    digests.clear_memory()
    return status.status_of(Pipeline())


def _ask_verify(path: Path) -> None:
    """Raise BrokenError unless the command names the output of a file, and no other."""
    import argparse

    from luigi_tasks.commands import verify

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = verify.run(argparse.Namespace(repair=False))
    lines = said.getvalue().splitlines()
    named = Path(lines[0].partition(": ")[0])
    if code != 1 or len(lines) != 2 or path.parts[: len(named.parts) - 1] != named.parts[:-1]:
        raise BrokenError(f"verify gave {code} and said: {lines[0]}")


def _repaired(project: Project) -> Row:
    """One flip in every output at once, then `verify --repair` and plain runs: the same bytes."""
    row = Row("flips", "one in every output, then --repair")
    before = project.digests()
    number = projects.in_child(project, _flip_every_output)
    row.note = f"{number} outputs"
    try:
        found = project.done("verify", "--repair")
        if not found.out.splitlines()[-1].startswith(f"{number} of "):
            raise BrokenError(found.out.splitlines()[-1])
        projects.check_end(project, before)
        row.count(None)
    except BrokenError as error:
        row.count(str(error))
    return row


def _flip_every_output() -> int:
    chance = projects.chance("repair")
    targets = {target.path: target for target in _targets()}
    for target in targets.values():
        files = [path for path in target.path.rglob("*") if path.is_file()] or [target.path]
        beside = [target.path.parent / name for name in getattr(target, "beside", ())]
        path = chance.choice([*files, *beside])
        data = bytearray(path.read_bytes())
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
    return len(targets)
