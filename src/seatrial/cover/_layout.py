"""Where data of other tools has the project's files: by which path each means which file."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from seatrial.cover._formats import Names, Told, both
from seatrial.cover._places import SKIPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Turns paths of data into files below `source`.

    `prefixes` are what stands for that folder in the data, `measured` the files that count, relative to it (None: all
    that exist), `packages` where they are. What lies elsewhere (tests, libraries) is left out.
    """

    root: Path
    source: Path
    prefixes: tuple[str, ...]
    packages: tuple[str, ...] = (".",)
    measured: Container[str] | None = None

    def map(self, told: Mapping[Names, Told]) -> dict[str, Told]:
        """Return what is said of each file that counts; raises ValueError for data of another layout or version."""
        mapped: dict[str, Told] = {}
        for names, each in told.items():
            found = [place for name in map(normal, names) if (place := self._place(name))]
            if file := next(filter(self._counts, found), ""):
                mapped[file] = both(mapped[file], each) if file in mapped else each
            elif not any(map(self._exists, [*found, *names])):
                self._check_elsewhere([normal(name) for name in names], found)
        if not mapped:
            raise ValueError(f"no file in it is one of those measured in {self.source.name}: name its root in paths")
        return mapped

    def _place(self, path: str) -> str:
        """Return a path relative to the source, empty for one elsewhere; nothing says that the file exists."""
        for prefix in self.prefixes:
            if path.startswith(f"{prefix}/"):
                return path.removeprefix(f"{prefix}/")
        return "" if path.startswith(("/", "..")) or path[1:3] == ":/" else path

    def _counts(self, file: str) -> bool:
        return (self.source / file).is_file() if self.measured is None else file in self.measured

    def _exists(self, path: str) -> bool:
        """Return whether a file that does not count is there: a test, or one of another service."""
        return (self.source / path).is_file() or (self.root / path).is_file()

    def _check_elsewhere(self, names: Iterable[str], places: Iterable[str]) -> None:
        """Raise ValueError where a file that is not here must be one of ours: it would count as not executed."""
        for place in places:
            if any(package == "." or place.startswith(f"{package}/") for package in self.packages):
                raise ValueError(f"{place} is no longer there: the data is of another version, write it again")
        for name in names:
            parts = PurePosixPath(name).parts
            tails = ("/".join(parts[at:]) for at in range(1, len(parts)))
            if not SKIPPED.intersection(parts) and (tail := next(filter(self._counts, tails), "")):
                prefix = name.removesuffix(tail).rstrip("/")
                raise ValueError(f'{name} looks like {tail}: if it is that, add paths = ["{prefix}"]')


def normal(path: str) -> str:
    """Return a path without dots and backslashes."""
    return os.path.normpath(path.replace("\\", "/"))
