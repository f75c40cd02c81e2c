"""Patch coverage: of the lines that a patch changed, those that any suite executed, and those that none did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.core import Measurement
from seatrial.cover._figures import percent
from seatrial.cover._lines import FileLines, Model, PythonLines
from seatrial.cover._patch import Patch
from seatrial.cover._reach import ranges

SCHEMA = "urn:seatrial:patch:1"
METRIC = "coverage.patch"
DEFINITION = (
    "executable lines that changed since the work left its git base and that any suite executed, of all such lines"
)
NOTHING = "the patch against {base} has no executable line of a measured file: nothing to cover"


@dataclass(frozen=True, slots=True)
class Changed:
    """The executable lines of one file that a patch changed, and those of them that a suite executed."""

    lines: frozenset[int]
    covered: frozenset[int]


def changed_lines(patch: Patch, model: Model, root: Path) -> dict[str, Changed]:
    """Return, by file, the changed lines that could be executed: a statement counts if any line of it changed."""
    python = PythonLines()
    return {name: found for name, found in _changed(patch, model, root, python) if found.lines}


def _changed(patch: Patch, model: Model, root: Path, python: PythonLines) -> Iterator[tuple[str, Changed]]:
    for name in sorted(model.keys() & {*patch.files, *patch.new}):
        lines = model[name].executable
        chosen = lines if name in patch.new else lines & _statements(root / name, patch.files[name], python)
        yield name, Changed(chosen, chosen & model[name].reached)


def _statements(path: Path, lines: frozenset[int], python: PythonLines) -> frozenset[int]:
    return python.statements(path, lines) if path.suffix == ".py" else lines


def measure_patch(changed: Mapping[str, Changed]) -> Measurement | None:
    """Return coverage.patch in percent; None where nothing executable changed."""
    covered, total = (sum(len(getattr(each, part)) for each in changed.values()) for part in ("covered", "lines"))
    return percent(METRIC, covered, total, DEFINITION)


def describe_patch(patch: Patch, changed: Mapping[str, Changed], model: Model, *, gap: str) -> dict[str, Any]:
    """Return the patch as JSON for the report, by its schema.

    `gap` says why more of it may have been executed, empty where this is all. Changed files that are not among those
    measured are `elsewhere`.
    """
    return {
        "schema": SCHEMA,
        "base": patch.base,
        "commit": patch.commit,
        "incomplete": gap,
        "lines": sum(len(each.lines) for each in changed.values()),
        "covered": sum(len(each.covered) for each in changed.values()),
        "files": [_file(name, each, model[name]) for name, each in changed.items()],
        "elsewhere": sorted(name for name in patch.files if name not in model),
    }


def _file(name: str, changed: Changed, lines: FileLines) -> dict[str, Any]:
    left = changed.lines - changed.covered
    return {
        "file": name,
        "lines": len(changed.lines),
        "covered": len(changed.covered),
        "uncovered": ranges(left, lines.executable),
    }
