"""The file of an extract as a row of the table `files` says, made of a sound one."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path

from corpus import Case

LONG = {"{megabyte}": "a" * (1 << 20), "{block}": "a" * (8 << 20)}
BINARY = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512)


def long_text(text: str) -> str:
    """The text with what stands for a very long one written out."""
    for mark, written in LONG.items():
        text = text.replace(mark, written)
    return text


def spoil(path: Path, case: Case) -> None:
    """Do to a sound file what the case says."""
    if "place" in case:
        _put(case["place"], path)
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    for old, new in case.get("header", {}).items():
        assert old in lines[0]
        lines[0] = lines[0].replace(old, new)
    for number, text in case.get("line", {}).items():
        lines[int(number) - 1] = text
    text = case.get("end", "\n").join(lines) + case.get("last end", case.get("end", "\n"))
    text = text.replace(",", case.get("delimiter", ","))
    text = long_text(case.get("content", case.get("start", "") + text))
    path.write_bytes(text.encode(case.get("encoding", "utf-8")))
    if case.get("as") == "gzip":
        path.write_bytes(gzip.compress(path.read_bytes()))
    elif case.get("as") == "zip":
        data = path.read_bytes()
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(path.name, data)
    elif case.get("as") == "a binary file":
        path.write_bytes(BINARY)


def _put(place: str, path: Path) -> None:
    """Put something else where the file is."""
    moved = path.with_name("moved.csv")
    path.replace(moved)
    if place == "a directory":
        path.mkdir()
    elif place == "a named pipe":
        os.mkfifo(path)
    elif place == "a file below a file":
        folder = path.parent
        folder.rename(folder.with_name("moved"))
        folder.write_text("a file")
    elif place != "nothing":
        links = {
            "a device": Path("/dev/null"),
            "a link to itself": path,
            "a link to nothing": Path("nowhere"),
            "a link to the file": moved,
        }
        path.symlink_to(links[place])
