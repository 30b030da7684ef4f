"""With a key, a file is what somebody who holds the key has written; without one, as before."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import pytest

from luigi_tasks.core import signing
from luigi_tasks.core.errors import PipelineError

SECRET = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def _in_a_folder_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (signing.KEY, signing.KEY_FILE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.KEY, SECRET)


FILE = Path("marker.json")


def test_without_a_key_nothing_is_signed_and_nothing_is_checked() -> None:
    signing.write(FILE, b"{}")
    signing.sign_file(FILE)
    assert signing.sign("marker.json", b"{}") is None
    assert [path.name for path in Path().iterdir()] == ["marker.json"]
    signing.signature_path(FILE).write_text("nonsense")
    assert signing.read(FILE) == b"{}"


@pytest.mark.usefixtures("key")
def test_the_signature_is_the_hmac_of_name_and_bytes_beside_the_file() -> None:
    signing.write(FILE, b"{}")
    expected = hmac.new(SECRET.encode(), b"marker.json\0{}", hashlib.sha256).hexdigest()
    assert Path("marker.json.sig").read_text() == f"{expected}\n"
    assert (FILE.read_bytes(), signing.read(FILE)) == (b"{}", b"{}")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("found", ["", "0" * 64, "\xe9" * 64])
def test_a_file_with_a_wrong_signature_is_refused(found: str) -> None:
    signing.write(FILE, b"{}")
    signing.signature_path(FILE).write_text(found, encoding="utf-8")
    with pytest.raises(PipelineError, match=r"marker\.json: refused, marker\.json\.sig is not its"):
        signing.read(FILE)


@pytest.mark.usefixtures("key")
def test_a_file_that_was_altered_renamed_or_never_signed_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signing.write(FILE, b"{}")
    FILE.write_bytes(b"{ }")
    with pytest.raises(PipelineError, match="is not its signature"):
        signing.read(FILE)
    FILE.write_bytes(b"{}")
    signing.signature_path(FILE).rename("other.json.sig")
    with pytest.raises(PipelineError, match=r"it is not signed: marker\.json\.sig is missing"):
        signing.read(FILE)
    FILE.rename("other.json")
    with pytest.raises(PipelineError, match=r"other\.json: refused"):
        signing.read(Path("other.json"))


@pytest.mark.usefixtures("key")
def test_a_file_signed_with_another_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    signing.write(FILE, b"{}")
    monkeypatch.setenv(signing.KEY, SECRET[::-1])
    with pytest.raises(PipelineError, match="with the key in use"):
        signing.read(FILE)


def test_a_key_in_a_file_is_the_same_as_one_in_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(signing.KEY, SECRET)
    wanted = signing.sign("name", b"data")
    monkeypatch.delenv(signing.KEY)
    Path("key").write_text(f"{SECRET}\n")
    monkeypatch.setenv(signing.KEY_FILE, "key")
    assert signing.sign("name", b"data") == wanted


@pytest.mark.parametrize("text", ["", " " * 40, SECRET[1:], f"{SECRET[1:]}\n"])
def test_a_key_that_is_too_short_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.KEY, text)
    with pytest.raises(PipelineError, match=f"{signing.KEY}: the signing key has .* at least 32"):
        signing.key()
    monkeypatch.delenv(signing.KEY)
    Path("key").write_text(text)
    monkeypatch.setenv(signing.KEY_FILE, "key")
    with pytest.raises(PipelineError, match=f"{signing.KEY_FILE}: the signing key has"):
        signing.key()


def test_a_key_file_that_cannot_be_read_and_two_keys_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(signing.KEY_FILE, "nowhere")
    with pytest.raises(PipelineError, match="_KEY_FILE: its file cannot be read: No such file"):
        signing.key()
    monkeypatch.setenv(signing.KEY, SECRET)
    with pytest.raises(PipelineError, match="are both set"):
        signing.key()
