"""A page of Markdown that carries its provenance, as a comment that no reader is shown."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from luigi_tasks.core.records import as_json
from luigi_tasks.core.targets import Provenance, StageTarget

_BEGIN, _END = b"\n<!-- provenance ", b" -->\n"


class Page(StageTarget):
    """A text file in UTF-8 whose last line is its provenance."""

    def provenance(self) -> Provenance | None:
        try:
            line = self.path.read_bytes().rpartition(_BEGIN)[2].removesuffix(_END)
            return msgspec.convert(json.loads(line), Provenance)
        except (OSError, ValueError, RecursionError, msgspec.ValidationError):
            return None

    def damage(self, provenance: Provenance) -> str | None:
        data = self.path.read_bytes()
        text = data.rpartition(_BEGIN)[0]
        if data != _whole(text, provenance) or _sha256(text) != provenance.content:
            return f"{self.path.name} was changed after it was published"
        return None

    def publish(self, staging: Path, recipe: dict[str, Any]) -> None:
        text = staging.read_bytes()
        provenance = Provenance(recipe=recipe, content=_sha256(text))
        self.fs.write(self.path, _whole(text, provenance))
        self.fs.discard(staging)


def _whole(text: bytes, provenance: Provenance) -> bytes:
    """The file: the text, and the provenance with a checksum over both."""
    plain = msgspec.structs.replace(provenance, checksum="")
    checksum = _sha256(text + _line(plain))
    return text + _BEGIN + _line(msgspec.structs.replace(plain, checksum=checksum)) + _END


def _line(provenance: Provenance) -> bytes:
    """Its JSON, with nothing in it that would end the comment."""
    return json.dumps(as_json(provenance), sort_keys=True).replace(">", "\\u003e").encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
