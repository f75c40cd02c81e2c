"""What a platform's file says of one thing that it runs, whatever the platform's words for it are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from seatrial.manifests._read import Document, Place

URL_PATH = re.compile(r"https?://(?:[^/\s'\"]+)(/[^\s'\"?]*)")
NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class Said(NamedTuple):
    """One text of a file, and its line."""

    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A container or process group: its image, the variables it is given, the paths it is asked, what it may use.

    `cpus` and `memory` (bytes) are None where the file sets no limit; `sized` is False where that is not its business.
    `retags` is the name of an image that other files name, and whose tag is set here.
    """

    name: str
    line: int
    image: Said | None = None
    variables: tuple[Said, ...] = ()
    probes: tuple[Said, ...] = ()
    cpus: float | None = None
    memory: float | None = None
    sized: bool = True
    retags: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How the files of a platform are known and read; `schema` names the published one, empty where none is here."""

    name: str
    recognises: Callable[[Document], bool]
    schema: Callable[[Document], str]
    workloads: Callable[[Document], Iterable[Workload]]


def no_schema(_document: Document) -> str:
    """Return that nothing published is here."""
    return ""


def said(document: Document, *place: str | int) -> Said | None:
    """Return a text and its line; None where there is none."""
    value = document.at(*place)
    return Said(value, document.line(*place)) if isinstance(value, str) and value else None


def names_of(document: Document, *place: str | int, key: str = "name") -> Iterator[Said]:
    """Yield the names in a list of mappings, such as `env` of a container."""
    for index in range(len(document.items(*place))):
        if found := said(document, *place, index, key):
            yield found


def keys_of(document: Document, *place: str | int) -> Iterator[Said]:
    """Yield the keys of a mapping."""
    for name in document.mapping(*place):
        yield Said(name, document.line(*place, name))


def paths_in(document: Document, *place: str | int) -> Iterator[Said]:
    """Yield the paths of the addresses that a command asks."""
    command: Any = document.at(*place)
    words = command if isinstance(command, list) else [command]
    for index, word in enumerate(words):
        where: Place = (*place, index) if isinstance(command, list) else place
        for path in URL_PATH.findall(str(word)):
            yield Said(path, document.line(*where))
