"""Secrets never reach the disk: each is registered before its first use and replaced in every line."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import threading
import urllib.parse
from pathlib import Path
from typing import Self

import markupsafe

from seatrial.core.whole import whole

TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.(?:[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*|eyJ[A-Za-z0-9_-]*|[A-Za-z0-9_-]{43,})")
"""A JSON Web Token, whoever minted it: a run makes thousands, too many to look for one by one.

A log may have only its beginning (two parts of JSON), or only its end (claims and signature, of 32 bytes at least).
"""

TOKEN_MARK = "{{secret:token}}"  # noqa: S105 - what stands in its place

OPENS, CLOSES = "\ue000", "\ue001"
"""What stands for a mark until all secrets are replaced, so that none is looked for in another's mark."""

ESCAPE = re.compile("%[0-9A-F]{2}")

BOTH = "'\""
"""Where a text has quotes of both kinds, Python escapes the first one: also that of a value which has it alone."""

IN_SHELL = "'\"'\"'"
"""How a quote stands within a shell's quotes."""

SHORTEST = 6
"""Shorter values are not replaced: they would blot out ordinary text."""

TELLING = 16
"""Shorter lines of a secret say little of it, and may be ordinary words."""


def encodings(value: str) -> set[str]:
    """Return the forms in which a value may appear, each also in JSON and in JSON in JSON.

    That is plain, in a URL (and in a URL within one), in base64 and hex, in markup, and as Python and a shell write it.
    """
    once = {urllib.parse.quote(value, safe=""), urllib.parse.quote(value), urllib.parse.quote_plus(value)}
    quoted = once | {urllib.parse.quote(text, safe="") for text in once}
    plain = value.encode(errors="surrogatepass")
    forms = {value, *quoted, *(ESCAPE.sub(_lower, text) for text in quoted), *_base64(plain), *_written(value, plain)}
    return forms | {again for form in forms for once in _json(form) for again in (once, *_json(once))}


def _written(value: str, plain: bytes) -> set[str]:
    """Return the value in hex, in markup, as Python's own text and bytes, and between a shell's quotes."""
    markup = {html.escape(value), html.escape(value, quote=False), str(markupsafe.escape(value))}
    code = {repr(value)[1:-1], repr(plain)[2:-1], repr(f"{BOTH}{value}")[4:-1], repr(BOTH.encode() + plain)[5:-1]}
    return {plain.hex(), plain.hex().upper(), *markup, *code, value.replace("'", IN_SHELL)}


def _lower(match: re.Match[str]) -> str:
    return match[0].lower()


def _json(text: str) -> set[str]:
    """Return what stands between the quotes of a JSON string, with and without escapes for what is not ASCII."""
    return {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def _base64(plain: bytes) -> set[str]:
    """Return the characters that are the value's alone, at each of the three places where a longer text may have it."""
    found = set()
    for shift in range(3):
        bits = 8 * (shift + len(plain))
        first, last = -(-8 * shift // 6), bits // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(bytes(shift) + plain).decode()[first:last])
    return found | {base64.b64encode(plain).decode(), base64.urlsafe_b64encode(plain).decode()}


def telling_lines(value: str) -> list[str]:
    """Return the lines of a key or another long secret: whoever logs it may put a time before each."""
    lines = value.splitlines()
    return [line for line in lines if len(line) >= TELLING and not line.startswith("-----")] if len(lines) > 1 else []


def halves(value: str) -> list[str]:
    """Return what of a token is somebody's own, its claims and its signature; its first part is that of all tokens."""
    return [part for part in value.split(".")[1:] if len(part) >= TELLING] if TOKEN.fullmatch(value) else []


def lowered(value: str) -> list[str]:
    """Return a long value as a media type or a host may hold it, which are compared in small letters."""
    return [value.lower()] if len(value) >= TELLING else []


class Secrets:
    """A registry of secret values: `redact` replaces each, in all its encodings, by `{{secret:NAME}}`."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._ordered: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def register(self, name: str, value: str) -> None:
        """Remember a secret; call it before the value is used."""
        if len(value) < SHORTEST:
            return
        self._learn(
            dict.fromkeys(
                [*encodings(value), *telling_lines(value), *halves(value), *lowered(value)], f"{{{{secret:{name}}}}}"
            )
        )

    def _learn(self, marks: dict[str, str]) -> None:
        with self._lock:
            self._names.update(marks)
            # Longest first, so that a secret inside another does not break the longer one.
            self._ordered = sorted(self._names.items(), key=lambda item: -len(item[0]))

    def forms(self) -> dict[str, str]:
        """Return every text that is replaced, with what stands in its place."""
        with self._lock:
            return dict(self._names)

    def redact(self, text: str) -> str:
        """Return the text without any registered value and without tokens."""
        found: list[str] = []
        for form, mark in self._ordered:
            if form in text:
                text = text.replace(form, f"{OPENS}{len(found)}{CLOSES}")
                found.append(mark)
        for number, mark in enumerate(found):
            text = text.replace(f"{OPENS}{number}{CLOSES}", mark)
        return TOKEN.sub(TOKEN_MARK, text)

    def redact_file(self, path: Path) -> None:
        """Replace what stands in the lines of a text file; raises OSError, and UnicodeError for one that is none."""
        with path.open(encoding="utf-8", newline="") as file, whole(path) as mended:
            mended.writelines(map(self.redact, file))

    def save(self, path: Path) -> None:
        """Write them where only their owner may read, for whoever ends a stack that is left running."""
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(self._names, file)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return what `save` wrote."""
        secrets = cls()
        secrets._learn(json.loads(path.read_text()))
        return secrets
