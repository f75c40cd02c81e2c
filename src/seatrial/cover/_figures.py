"""Percentages: of everything, and of the components that the project names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from seatrial.config import CoverageSettings
from seatrial.core import Measurement
from seatrial.cover._lines import Model
from seatrial.cover._places import Places, component_files

Summaries = Mapping[str, Mapping[str, int]]

LINES = "executable lines that ran in any process of the measured services, of all in the measured packages"
MERGED = f"{LINES}, with what was merged in"
BRANCHES = "branch destinations that ran in the measured services, of all in the measured packages"


def components_of(
    settings: CoverageSettings, places: Places, merged: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the files of each component, as the project names them: by its globs, and those that data alone knows."""
    found = {
        name: places.relative(component_files(settings, name, places.files)) if name in settings.components else []
        for name in settings.component_names
    }
    return {name: sorted({*files, *merged.get(name, ())}) for name, files in found.items()}


def measure(
    model: Model, components: Mapping[str, Sequence[str]], summaries: Summaries, *, merged: bool = False
) -> tuple[Measurement, ...]:
    """Return coverage.total, coverage.branches and coverage.components.NAME in percent, unrounded.

    Branches are those of the services alone: what is merged in knows lines.
    """
    definition = MERGED if merged else LINES
    found = [_lines("coverage.total", model, model, definition), _branches(summaries)]
    found += [_lines(f"coverage.components.{name}", model, files, definition) for name, files in components.items()]
    return tuple(measurement for measurement in found if measurement)


def _lines(name: str, model: Model, files: Iterable[str], definition: str) -> Measurement | None:
    chosen = [model[file] for file in files if file in model]
    covered, total = sum(len(each.reached) for each in chosen), sum(len(each.executable) for each in chosen)
    return percent(name, covered, total, definition)


def _branches(summaries: Summaries) -> Measurement | None:
    covered = sum(summary["covered_branches"] for summary in summaries.values())
    total = sum(summary["num_branches"] for summary in summaries.values())
    return percent("coverage.branches", covered, total, BRANCHES)


def percent(name: str, covered: int, total: int, definition: str) -> Measurement | None:
    """Return a measurement, None where there is nothing to cover: no data is no number."""
    if not total:
        return None
    return Measurement(name=name, value=100 * covered / total, unit="percent", definition=definition, samples=total)
