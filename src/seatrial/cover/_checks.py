"""Judge the data itself: whether it is complete, and whether it speaks of the source on this machine."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence

from seatrial.core import CheckResult, Finding, Outcome, Severity
from seatrial.cover._combine import Combined
from seatrial.cover._handed_in import HandedIn
from seatrial.cover._places import Places

COLLECTED = "coverage.collected"
MAPPED = "coverage.source-mapped"
SHOWN = 5
HOST = f"{sys.version_info.major}.{sys.version_info.minor}"


def judge_collected(handed_in: Iterable[HandedIn], merged: Sequence[str] = ()) -> CheckResult:
    """Pass when every service handed in all that it executed: one without data is incomplete, never at 0 %.

    `merged` says what is wrong with data of other tools.
    """
    gaps = [*(service.gap for service in handed_in if service.gap), *merged]
    if gaps:
        reason = f"coverage incomplete: {'; '.join(gaps)}"
        return CheckResult(check=COLLECTED, outcome=Outcome.INCONCLUSIVE, reason=reason)
    return CheckResult(check=COLLECTED, outcome=Outcome.PASSED)


def judge_mapped(
    combined: Combined, handed_in: Iterable[HandedIn], unread: Sequence[str], places: Places
) -> CheckResult:
    """Pass when every measured file is one of the source, with the content that it has here, and could be analysed."""
    if combined.unmapped:
        names = _some(combined.unmapped)
        findings = tuple(_finding(path) for path in combined.unmapped)
        reason = f"measured, but not in {places.source}: {names}"
        return CheckResult(check=MAPPED, outcome=Outcome.FAILED, reason=reason, findings=findings)
    if unread:
        reason = f"Python {HOST} cannot parse {_some(places.relative(unread))}: run seatrial under the services' Python"
        return CheckResult(check=MAPPED, outcome=Outcome.INCONCLUSIVE, reason=reason)
    if changed := sorted(set(_changed(combined, handed_in, places))):
        reason = f"services run other versions of {_some(places.relative(changed))}: build their images again"
        return CheckResult(check=MAPPED, outcome=Outcome.INCONCLUSIVE, reason=reason)
    return CheckResult(check=MAPPED, outcome=Outcome.PASSED)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _finding(path: str) -> Finding:
    return Finding(
        check=MAPPED,
        severity=Severity.MEDIUM,
        title=f"{path} was measured, but is not in the source",
        cause="unmapped",
        operation=path,
        location="seatrial.toml",
    )


def _changed(combined: Combined, handed_in: Iterable[HandedIn], places: Places) -> Iterator[str]:
    """Yield executed files whose content a service has otherwise than this machine."""
    for service in handed_in:
        for name, digest in service.digests.items():
            path = places.source / name
            executed = name in places.files and combined.data.lines(str(path))
            if executed and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                yield name


def remarks(handed_in: Iterable[HandedIn], library: Sequence[str]) -> Iterator[str]:
    """Yield what a reader of the figures should know."""
    for service in handed_in:
        pythons = {process["python"] for process in service.processes}
        for python in sorted(pythons - {HOST}):
            yield f"coverage: {service.service} ran Python {python}, its lines are analysed with Python {HOST}"
        if slow := sorted({item["python"] for item in service.processes if item["tracer"] == "PyTracer"}):
            why = "; ".join(note for note in library if note.startswith(tuple(slow)))
            yield f"coverage: {service.service} (Python {', '.join(slow)}) ran slower, without a compiled tracer. {why}"
