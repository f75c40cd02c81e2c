"""The last look at a run directory finds a secret in any file and in any encoding."""

from __future__ import annotations

import base64
import errno
import gzip
import json
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from seatrial.record import Leak, find_leaks, mend_leaks
from seatrial.record import _scan as scan
from seatrial.record._redaction import Secrets

VALUE = 'pä55/word+"with" all=of it'
FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "url": urllib.parse.quote_plus,
    "json": json.dumps,
    "base64 behind a name": lambda value: base64.b64encode(f"user:{value}".encode()).decode(),
}


@pytest.fixture
def secrets() -> Secrets:
    """Return a registry with one secret."""
    found = Secrets()
    found.register("password", VALUE)
    return found


@pytest.mark.parametrize("form", FORMS)
def test_it_is_found(tmp_path: Path, secrets: Secrets, form: str) -> None:
    """The file is named, in whatever folder and among whatever bytes, and the value is not."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.bin").write_bytes(b"\xff\x00" + FORMS[form](VALUE).encode() + b"\xff")
    (tmp_path / "clean.txt").write_text("{{secret:password}}")
    assert list(find_leaks(tmp_path, secrets)) == [Leak("deep/a.bin", "{{secret:password}}")]


@pytest.mark.parametrize("before", range(1, 60))
def test_no_seam_hides_it(tmp_path: Path, secrets: Secrets, monkeypatch: pytest.MonkeyPatch, before: int) -> None:
    """A long file is read in parts, and a secret may begin in one and end in the next or the one after it."""
    monkeypatch.setattr(scan, "AT_ONCE", 20)
    (tmp_path / "a").write_bytes(b"x" * before + VALUE.encode() + b"y" * 50)
    assert [leak.file for leak in find_leaks(tmp_path, secrets)] == ["a"]


def test_nothing_is_found_where_nothing_is(tmp_path: Path, secrets: Secrets) -> None:
    """No secret, or none registered: no leak."""
    (tmp_path / "a").write_text(VALUE[:-1])
    assert list(find_leaks(tmp_path, secrets)) == []
    (tmp_path / "a").write_text(VALUE)
    assert list(find_leaks(tmp_path, Secrets())) == []


@pytest.mark.parametrize(("name", "value"), [("tester-of-all", "tester-of-all"), ("alice", "{{secret:token")])
def test_a_secret_that_is_a_word_of_a_mark_is_none(tmp_path: Path, name: str, value: str) -> None:
    """What replaced it holds its name, which may be the value."""
    secrets = Secrets()
    secrets.register(name, value)
    (tmp_path / "a").write_text(secrets.redact(f"he said {value}") + "{{secret:token}}")
    assert list(find_leaks(tmp_path, secrets)) == []


def test_ordinary_words_and_source_are_not_looked_for(tmp_path: Path) -> None:
    """A short password is a word that others may have written, and a default stands in the source that is covered."""
    secrets = Secrets()
    secrets.register("short", "orders-7")
    secrets.register("default", "correct horse")
    (tmp_path / "coverage").mkdir()
    (tmp_path / "coverage" / "a.html").write_text("correct horse")
    (tmp_path / "requests.csv").write_text("GET /orders-7")
    assert list(find_leaks(tmp_path, secrets)) == []


def test_a_token_is_found(tmp_path: Path) -> None:
    """A run mints thousands, which nobody registers."""
    (tmp_path / "a").write_text("x eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl")
    (tmp_path / "b").write_text("x {{secret:token}}")
    assert list(find_leaks(tmp_path, Secrets())) == [Leak("a", "{{secret:token}}")]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, secrets: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what stands in it; the refusal is put there, as root may read every file."""

    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "a").touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert list(find_leaks(tmp_path, secrets)) == [Leak("a", "it cannot be read: Permission denied")]


@pytest.mark.parametrize("torn", [False, True])
def test_a_compressed_file_is_looked_into(tmp_path: Path, secrets: Secrets, *, torn: bool) -> None:
    """Whoever unpacks it, or its beginning, reads what stands there; what only looks compressed is no error."""
    packed = gzip.compress(b"x" * 100_000 + VALUE.encode() + os.urandom(100_000))
    (tmp_path / "a.gz").write_bytes(packed[:-50_000] if torn else packed)
    (tmp_path / "b").write_bytes(b"\x1f\x8b and no more of it")
    assert list(find_leaks(tmp_path, secrets)) == [Leak("a.gz", "{{secret:password}}")]


@pytest.mark.parametrize("size", [5, 50_000])
def test_all_members_of_a_compressed_file_are_looked_into(size: int, tmp_path: Path, secrets: Secrets) -> None:
    """A log that is rotated is appended to what was compressed before: each is a member of its own."""
    before = os.urandom(size)
    (tmp_path / "a.gz").write_bytes(gzip.compress(before) * 2 + gzip.compress(VALUE.encode()))
    (tmp_path / "b.gz").write_bytes(gzip.compress(before) + bytes(512))
    assert list(find_leaks(tmp_path, secrets)) == [Leak("a.gz", "{{secret:password}}")]


def test_what_an_instrument_wrote_is_mended(tmp_path: Path, secrets: Secrets) -> None:
    """Rows of load may hold words of a service: marks stand there then; files of others are left as they are."""
    for name in ("load/a/requests.csv", "load/a/packed.gz", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        text = f"1,GET /,{VALUE}\r\n2,GET /,text/plain\r\n".encode()
        (tmp_path / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    left = mend_leaks(tmp_path, secrets, list(find_leaks(tmp_path, secrets)))
    assert [leak.file for leak in left] == ["load/a/packed.gz", "notes.txt"]
    rows = (tmp_path / "load/a/requests.csv").read_bytes()
    assert rows == b"1,GET /,{{secret:password}}\r\n2,GET /,text/plain\r\n"
    assert VALUE in (tmp_path / "notes.txt").read_text()


def test_names_narrow_the_look(tmp_path: Path, secrets: Secrets) -> None:
    """Only these files are opened; one that is not there holds nothing."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(VALUE)
    assert [leak.file for leak in find_leaks(tmp_path, secrets, names=["b", "c"])] == ["b"]
