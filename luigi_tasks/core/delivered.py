"""What comes from outside: a file, or files in a folder that are one input together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import luigi

from luigi_tasks.core import digests


class Delivered(luigi.Target):
    """The files at a path: itself, or some that lie in it. Nothing here writes them."""

    def __init__(self, path: Path, files: Sequence[Path]) -> None:
        self.path = path
        self.files = files

    def __str__(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return all(file.exists() for file in self.files)

    def content(self) -> str:
        """The digest of the file; of files in a folder, one over their names and digests."""
        if list(self.files) == [self.path]:
            return digests.of_file(self.path)
        return digests.of_json({file.name: digests.of_file(file) for file in self.files})
