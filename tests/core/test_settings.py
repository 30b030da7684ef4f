"""params.yaml is read anew when it has changed, and a task sees what it declares, no more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from luigi_tasks.core import settings
from luigi_tasks.core.errors import PipelineError
from luigi_tasks.core.rules import Rules, Whole
from luigi_tasks.core.settings import Slice, declare, params
from luigi_tasks.parameters import RULES


@pytest.fixture
def other_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own with two settings that end alike."""
    rules = Rules({f"{room}.seats": Whole(1, 99, about="…") for room in ("hall", "box")})
    monkeypatch.chdir(tmp_path)
    declare(rules.check)
    (tmp_path / "params.yaml").write_text("hall: {seats: 50}\nbox: {seats: 4}\n")
    yield tmp_path
    declare(RULES.check)


def test_the_file_is_read_anew_when_it_has_changed(empty_project: Path) -> None:
    assert params()["monitoring.bins"] == 10
    path = empty_project / "params.yaml"
    path.write_text(path.read_text().replace("bins: 10 ", "bins: 200 "))
    with pytest.raises(PipelineError, match=r"params\.yaml: monitoring\.bins = 200"):
        params()
    path.write_text(path.read_text().replace("bins: 200 ", "bins: 20 "))
    assert params()["monitoring.bins"] == 20


def test_a_file_that_is_not_yaml_is_told_in_one_line(empty_project: Path) -> None:
    (empty_project / "params.yaml").write_text("labels: [1, 2\ntraining: {")
    with pytest.raises(PipelineError, match=r"params\.yaml: not valid YAML: ") as error:
        params()
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(empty_project: Path) -> None:
    (empty_project / "params.yaml").unlink()
    with pytest.raises(PipelineError, match=r"params\.yaml is missing"):
        params()


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(9 * [f'*{old}'])}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hall:\n  seats: 3\n  seats: 4\nbox: {seats: 4}", "line 3: seats is there twice"),
        ("hall: {seats: 3}\nbox: {seats: 4}\nhall: {seats: 5}", "line 3: hall is there twice"),
        ("hall: {seats: 3}\nhall.seats: 5\nbox: {seats: 4}", "unknown setting 'hall.seats': a dot"),
        (BOMB, "line 1: references (& and *) are not allowed"),
        ("hall: *nothing", "line 1: references (& and *) are not allowed"),
        (100 * "[" + 100 * "]", "line 1: more than 50 levels are not allowed"),
        ("hall: {seats: 2024-13-45}", "hall.seats = '2024-13-45' is not allowed: a whole number"),
        (f"hall: {{seats: 1{'0' * 400}}}", "hall.seats = 1000000"),
        (f"hall: {{seats: 1{'0' * 9000}}}", "hall.seats = '1000000"),
        ("hall: {seats: !!set {a, b}}", "hall.seats = {"),
        ("hall: {seats: !!binary aGVsbG8=}", "hall.seats = b'hello' is not allowed"),
        ("hall: {seats: !!binary a}", "not valid YAML: failed to decode base64 data"),
        ("hall: {seats: .nan}", "hall.seats = nan is not allowed"),
        ("hall: {seats: true}", "hall.seats = True is not allowed"),
        ("hall: !!python/object/apply:os.system [ls]", "not valid YAML: could not determine"),
        ("? [a]\n: b", "not valid YAML: while constructing a mapping"),
        ("hall: {seats: 5}\n--- \nbox: {}", "not valid YAML: expected a single document"),
    ],
)
def test_a_text_that_settings_cannot_have_is_refused_with_its_place(
    other_project: Path, text: str, sentence: str
) -> None:
    (other_project / "params.yaml").write_text(text)
    with pytest.raises(PipelineError) as error:
        params()
    assert str(error.value).startswith(f"params.yaml: {sentence}")
    assert len(str(error.value)) < 600


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(other_project: Path) -> None:
    path = other_project / "params.yaml"
    path.write_bytes("hall: {seats: 3}  # Säle".encode("latin-1"))
    with pytest.raises(PipelineError, match=r"params\.yaml is not UTF-8 text"):
        params()
    path.write_text("# nothing\n" * 200_000)
    with pytest.raises(PipelineError, match=r"params\.yaml has 2,000,000 bytes; at most 1,000,000"):
        params()
    path.unlink()
    path.mkdir()
    with pytest.raises(PipelineError, match=r"params\.yaml is no file"):
        params()
    path.rmdir()
    path.symlink_to(path)
    with pytest.raises(PipelineError, match=r"params\.yaml: Too many levels of symbolic links"):
        params()


def test_a_byte_order_mark_is_no_part_of_the_settings(other_project: Path) -> None:
    (other_project / "params.yaml").write_text("\ufeffhall: {seats: 3}\nbox: {seats: 4}")
    assert params()["hall.seats"] == 3


def test_an_entry_that_a_setting_does_not_have_is_told_with_those_that_it_has(
    empty_project: Path,
) -> None:
    with pytest.raises(PipelineError, match="candidates has no nope, only logistic_regression, "):
        Slice(["training.candidates.nope"])


def test_a_project_declares_its_own_settings(other_project: Path) -> None:
    assert params() == {"hall.seats": 50, "box.seats": 4}
    (other_project / "params.yaml").write_text("hall: {seats: 0}\nbox: {seats: 4}\n")
    with pytest.raises(PipelineError, match=r"hall\.seats = 0 is not allowed"):
        params()


def test_to_read_settings_before_they_are_declared_is_an_error(
    empty_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "_check", None)
    with pytest.raises(RuntimeError, match="no settings are declared"):
        params()


def test_a_star_stands_for_every_setting_of_a_section(other_project: Path) -> None:
    assert dict(Slice(["hall.*"])) == {"hall.seats": 50}
    assert Slice(["hall.*"]).named() == {"seats": 50}


def test_a_task_sees_only_the_settings_that_it_declares(empty_project: Path) -> None:
    seen = Slice(["monitoring.bins", "training.candidates.random_forest"])
    assert seen["training.candidates.random_forest"]["max_depth"] == 10
    assert dict(seen).keys() == {"monitoring.bins", "training.candidates.random_forest"}
    with pytest.raises(KeyError):
        seen["monitoring.floor"]


def test_settings_go_to_a_function_by_the_last_part_of_their_names(empty_project: Path) -> None:
    def bounds(*, min_age: int, max_age: int) -> tuple[int, int]:
        return min_age, max_age

    assert bounds(**Slice(["quality.max_age", "quality.min_age"]).named()) == (18, 100)


def test_two_settings_that_end_alike_cannot_be_told_apart_by_it(other_project: Path) -> None:
    with pytest.raises(ValueError, match=r"two of hall\.seats, box\.seats are called seats"):
        Slice(["hall.seats", "box.seats"]).named()
