"""Findings of two runs by their fingerprints: new, fixed, still there, or not looked at, which is never fixed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from seatrial.core import Finding, FindingStatus, Outcome
from seatrial.openapi import filled
from seatrial.record import Record
from seatrial.reporting._verdict import findings_of

STATES = ("new", "fixed", "not-looked-at", "still", "unconfirmed", "flaky", "waived")
"""What can become of a finding, in the order in which it is told."""

DECIDED = frozenset({Outcome.PASSED, Outcome.FAILED})
COUNTS = FindingStatus.CONFIRMED


def findings_between(base: Record, candidate: Record) -> list[dict[str, Any]]:
    """Return each finding that counts in the base, or stands in the candidate, with what became of it, worst first."""
    before, now = _by_fingerprint(base), _by_fingerprint(candidate)
    labels = _documented(base) | _documented(candidate)
    seen_before, seen_now = (_looker(record, labels) for record in (base, candidate))
    told = [_told(finding, before.get(print_), finding, seen_before(finding)) for print_, finding in now.items()]
    gone = [finding for print_, finding in before.items() if print_ not in now and finding.status is COUNTS]
    return [*told, *(_told(finding, finding, None, seen_now(finding)) for finding in gone)]


def listed(found: Iterable[Mapping[str, Any]], state: str) -> list[Mapping[str, Any]]:
    """Return the findings in one of the states."""
    return [each for each in found if each["state"] == state]


def _told(finding: Finding, before: Finding | None, now: Finding | None, unseen: str) -> dict[str, Any]:
    """Return a finding; `unseen` says why the run that does not have it could not have found it."""
    return {
        "state": _state(before, now, unseen),
        "severity": finding.severity.value,
        "check": finding.check,
        "operation": finding.operation,
        "title": finding.title,
        "fingerprint": finding.fingerprint,
        "base": before.status.value if before else None,
        "candidate": now.status.value if now else None,
        "unseen": "" if before and now else unseen,
    }


def _state(before: Finding | None, now: Finding | None, unseen: str) -> str:
    if now is None:
        return "not-looked-at" if unseen else "fixed"
    if now.status is not COUNTS:
        return now.status.value
    return "still" if before and before.status is COUNTS else "new"


def _by_fingerprint(record: Record) -> dict[str, Finding]:
    """Return findings by fingerprint, worst first; of several with one, the one that counts."""
    found: dict[str, Finding] = {}
    for finding in findings_of(record):
        if finding.fingerprint not in found or finding.status is COUNTS:
            found[finding.fingerprint] = finding
    return found


def _documented(record: Record) -> frozenset[str]:
    return frozenset(each.operation for each in record.documented)


def _looker(record: Record, labels: Collection[str]) -> Callable[[Finding], str]:
    """Return what tells why a run did not look at a finding's check and operation, or nothing where it did."""
    asked = frozenset(row.label for row in filled(record) if row.asked)

    def unseen(finding: Finding) -> str:
        if why := _undecided(record, finding.check):
            return why
        if record.documented and finding.operation in labels and finding.operation not in asked:
            return f"{finding.operation} was not asked"
        return ""

    return unseen


def _undecided(record: Record, check: str) -> str:
    result = record.results.get(check)
    if result is None and (record.damage or not record.started):
        return "the check is not in what is left of the record"
    if result is None:
        return "the check never ended" if check in record.planned else "the check was not selected"
    return "" if result.outcome in DECIDED else f"the check is {result.outcome}"


def count(found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many findings are in each state."""
    return {state: len(listed(found, state)) for state in STATES}
