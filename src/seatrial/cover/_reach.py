"""Who reached what: lines that one suite alone reached, and lines that no request reached, by component and file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from seatrial.cover._lines import FileLines, Model
from seatrial.cover._phases import STARTUP

SCHEMA = "urn:seatrial:coverage:1"
COMPONENTS = "components.json"


def describe(  # noqa: PLR0913 - by keyword, what the file says
    model: Model,
    components: Mapping[str, Sequence[str]],
    *,
    unit: Collection[str],
    gap: str,
    interpreters: Sequence[Mapping[str, str]],
    late: Sequence[Mapping[str, str | int]],
) -> dict[str, Any]:
    """Return who reached what as JSON for the report, by its schema.

    `unit` are suites that send no requests; `gap` says why there may be more that was reached, empty when it is all;
    `interpreters` are those by which services were measured, `late` are services that a suite began without.
    """
    suites = sorted({suite for lines in model.values() for suite in lines.suites})
    parts = _parts(components)
    return {
        "schema": SCHEMA,
        "incomplete": gap,
        "interpreters": list(interpreters),
        "late": list(late),
        "suites": [*filter(STARTUP.__eq__, suites), *filter(STARTUP.__ne__, suites)],
        "components": [
            {"name": name, **_counts([model[file] for file in files], unit)}
            for name, files in {"total": list(model), **components}.items()
        ],
        "files": [
            {"file": name, "components": parts.get(name, []), **_counts([lines], unit), "where": _where(lines, unit)}
            for name, lines in model.items()
        ],
    }


def _parts(components: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the components of each file: globs may give it several, or none."""
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for name, files in components.items():
        for file in files:
            parts[file].append(name)
    return parts


def only(lines: FileLines) -> dict[str, frozenset[int]]:
    """Return the lines that one suite reached and no other; what a process starts with is no suite."""
    suites = {suite: found for suite, found in lines.suites.items() if suite != STARTUP}
    rest = {suite: _union(found for other, found in lines.suites.items() if other != suite) for suite in suites}
    return {suite: found - rest[suite] for suite, found in suites.items()}


def unreached(lines: FileLines, unit: Collection[str]) -> frozenset[int]:
    """Return the lines that neither a request nor the start of a process reached, whatever unit tests did."""
    return lines.executable - _union(found for suite, found in lines.suites.items() if suite not in unit)


def ranges(chosen: Collection[int], executable: Collection[int]) -> str:
    """Return lines as people write them, `3-5, 9`; what is no statement does not part those around it."""
    runs = (list(run) for is_in, run in groupby(sorted(executable), key=frozenset(chosen).__contains__) if is_in)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset[int]().union(*sets)


def _counts(files: Sequence[FileLines], unit: Collection[str]) -> dict[str, Any]:
    suites = sorted({suite for lines in files for suite in lines.suites})
    alone = [only(lines) for lines in files]
    return {
        "lines": sum(len(lines.executable) for lines in files),
        "covered": sum(len(lines.reached) for lines in files),
        "suites": {suite: sum(len(lines.suites.get(suite, ())) for lines in files) for suite in suites},
        "only": {suite: sum(len(found.get(suite, ())) for found in alone) for suite in suites if suite != STARTUP},
        "unreached": sum(len(unreached(lines, unit)) for lines in files),
    }


def _where(lines: FileLines, unit: Collection[str]) -> dict[str, Any]:
    return {
        "only": {suite: ranges(found, lines.executable) for suite, found in sorted(only(lines).items()) if found},
        "unreached": ranges(unreached(lines, unit), lines.executable),
    }
