"""params.yaml is in the layout that DVC writes it in, so that an experiment changes one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from running import ROOT

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")


def single_values(tree: dict[str, Any], above: str = "") -> Iterator[str]:
    """The dotted names of all settings that are no lists."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from single_values(value, f"{above}{name}.")
        elif not isinstance(value, list):
            yield above + name


@pytest.mark.parametrize("name", list(single_values(yaml.safe_load(TEXT))))
def test_an_override_changes_the_line_of_its_setting_alone(name: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT, encoding="utf-8")
    apply_overrides(path, [f"{name}=77"])  # what `dvc exp run --set-param` does
    lines = difflib.ndiff(TEXT.splitlines(True), path.read_text(encoding="utf-8").splitlines(True))
    before, after = [line for line in lines if line[0] in "-+"]
    assert before.startswith("- ")
    assert after.split()[1:3] == [f"{name.rsplit('.')[-1]}:", "77"]


def test_an_override_by_the_same_value_changes_no_byte(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(TEXT, encoding="utf-8")
    apply_overrides(path, ["training.candidates.random_forest.max_depth=10"])
    assert path.read_text(encoding="utf-8") == TEXT
