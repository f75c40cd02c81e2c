"""The last look at a run directory finds a secret in any file and in any encoding."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial.record import Leak, find_leaks
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
