"""Findings that somebody answers for until a date."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from seatrial.config import WaiverSettings
from seatrial.core import CheckResult, Finding, FindingStatus

EVERYTHING = "*"
SURE = frozenset({FindingStatus.CONFIRMED, FindingStatus.UNCONFIRMED})
"""Findings that count unless they are waived."""


def active(waivers: Iterable[WaiverSettings], *, today: dt.date) -> tuple[WaiverSettings, ...]:
    """Return the waivers that still hold; the day one expires is its last."""
    return tuple(w for w in waivers if dt.date.fromisoformat(w.expires) >= today)


def covers(waiver: WaiverSettings, finding: Finding) -> bool:
    """Return whether a waiver is about a finding."""
    alike = fnmatchcase(finding.operation, waiver.operation) and fnmatchcase(finding.cause, waiver.cause)
    return waiver.check == finding.check and alike


def counts(finding: Finding, waivers: Iterable[WaiverSettings]) -> bool:
    """Return whether a finding keeps its check from being excused."""
    return finding.status in SURE and not any(covers(waiver, finding) for waiver in waivers)


def excuses(waivers: Sequence[WaiverSettings], result: CheckResult) -> bool:
    """Return whether everything that a failed check found is waived."""
    if not result.findings:
        whole = [w for w in waivers if (w.operation, w.cause) == (EVERYTHING, EVERYTHING)]
        return any(waiver.check == result.check for waiver in whole)
    return bool(waivers) and not any(counts(finding, waivers) for finding in result.findings)


def describe(waivers: Sequence[WaiverSettings], *, today: dt.date) -> tuple[str, ...]:
    """Return one sentence for each waiver, for everybody who reads the report."""
    return tuple(
        f"{_meant(w)} is waived until {w.expires} by {w.owner}: {w.reason}"
        if dt.date.fromisoformat(w.expires) >= today
        else f"the waiver of {_meant(w)} by {w.owner} expired on {w.expires} and counts no more"
        for w in waivers
    )


def _meant(waiver: WaiverSettings) -> str:
    parts = (waiver.operation, waiver.cause)
    narrowed = ", ".join(part for part in parts if part != EVERYTHING)
    return f"{waiver.check} ({narrowed})" if narrowed else waiver.check
