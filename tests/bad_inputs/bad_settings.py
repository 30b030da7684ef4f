"""params.yaml as a row of the table `settings` says, made of the shipped one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from corpus import Case

LONG = {"{digits}": "1" * 400, "{brackets}": "[" * 99 + "]" * 99, "{megabyte}": "x" * 1_000_000}


def spoil(path: Path, case: Case) -> None:
    """Do to a sound params.yaml what the case says."""
    if "place" in case:
        path.unlink()
        if case["place"] == "a directory":
            path.mkdir()
        elif case["place"] == "a named pipe":
            os.mkfifo(path)
        elif case["place"] == "a link to itself":
            path.symlink_to(path)
        return
    text = case.get("text", path.read_text(encoding="utf-8"))
    if "set" in case:
        text = _with_setting(text, *case["set"].split("."), case["to"])
    for old, new in case.get("replace", {}).items():
        assert old in text, f"params.yaml has no {old!r}"
        text = text.replace(old, new, 1)
    for mark, written in LONG.items():
        text = text.replace(mark, written)
    path.write_bytes(text.encode(case.get("encoding", "utf-8")))


def _with_setting(text: str, section: str, name: str, value: str) -> str:
    """The text with another value of a setting, whatever stood below it."""
    before, start, rest = text.partition(f"{section}:\n")
    changed, n = re.subn(
        rf"^  {name}:.*\n(?:  [ -] .*\n)*",
        lambda _: f"  {name}: {value}\n",
        rest,
        count=1,
        flags=re.M,
    )
    assert n == 1, f"{section} has no {name}"
    return before + start + changed
