"""The last look at a run directory: whether a secret still stands in a file, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.record._redaction import Secrets

AT_ONCE = 2**24
"""So many bytes of a file are looked at together."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A file of the run directory, and the mark that should stand there in place of a secret; never its value."""

    file: str
    secret: str


def find_leaks(directory: Path, secrets: Secrets) -> Iterator[Leak]:
    """Yield each file that holds a registered secret in any of its encodings, once."""
    forms = {form.encode("utf-8", "surrogatepass"): name for form, name in secrets.forms().items()}
    overlap = max(map(len, forms), default=1) - 1
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not path.is_symlink():
            name = next((forms[form] for part in _parts(path, overlap) for form in forms if form in part), None)
            if name:
                yield Leak(path.relative_to(directory).as_posix(), name)


def _parts(path: Path, overlap: int) -> Iterator[bytes]:
    """Yield a file in parts that overlap by as much as the longest secret less one."""
    tail = b""
    with path.open("rb") as file:
        while part := file.read(AT_ONCE):
            yield tail + part
            tail = (tail + part)[-overlap:] if overlap else b""
