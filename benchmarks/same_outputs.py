"""Whether two working copies hold the same outputs, whatever made them.

    python benchmarks/same_outputs.py ONE OTHER

Compares every file below datamart, model_store and reports. Of the provenance that an output
carries only the content digest counts, and of a decision not its evidence, which is a digest of
provenance. Prints what differs; the exit code is 0 when nothing does.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from luigi_tasks.core.files import MARKER
from luigi_tasks.core.targets import Directory, Document, Picture, StageTarget

FOLDERS = ("datamart", "model_store", "reports")
PROVENANCE = ("evidence", "previous")


def contents(root: Path) -> dict[str, str]:
    """{path: digest} of every output below a working copy."""
    return {
        path.relative_to(root).as_posix(): content(path)
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }


def content(path: Path) -> str:
    """The digest of what one file holds."""
    target: StageTarget | None = None
    if path.name == MARKER:
        target = Directory(path.parent)
    elif path.suffix == ".json":
        target = Document(path)
    elif path.suffix == ".png":
        target = Picture(path)
    provenance = target.provenance() if target else None
    if provenance:
        return provenance.content
    data = path.read_bytes()
    if path.name == "decisions.jsonl":
        lines = [json.loads(line) for line in data.splitlines()]
        kept = [{k: v for k, v in line.items() if k not in PROVENANCE} for line in lines]
        data = json.dumps(kept, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    one, other = (contents(Path(place)) for place in sys.argv[1:3])
    differing = [
        name for name in sorted(one.keys() | other.keys()) if one.get(name) != other.get(name)
    ]
    for name in differing:
        print(f"{name} differs")
    print(f"{len(one)} and {len(other)} files, {len(differing)} differ")
    return bool(differing)


if __name__ == "__main__":
    sys.exit(main())
