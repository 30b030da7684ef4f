"""Files that come from outside and are one input together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import luigi

from luigi_tasks.core import digests


class Delivered(luigi.Target):
    """One file, or several with different names. Nothing here writes them."""

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = files

    def __str__(self) -> str:
        return str(self.files[0] if len(self.files) == 1 else self.files[0].parent)

    def exists(self) -> bool:
        return all(file.exists() for file in self.files)

    def content(self) -> str:
        """The digest of a single file; of several, one over their names and digests."""
        by_name = {file.name: digests.of_file(file) for file in self.files}
        return digests.of_json(by_name) if len(by_name) > 1 else next(iter(by_name.values()))
