"""Coverage of two runs: shares by component, and the lines that are newly reached, or no longer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from seatrial.record import Record
from seatrial.reporting._components import components_of

Lines = frozenset[int]
Covered = Mapping[str, tuple[Lines, Lines]]
"""Files with their executable lines, and those of them that were reached."""


def coverage_between(base: Record, candidate: Record) -> dict[str, Any] | None:
    """Return components with both shares, and files whose reached lines differ; None where neither run has any.

    A share is null where it is incomplete, or where the component is not there.
    """
    before, now = components_of(base), components_of(candidate)
    if not before and not now:
        return None
    sides = (("base", base, before), ("candidate", candidate, now))
    gaps = [(name, found["incomplete"] if found else _missing(record.directory)) for name, record, found in sides]
    unknown = [f"{name}: {gap}" for name, gap in gaps if gap]
    return {
        "incomplete": unknown,
        "components": list(_components(before, now)),
        "files": [] if unknown else list(_files(covered(base.directory), covered(candidate.directory))),
    }


def _missing(directory: Path) -> str:
    there = (directory / "coverage" / "components.json").exists()
    return "its components.json cannot be read: cut, or of another version" if there else "no coverage was recorded"


def _components(base: Mapping[str, Any], candidate: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    before, now = (_shares(found) for found in (base, candidate))
    for name in dict.fromkeys([*now, *before]):
        yield {"name": name, "base": before.get(name), "candidate": now.get(name)}


def _shares(found: Mapping[str, Any]) -> dict[str, float | None]:
    rows = found["rows"] if found else ()
    return {row["name"]: None if found["incomplete"] else row["share"] for row in rows}


def _files(before: Covered, now: Covered) -> Iterator[dict[str, Any]]:
    """Yield files that differ; of one whose statements do not stand on the same lines only how many were reached."""
    for name in sorted({*before, *now}):
        (lines, reached), (lines_now, reached_now) = before.get(name, NOTHING), now.get(name, NOTHING)
        same = name in before and name in now and lines == lines_now
        if (same and reached == reached_now) or not (reached or reached_now):
            continue
        yield {
            "file": name,
            "same": same,
            "base": len(reached) if name in before else None,
            "candidate": len(reached_now) if name in now else None,
            "newly": ranges(reached_now - reached) if same else "",
            "no_longer": ranges(reached - reached_now) if same else "",
        }


NOTHING: tuple[Lines, Lines] = (frozenset(), frozenset())


def ranges(lines: Iterable[int]) -> str:
    """Return lines as people write them: `3-5, 9`."""
    found = sorted(lines)
    if not found:
        return ""
    starts = [found[0], *(later for earlier, later in pairwise(found) if later > earlier + 1)]
    ends = [*(earlier for earlier, later in pairwise(found) if later > earlier + 1), found[-1]]
    return ", ".join(f"{start}-{end}" if end > start else f"{start}" for start, end in zip(starts, ends, strict=True))


def covered(directory: Path) -> Covered:
    """Return the lines of a run, from its lcov.info and attribution.json; nothing where these cannot be read."""
    try:
        text = (directory / "coverage" / "lcov.info").read_text(encoding="utf-8")
        told = json.loads((directory / "coverage" / "attribution.json").read_text(encoding="utf-8"))
        reached = {name: frozenset(map(int, lines)) for name, lines in told["files"].items()}
        listed = executable(text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: (listed.get(name, Lines()), reached.get(name, Lines())) for name in {*listed, *reached}}


def executable(text: str) -> dict[str, Lines]:
    """Return the executable lines of each file of an LCOV text; raises ValueError for what is none."""
    found: dict[str, set[int]] = {}
    name = ""
    for line in text.splitlines():
        kind, _, rest = line.partition(":")
        if kind == "SF":
            name = rest
            found[name] = set()
        elif kind == "DA":
            found.setdefault(name, set()).add(int(rest.partition(",")[0]))
    return {file: frozenset(lines) for file, lines in found.items()}
