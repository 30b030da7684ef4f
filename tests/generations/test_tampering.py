"""Whoever changes the audit trail is found out, and the line is named."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import day

from luigi_tasks.commands.audit import examined
from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.generations import audit_trail, marker
from luigi_tasks.generations.audit_trail import Entry

KEY = "a key of more than thirty-two bytes"


def write_trail(months: int = 12) -> list[bytes]:
    """A trail of decisions; its lines."""
    for month in range(1, months + 1):
        audit_trail.append(
            Entry(
                as_of=day(f"2024-{month:02}-01"),
                generation=1,
                action="keep",
                state="ok",
                reason=f"no limit is broken in month {month}",
                newly_matured_labels=100 * month,
                limits={"min_auc": 0.7},
                evidence="0" * 64,
            )
        )
    return audit_trail.read_lines()


def flipped(lines: list[bytes], draw: random.Random) -> list[bytes]:
    number = draw.randrange(len(lines))
    line = bytearray(lines[number])
    line[draw.randrange(len(line))] ^= 1 << draw.randrange(8)
    return [*lines[:number], bytes(line), *lines[number + 1 :]]


def removed(lines: list[bytes], draw: random.Random) -> list[bytes]:
    number = draw.randrange(len(lines))
    return [*lines[:number], *lines[number + 1 :]]


def added(lines: list[bytes], draw: random.Random) -> list[bytes]:
    number = draw.randrange(len(lines) + 1)
    before = lines[number - 1] if number else None
    previous = audit_trail.hash_of(before) if before else "0" * 64
    entry = {**json.loads(lines[0]), "previous": previous, "reason": "added"}
    line = json.dumps(entry, sort_keys=True).encode()
    return [*lines[:number], line, *lines[number:]]


def swapped(lines: list[bytes], draw: random.Random) -> list[bytes]:
    one, other = sorted(draw.sample(range(len(lines)), 2))
    changed = list(lines)
    changed[one], changed[other] = changed[other], changed[one]
    return changed


def cut(lines: list[bytes], draw: random.Random) -> list[bytes]:
    number = draw.randrange(len(lines))
    line = lines[number][: draw.randrange(1, len(lines[number]))]
    return [*lines[:number], line, *lines[number + 1 :]]


def shortened(lines: list[bytes], draw: random.Random) -> list[bytes]:
    return lines[: draw.randrange(len(lines))]


def forged(lines: list[bytes], draw: random.Random) -> list[bytes]:
    """A chain that holds, from a changed line on."""
    number = draw.randrange(len(lines))
    changed = list(lines[:number])
    for line in lines[number:]:
        previous = audit_trail.hash_of(changed[-1]) if changed else "0" * 64
        reason = "forged" if len(changed) == number else json.loads(line)["reason"]
        entry = {**json.loads(line), "previous": previous, "reason": reason}
        changed.append(json.dumps(entry, sort_keys=True).encode())
    return changed


EDITS = (flipped, removed, added, swapped, cut, shortened, forged)


def tell_marker(lines: list[bytes]) -> None:
    """Whoever forges the trail forges the marker too."""
    told = marker.read_marker()
    assert told
    head = {"entries": len(lines), "head": audit_trail.hash_of(lines[-1])}
    text = json.dumps({**json.loads(marker.marker_path().read_bytes()), **head}, indent=1)
    marker.marker_path().write_text(text + "\n")


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_every_edit_of_a_trail_is_found_and_the_line_is_named(empty_project: Path, edit) -> None:
    lines = write_trail()
    assert examined()[1] == []
    for seed in range(29):
        changed = edit(lines, random.Random(seed))
        if b"\n".join(changed) == b"\n".join(lines):
            continue
        audit_trail.trail_path().write_bytes(b"".join(line + b"\n" for line in changed))
        faults = examined()[1]
        assert faults, f"seed {seed}"
        assert re.search(r"line \d+", faults[0]), faults
    audit_trail.trail_path().write_bytes(b"".join(line + b"\n" for line in lines))
    assert examined()[1] == []


@pytest.mark.parametrize("edit", [forged, shortened], ids=lambda edit: edit.__name__)
def test_with_a_key_a_trail_that_was_forged_together_with_its_marker_is_found_too(
    empty_project: Path, monkeypatch: pytest.MonkeyPatch, edit
) -> None:
    monkeypatch.setenv(signing.KEY, KEY)
    lines = write_trail()
    told = marker.marker_path().read_bytes()
    for seed in range(10):
        changed = edit(lines, random.Random(seed))
        if not changed:
            continue
        audit_trail.trail_path().write_bytes(b"".join(line + b"\n" for line in changed))
        monkeypatch.delenv(signing.KEY)
        tell_marker(changed) if seed % 2 else marker.marker_path().write_bytes(told)
        monkeypatch.setenv(signing.KEY, KEY)
        assert "is not its signature" in examined()[1][0]


def test_who_reads_while_another_process_adds_lines_finds_a_whole_trail(
    empty_project: Path,
) -> None:
    write_trail(1)
    program = (
        "import pathlib, sys; sys.path[:0] = sys.argv[1:]\n"
        "import test_tampering\n"
        "while not pathlib.Path('enough').exists(): test_tampering.write_trail(1)\n"
    )
    folders = [str(folder) for folder in Path(__file__).parents[:3]]
    writer = subprocess.Popen([sys.executable, "-c", program, *folders])
    seen = set()
    while len(seen) < 4 and writer.poll() is None:
        seen.add(len(audit_trail.read_trail()))
        assert examined()[1] == []
    Path("enough").touch()
    assert writer.wait() == 0
    assert len(seen) == 4
    assert len(audit_trail.read_trail()) >= max(seen)


def test_a_flipped_bit_of_the_marker_is_found_unless_the_marker_says_the_same(
    empty_project: Path,
) -> None:
    write_trail()
    audit_trail.append(audit_trail.read_trail()[-1])
    path = marker.marker_path()
    whole = path.read_bytes()
    same = 0
    for position in range(len(whole)):
        for bit in (0, 3, 5, 7):
            altered = bytearray(whole)
            altered[position] ^= 1 << bit
            path.write_bytes(altered)
            if said_by(altered) == json.loads(whole):
                same += 1  # white space
                continue
            try:
                settled = audit_trail.is_marker_settled()
            except PipelineError:
                continue
            assert not settled, f"byte {position}: {bytes(altered)!r}"
    path.write_bytes(whole)
    assert same < len(whole) // 4
    assert audit_trail.is_marker_settled()


def said_by(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
