"""`graph` shows every stage with its state, as a tree and as a diagram of layers."""

from __future__ import annotations

import re

from running import Project

from luigi_tasks.commands.graph import _escaped


def test_the_tree_has_every_stage_once_with_its_state_in_a_column(project: Project) -> None:
    project.edit("params.yaml", "max_depth: 10", "max_depth: 3")
    (project.path / "reports" / "drift_dashboard.png").unlink()
    told = project.command("graph").stdout.splitlines()
    assert told[0] == "Pipeline"
    states = [
        re.fullmatch(r"[│├└─ ]*(\w+(?: \w+)*?)(?:  +(\(above\)|[A-Za-z]+(?::.*)?))?", line)
        for line in told
    ]
    found = {m[1]: m[2] for m in states if m and m[2] != "(above)"}
    named = [m[1] for m in states if m and m[2] != "(above)"]
    assert len(named) == len(set(named))
    assert found["TrainCandidate random_forest"] == (
        "STALE: params: training.candidates.random_forest.max_depth 10 → 3"
    )
    assert found["Silver lms_loan_daily"] == "fresh"
    assert found["DriftDashboard"] == "MISSING"
    assert found["RawCsv lms_loan_daily"] is None
    starts = {m.start(2) for m in states if m and m[2]}
    assert len(starts) == 1, "the states line up"


def test_mermaid_has_every_stage_in_its_layer_and_the_arrows_between_them(
    finished: Project,
) -> None:
    told = finished.command("graph", "--mermaid").stdout
    lines = told.splitlines()
    assert lines[0] == "flowchart LR"
    boxes = dict(re.findall(r'(?m)^    (t\d+)\["(.+?)<br/>(?:fresh|delivered)"\]:::\w+$', told))
    stages = [row for row in finished.command("status").stdout.splitlines() if "  " in row]
    assert len(boxes) == len(stages) + 4, "the stages, and the extracts"
    layers = [line.split()[1] for line in lines if line.startswith("  subgraph ")]
    assert layers[:4] == ["bronze", "silver", "quality", "gold"]
    assert len(set(layers)) == len(layers) == lines.count("  end")
    named = {name: box for box, name in boxes.items()}
    assert f"  {named['BestModel']} --> {named['Predictions']}" in lines
    assert f"  {named['Bronze lms_loan_daily']} --> {named['Silver lms_loan_daily']}" in lines
    arrows = re.findall(r"(?m)^  (\S+) --> (\S+)$", told)
    assert {box for arrow in arrows for box in arrow} <= boxes.keys()


def test_what_would_end_a_label_of_mermaid_is_an_entity_of_it() -> None:
    assert _escaped('a "b" <c> #1') == "a #quot;b#quot; #lt;c#gt; #35;1"
