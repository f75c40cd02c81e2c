"""One document out of many: what references lead to in other files and at other URLs is taken in.

Each file is taken in whole, once, under a key of its own, and references are rewritten. So those of a file to itself
and back to the document hold as well, and a circle of files comes to its end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

from seatrial.core import SeatrialError, UsageError
from seatrial.openapi._pointers import fragment, look_up, pointer, steps_of
from seatrial.openapi._read import is_url, path_of
from seatrial.openapi._references import Place, references

FILES = "x-seatrial-files"
SHOWN = 10
Load = Callable[[str], Any]


@dataclass(slots=True)
class Bundle:
    """Files by their addresses, the document first, and what is wrong with their references."""

    base: str
    load: Load
    files: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def fill(self, document: dict[str, Any]) -> None:
        """Take in every file that something leads to, and rewrite what does."""
        self.files[self.base] = document
        waiting = [self.base]
        while waiting:
            address = waiting.pop()
            for place in list(references(self.files[address])):
                self._follow(place, address, waiting)

    def _follow(self, place: Place, address: str, waiting: list[str]) -> None:
        target, name = urldefrag(urljoin(address, place.reference))
        try:
            if target not in self.files:
                self.files[target] = self._take(target)
                waiting.append(target)
            steps = _steps(self.files[target], name)
        except (LookupError, SeatrialError) as error:
            self.blame(place, address, str(error) if isinstance(error, SeatrialError) else "leads nowhere")
            return
        if target != self.base:
            steps = [FILES, str(list(self.files).index(target)), *steps]
        if address != self.base or not place.reference.startswith("#/"):
            place.holder[place.key] = fragment(steps)

    def _take(self, target: str) -> Any:
        if not _near(self.base, target):
            raise UsageError("leads to where nothing is read", slug="contract-reference")
        return self.load(target)

    def blame(self, place: Place, address: str, why: str) -> None:
        """Keep what is wrong with a reference."""
        where = "" if address == self.base else address.rpartition("/")[2]
        self.wrong.append(f"{where}{pointer(place.steps)}: {place.reference} {why.splitlines()[0]}")


def bundle(document: dict[str, Any], source: str, load: Load) -> dict[str, Any]:
    """Return a document whose references all lead to somewhere in it; raises UsageError for those that cannot."""
    base = source if is_url(source) else path_of(source).resolve().as_uri()
    found = Bundle(base, load)
    whole = copy.deepcopy(document)
    found.fill(whole)
    if len(found.files) > 1:
        whole[FILES] = {str(number): data for number, data in enumerate(found.files.values()) if number}
    found.wrong += _circles(whole)
    if found.wrong:
        more = len(found.wrong) - SHOWN
        raise UsageError(
            f"a reference of the OpenAPI document leads nowhere: {found.wrong[0]}",
            slug="contract-reference",
            where=source,
            details="\n".join([*found.wrong[1:SHOWN], *([f"and {more} more"] if more > 0 else [])]),
            remedy="correct it; files are read below the document's folder or the current one, URLs at the same host",
        )
    return whole


def _steps(data: Any, name: str) -> list[str]:
    """Return the steps to what a fragment names, a pointer or an anchor; raises LookupError where there is none."""
    if name and not name.startswith("/"):
        found = next(_anchored(data, name, ()), None)
        if found is None:
            raise LookupError(name)
        return found
    steps = steps_of(name)
    look_up(data, steps)
    return steps


def _anchored(data: Any, name: str, steps: tuple[str, ...]) -> Iterator[list[str]]:
    parts = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    if isinstance(data, dict) and data.get("$anchor") == name:
        yield list(steps)
    for key, part in parts:
        yield from _anchored(part, name, (*steps, str(key)))


def _near(base: str, target: str) -> bool:
    """Return whether a file may be read: a document that somebody else wrote must not make others be asked."""
    mine, its = urlsplit(base), urlsplit(target)
    if mine.scheme != "file" or its.scheme != "file":
        return (mine.scheme, mine.netloc) == (its.scheme, its.netloc)
    path = path_of(target).resolve()
    return any(path.is_relative_to(folder) for folder in (path_of(base).parent, Path.cwd()))


def _circles(document: dict[str, Any]) -> Iterator[str]:
    """Yield the references that lead to nothing but one another; a schema that holds itself is none of them."""
    for place in references(document):
        seen: list[str] = []
        found: Any = place.holder
        while place.key == "$ref" and isinstance(found, dict) and isinstance(found.get("$ref"), str):
            if found["$ref"] in seen:
                yield f"{pointer(place.steps)}: {place.reference} leads in a circle"
                break
            seen.append(found["$ref"])
            try:
                found = look_up(document, steps_of(found["$ref"].removeprefix("#")))
            except LookupError:
                break  # it is told of already
