"""Percentages: of everything, and of the components that the project names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seatrial.config import CoverageSettings
from seatrial.core import Measurement
from seatrial.cover._places import component_files

Summaries = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is counted, under which names in coverage's summaries."""

    covered: str
    total: str
    definition: str


LINES = Figure(
    "covered_lines",
    "num_statements",
    "executable lines that ran in any process of the measured services, of all in the measured packages",
)
BRANCHES = Figure("covered_branches", "num_branches", "branch destinations that ran, of all in the measured packages")


def measure(summaries: Summaries, settings: CoverageSettings) -> tuple[Measurement, ...]:
    """Return coverage.total, coverage.branches and coverage.components.NAME in percent, unrounded."""
    wanted = [("coverage.total", list(summaries), LINES), ("coverage.branches", list(summaries), BRANCHES)]
    wanted += [
        (f"coverage.components.{name}", component_files(settings, name, summaries), LINES)
        for name in settings.components
    ]
    found = (_percent(summaries, files, name, figure) for name, files, figure in wanted)
    return tuple(measurement for measurement in found if measurement)


def _percent(summaries: Summaries, files: Iterable[str], name: str, figure: Figure) -> Measurement | None:
    """Return a measurement, None where there is nothing to cover: no data is no number."""
    chosen = [summaries[file] for file in files]
    total = sum(summary[figure.total] for summary in chosen)
    covered = sum(summary[figure.covered] for summary in chosen)
    if not total:
        return None
    value = 100 * covered / total
    return Measurement(name=name, value=value, unit="percent", definition=figure.definition, samples=total)
