"""The corpus is large, every case has a sentence of its own, and says what must happen."""

from __future__ import annotations

from collections import Counter

from bad_delivery import broken_everywhere
from corpus import HERE, cases, tables

OUTCOMES = {
    "silver", "reason", "quarantine", "flag", "gold", "refused", "malformed", "value", "luigi",
    "built again", "ignored",
}  # fmt: skip
# Written in another way, which changes nothing: all rows are kept.
HARMLESS = {"place", "encoding", "end", "last end", "start", "line"}


def test_the_corpus_has_at_least_four_hundred_cases_written_by_hand() -> None:
    by_table = {name: len(cases(name)) for name in tables()}
    print(by_table, len(broken_everywhere()), "are made of texts_of_every_column")
    assert sum(by_table.values()) >= 400


def test_no_two_cases_of_a_kind_have_the_same_name() -> None:
    names = Counter(
        case["case"] for name in tables() if name != "texts_of_every_column" for case in cases(name)
    )
    assert [name for name, n in names.items() if n > 1] == []
    everywhere = Counter(case.name for case in broken_everywhere())
    assert [name for name, n in everywhere.items() if n > 1] == []


def test_every_case_says_what_must_happen() -> None:
    silent = [
        case["case"]
        for name in tables()
        for case in cases(name)
        if not case.keys() & OUTCOMES and not (name == "files" and case.keys() & HARMLESS)
    ]
    assert silent == []


def test_a_table_fits_on_a_screen_or_eight() -> None:
    assert [
        path.name
        for path in HERE.iterdir()
        if path.is_file()
        if len(path.read_text().splitlines()) > 400
    ] == []
