"""The neutral line model: file -> suite -> lines, whatever recorded them.

Branch data, line data, LCOV and Cobertura XML do not combine with each other; lines of files do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import coverage
from coverage import CoverageData
from coverage.exceptions import CoverageException
from coverage.python import PythonFileReporter

from seatrial.cover._places import Places


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLines:
    """One file: its `executable` lines (from 1), and which of them each of the `suites` reached."""

    executable: frozenset[int]
    suites: Mapping[str, frozenset[int]]

    @property
    def reached(self) -> frozenset[int]:
        """Return the lines that any suite reached."""
        return frozenset[int]().union(*self.suites.values())


Model = dict[str, FileLines]
"""Files by the name that the project has for them, relative to its folder."""


def join(first: Mapping[str, FileLines], second: Mapping[str, FileLines]) -> Model:
    """Return the union of two models: a line that either has is executable, a suite reached it if either says so."""
    return {name: _union(first.get(name), second.get(name)) for name in sorted({*first, *second})}


def _union(one: FileLines | None, other: FileLines | None) -> FileLines:
    found = [each for each in (one, other) if each]
    suites: defaultdict[str, frozenset[int]] = defaultdict(frozenset)
    for each in found:
        for suite, lines in each.suites.items():
            suites[suite] |= lines
    return FileLines(executable=frozenset[int]().union(*(each.executable for each in found)), suites=dict(suites))


class PythonLines:
    """What is a line of a Python file: statements that are not excluded, each by its first line."""

    def __init__(self) -> None:
        # Only asked for what its defaults exclude; it measures nothing.
        self._defaults = coverage.Coverage(data_file=None, config_file=False)

    def read(self, path: Path, suites: Mapping[str, Iterable[int]]) -> FileLines | None:
        """Return a file's lines as its suites reached them; None for one that this Python cannot parse."""
        reporter = PythonFileReporter(str(path), self._defaults)
        try:
            executable = frozenset(reporter.lines())
        except CoverageException:
            return None
        reached = {suite: executable & reporter.translate_lines(lines) for suite, lines in suites.items()}
        return FileLines(executable=executable, suites={suite: lines for suite, lines in reached.items() if lines})

    def statements(self, path: Path, lines: Iterable[int]) -> frozenset[int]:
        """Return the first lines of the statements that lines of a file, which can be parsed, belong to."""
        return frozenset(PythonFileReporter(str(path), self._defaults).translate_lines(lines))


def lines_of(data: CoverageData, places: Places) -> Model:
    """Return what the processes of the services recorded, of every file of the source that can be parsed."""
    python = PythonLines()
    paths = [places.source / name for name in places.files]
    found = ((path, python.read(path, _by_suite(data, path))) for path in paths)
    return {places.named(path): lines for path, lines in found if lines}


def _by_suite(data: CoverageData, path: Path) -> dict[str, set[int]]:
    suites: defaultdict[str, set[int]] = defaultdict(set)
    for line, names in data.contexts_by_lineno(str(path)).items():
        for name in filter(None, names):
            suites[name].add(line)
    return suites
