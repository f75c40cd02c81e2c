"""annotations.txt: workflow commands that GitHub shows beside the lines of a change; a step prints the file.

A step shows ten of each level and drops the rest: the worst come first, and the tenth says how many were left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TextIO

from seatrial.core import FindingStatus, Severity, Verdict
from seatrial.core.plain import plain
from seatrial.record import Record
from seatrial.reporting._places import file_and_line
from seatrial.reporting._verdict import findings_of, unexplained

Level = Literal["error", "warning", "notice"]
LEVELS: Mapping[Severity, Level] = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}
GATES: Mapping[Verdict, Level] = {
    Verdict.FAIL: "error",
    Verdict.INCONCLUSIVE: "warning",
    Verdict.NO_BASELINE: "notice",
    Verdict.NOTHING_TO_MEASURE: "notice",
    Verdict.NO_COMPARISON: "notice",
}
MOST = 10
LONGEST = 500
"""So many characters of a message are shown: a service may have written the rest."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One line of the file; without a `file` it stands with the job alone."""

    level: Level
    title: str
    message: str
    file: str = ""
    line: int = 1

    def __str__(self) -> str:
        place = {"file": self.file, "line": str(self.line)} if self.file else {}
        words = ",".join(f"{name}={_property(value)}" for name, value in {**place, "title": self.title}.items())
        return f"::{self.level} {words}::{_escaped(plain(self.message, longest=LONGEST))}"


def write_annotations(record: Record, stream: TextIO) -> None:
    """Write why the run is none, if so, then broken gates, then findings that count, worst first."""
    found = [*_of_run(record), *_of_gates(record), *_of_findings(record)]
    for level in ("error", "warning", "notice"):
        shown = shortened([annotation for annotation in found if annotation.level == level])
        stream.writelines(f"{annotation}\n" for annotation in shown)


def shortened(found: Sequence[Annotation]) -> list[Annotation]:
    """Return what one step shows of one level: ten, of which the last tells of the others where there are more."""
    if len(found) <= MOST:
        return list(found)
    left = len(found) - MOST + 1
    return [*found[: MOST - 1], Annotation(found[0].level, "seatrial", f"and {left} more: see report.html")]


def _of_run(record: Record) -> Iterator[Annotation]:
    if reason := unexplained(record):
        yield Annotation("error", "run", reason)


def _of_gates(record: Record) -> Iterator[Annotation]:
    for gate in record.gates:
        if gate.status in GATES:
            level: Level = "notice" if gate.informational else GATES[gate.status]
            yield Annotation(level, f"gate {gate.id}", gate.reason)


def _of_findings(record: Record) -> Iterator[Annotation]:
    for finding in findings_of(record):
        if finding.status is FindingStatus.CONFIRMED:
            where = f" ({finding.operation})" if finding.operation else ""
            yield Annotation(
                LEVELS[finding.severity], finding.check, finding.title + where, *file_and_line(finding.location)
            )


def _escaped(text: str) -> str:
    """Keep a text on its line: GitHub reads these three again."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(plain(text, longest=LONGEST)).replace(":", "%3A").replace(",", "%2C")
