"""Sign the models, the audit trail and the marker as they lie there: once, for a new key."""

from __future__ import annotations

import argparse
from pathlib import Path

from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.files import MARKER
from luigi_tasks.core.storage import in_model_store
from luigi_tasks.core.targets import Directory, Document, StageTarget
from luigi_tasks.generations.audit_trail import read_trail, trail_path
from luigi_tasks.generations.marker import marker_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(arguments: argparse.Namespace) -> int:
    if signing.key() is None:
        raise PipelineError(
            f"there is no key to sign with; set {signing.KEY_FILE} or {signing.KEY} "
            "(docs/security.md)"
        )
    for target in [
        *(Document(path) for path in sorted(in_model_store().glob("model_metadata_*.json"))),
        *(Directory(path.parent) for path in in_model_store("candidates").glob(f"*/*/{MARKER}")),
    ]:
        _check(target)
        _sign(target.path / MARKER if isinstance(target, Directory) else target.path)
    # Signed or not, a trail whose chain is broken and a marker ahead of it are refused.
    for path in (trail_path(), marker_path()):
        if path.exists():
            _sign(path)
    read_trail()
    return 0


def _check(target: StageTarget) -> None:
    provenance = target.provenance()
    damage = "has no provenance" if provenance is None else target.damage(provenance)
    if damage:
        raise PipelineError(f"{target}: not signed: {damage}")


def _sign(path: Path) -> None:
    signing.sign_file(path)
    print(f"{path}: signed")
