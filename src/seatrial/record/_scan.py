"""The last look at a run directory: whether a secret still stands in a file, whoever wrote it."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from seatrial.record._redaction import TOKEN, TOKEN_MARK, Secrets

GZIP = b"\x1f\x8b"
WITH_HEADER = 16
"""What zlib adds to the size of its window for gzip's own header."""

_member = partial(zlib.decompressobj, wbits=zlib.MAX_WBITS | WITH_HEADER)

PACKED_AT_ONCE = 2**14
"""So many bytes become 16 MiB at most."""

AT_ONCE = 2**24
"""So many bytes of a file are looked at together."""

TOKEN_BYTES = re.compile(TOKEN.pattern.encode())

OVERLAP = 2**13
"""By so many bytes two parts of a file overlap: more than a token is long."""

LONG_ENOUGH = 12
"""Shorter secrets may be ordinary words in what is not the recorder's: they are replaced there, and not looked for."""

OTHERS = ("coverage",)
"""The project's own source stands here, with whatever is written in it."""


INSTRUMENTS = ("load",)
"""What an instrument writes past the recorder stands here, with words of the service in it."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A file of the run directory, and the mark that should stand there in place of a secret; never its value."""

    file: str
    secret: str


def find_leaks(directory: Path, secrets: Secrets, *, names: Collection[str] = ()) -> Iterator[Leak]:
    """Yield each file (of these names, if there are any) that holds a secret in any of its encodings, or a token, once.

    Of a file that gzip compressed, what it holds is looked at.
    """
    known = {form: mark for form, mark in secrets.forms().items() if len(form) >= LONG_ENOUGH}
    forms = {form.encode("utf-8", "surrogatepass"): mark for form, mark in known.items()}
    marks = re.compile(b"|".join(re.escape(mark.encode()) for mark in sorted({*secrets.forms().values(), TOKEN_MARK})))
    for path in sorted(map(directory.joinpath, names) if names else directory.rglob("*")):
        name = path.relative_to(directory)
        if path.is_symlink() or name.parts[0] in OTHERS or not path.is_file():
            continue
        if found := _look(path, forms, marks):
            yield Leak(name.as_posix(), found)


def mend_leaks(directory: Path, secrets: Secrets, leaks: Iterable[Leak]) -> list[Leak]:
    """Replace secrets in files of our own instruments, and return the other leaks, and those that are still there."""
    left: list[Leak] = []
    for leak in leaks:
        if leak.file.partition("/")[0] in INSTRUMENTS:
            with contextlib.suppress(OSError, UnicodeError):  # it is still a leak then
                secrets.redact_file(directory / leak.file)
            left += find_leaks(directory, secrets, names=[leak.file])
        else:
            left.append(leak)
    return left


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
    """Yield a file, and what it holds if it is compressed, in parts that overlap by as much as the longest secret."""
    with path.open("rb") as file:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        yield from _overlapping(iter(lambda: file.read(AT_ONCE), b""), overlap)
        file.seek(0)
        yield from _overlapping(_unpacked(file), overlap) if packed else ()


def _unpacked(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what gzip compressed, as far as it can be read: one member, or several that were appended."""
    reader = _member()
    with contextlib.suppress(zlib.error):
        while packed := file.read(PACKED_AT_ONCE):
            while packed:
                yield reader.decompress(packed)
                packed, reader = reader.unused_data, _member() if reader.eof else reader


def _overlapping(parts: Iterable[bytes], overlap: int) -> Iterator[bytes]:
    tail = b""
    for part in parts:
        yield tail + part
        tail = (tail + part)[-overlap:]
