"""Two branches that each ran the pipeline are merged as docs/dvc.md says."""

from __future__ import annotations

import json
import re

import pytest
from repositories import Repository
from running import ROOT

RECIPE = re.search(r"## Merging.*?```sh\n(.*?)```", (ROOT / "docs/dvc.md").read_text(), flags=re.S)
MARKER = "datamart/governance/retrain_marker.json"


def ran_with(repository: Repository, branch: str, **settings: str) -> None:
    """A branch of main on which the pipeline ran with other settings."""
    repository.git("checkout", "--quiet", "-b", branch, "main")
    repository.dvc("checkout")
    for name, value in settings.items():
        text = (repository.path / "params.yaml").read_text()
        line = re.search(rf"^ +{name}: \S+", text, flags=re.M)
        assert line
        repository.edit("params.yaml", line[0], f"{line[0].rsplit(' ', 1)[0]} {value}")
    repository.repro()
    repository.commit(branch)


@pytest.mark.slow
def test_the_recipe_merges_two_branches_into_a_state_that_a_run_has_made(
    repository: Repository,
) -> None:
    """Both changed the same line, and one of them asked for another model."""
    breach = {"min_auc": "0.99", "min_matured": "50", "min_new_labels": "50"}
    ran_with(repository, "theirs", n_estimators="90", **breach)
    ran_with(repository, "ours", n_estimators="80")
    trail = repository.path / "datamart/governance/decisions.jsonl"
    before = trail.read_text()

    assert RECIPE
    commands = RECIPE[1].splitlines()
    assert commands[0].startswith("git merge --no-commit")
    merged = repository.run(*commands[0].replace("BRANCH", "theirs").split())
    assert "CONFLICT (content): Merge conflict in dvc.lock" in merged.stdout
    params = (repository.path / "params.yaml").read_text()
    conflict = re.compile(r"<<<<<<<.*?=======\n(.*?)>>>>>>> theirs\n", flags=re.S)
    assert len(conflict.findall(params)) == 1
    (repository.path / "params.yaml").write_text(conflict.sub(r"\1", params))
    for command in commands[1:]:
        repository.done(*command.split())

    assert repository.git("status", "--short") == ""
    assert repository.git("rev-list", "--merges", "HEAD").count("\n") == 1
    assert "n_estimators: 90" in (repository.path / "params.yaml").read_text()
    assert trail.read_text().startswith(before)
    assert repository.command("audit").returncode == 0
    # Their settings break a limit on our loans too, and the marker asks for the next generation.
    assert json.loads((repository.path / MARKER).read_text())["generation"] == 2
    assert repository.changed_stages() == {"train"}
    repository.repro()
    assert repository.changed_stages() == set()
    assert repository.stale() == {}
