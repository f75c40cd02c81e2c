"""The last look at a run directory: whether a secret still stands in a file, whoever wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.record._redaction import TOKEN, TOKEN_MARK, Secrets

AT_ONCE = 2**24
"""So many bytes of a file are looked at together."""

TOKEN_BYTES = re.compile(TOKEN.pattern.encode())

OVERLAP = 2**13
"""By so many bytes two parts of a file overlap: more than a token is long."""

LONG_ENOUGH = 12
"""Shorter secrets may be ordinary words in what is not the recorder's: they are replaced there, and not looked for."""

OTHERS = ("coverage",)
"""The project's own source stands here, with whatever is written in it."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A file of the run directory, and the mark that should stand there in place of a secret; never its value."""

    file: str
    secret: str


def find_leaks(directory: Path, secrets: Secrets) -> Iterator[Leak]:
    """Yield each file that holds a registered secret in any of its encodings, or a token, once."""
    known = {form: mark for form, mark in secrets.forms().items() if len(form) >= LONG_ENOUGH}
    forms = {form.encode("utf-8", "surrogatepass"): mark for form, mark in known.items()}
    marks = re.compile(b"|".join(re.escape(mark.encode()) for mark in sorted({*secrets.forms().values(), TOKEN_MARK})))
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        if path.is_symlink() or name.parts[0] in OTHERS or not path.is_file():
            continue
        if found := _look(path, forms, marks):
            yield Leak(name.as_posix(), found)


def _look(path: Path, forms: Mapping[bytes, str], marks: re.Pattern[bytes]) -> str:
    """Return the mark of a secret that stands in a file, or why nobody can know."""
    overlap = max(OVERLAP, *map(len, forms)) if forms else OVERLAP
    try:
        return next(filter(None, (_held(part, forms, marks) for part in _parts(path, overlap))), "")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _held(part: bytes, forms: Mapping[bytes, str], marks: re.Pattern[bytes]) -> str:
    bare = marks.sub(b"", part)  # a secret may be a word of a mark: somebody's name, or "secret"
    token = TOKEN_MARK if TOKEN_BYTES.search(bare) else ""
    return next((mark for form, mark in forms.items() if form in bare), token)


def _parts(path: Path, overlap: int) -> Iterator[bytes]:
    """Yield a file in parts that overlap by as much as the longest secret."""
    tail = b""
    with path.open("rb") as file:
        while part := file.read(AT_ONCE):
            yield tail + part
            tail = (tail + part)[-overlap:]
