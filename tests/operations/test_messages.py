"""An address may hold a password, which nobody is shown, whoever listens to logs."""

from __future__ import annotations

import logging

import pytest

from luigi_tasks.operations.events import Event
from luigi_tasks.operations.messages import message, send

SECRET = "pa55word"


@pytest.mark.parametrize(
    "address", [f"json://user:{SECRET}@127.0.0.1:1/{SECRET}", f"nonsense://{SECRET}/", SECRET]
)
def test_what_apprise_says_of_an_address_is_in_no_log(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert send([address], "title", "text") == 0
    assert SECRET not in caplog.text


def test_a_message_names_each_kind_once_and_has_a_line_for_each_event() -> None:
    found = [Event("run_failed", "a"), Event("incident_opened", "b"), Event("run_failed", "c")]
    assert message(found) == ("Loan pipeline: failure, incident", "- a\n- b\n- c\n")
