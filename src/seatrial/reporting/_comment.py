"""comment.md: the run for a pull request, and what changed against an earlier one where that is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from seatrial.core import FindingStatus, GateResult, Verdict
from seatrial.record import Record
from seatrial.reporting._patch import patch_lines
from seatrial.reporting._plain import escape as escape_markup
from seatrial.reporting._summary import bounded, told
from seatrial.reporting._verdict import findings_of, not_verified, verdict_of
from seatrial.reporting.compare import changed_lines, differences_of, listed

MARKER = "<!-- seatrial -->"
"""The first line of each comment: by it the earlier one is found, and written anew."""

MOST = 65_000
"""GitHub refuses a comment of more than 65,536 characters."""

SHOWN = 50
"""So many findings of a kind are listed: the report has them all."""

LINKING = re.compile(r"@|#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
"""What GitHub makes a link of, in a comment: @name, #1, and GH-1."""


def write_comment(record: Record, stream: TextIO, *, base: Record | None = None) -> None:
    """Write verdict, gates and findings; against a base also which are new, which are gone, and what held before."""
    patch = [unlinked(line.replace("##", "###")) for line in patch_lines(record)]
    found = differences_of(base, record) if base else None
    lines = [MARKER, *_head(record, base), *_gates(record, base), *patch, *_findings(record, found), *_changes(found)]
    stream.write(bounded(lines, most=MOST))


def _head(record: Record, base: Record | None) -> Iterator[str]:
    facts = verdict_of(record)
    before = verdict_of(base) if base else None
    yield f"## seatrial: {facts['verdict']}" + (f" (before: {before['verdict']})" if before else "")
    yield from ("", escape(facts["reason"]), "")
    yield f"Profile {facts['profile']}, `{facts['stack']}` stack, {facts['duration_s']:.1f} s" + (
        f", against run {escape(before['run'])} of {escape(before['started'])}." if before else "."
    )
    if left := not_verified(record):
        yield f"Not verified: {len(left)} {'point' if len(left) == 1 else 'points'}; the report has each."


def _gates(record: Record, base: Record | None) -> Iterator[str]:
    """Yield the table of gates, those that do not hold first."""
    if not record.gates:
        return
    before = {gate.id: gate for gate in base.gates} if base else {}
    yield from (
        "",
        "| gate | status | why |" + (" before |" if base else ""),
        "|---|---|---|" + ("---|" if base else ""),
    )
    for gate in sorted(record.gates, key=lambda gate: gate.status is Verdict.PASS):
        row = f"| `{gate.id}` | {told(gate)} | {escape(gate.reason)} |"
        yield row + (f" {_before(before.get(gate.id))} |" if base else "")


def _before(gate: GateResult | None) -> str:
    return f"{told(gate)}: {escape(gate.reason)}" if gate else "no such gate"


HEADINGS = {
    "new": "New findings",
    "fixed": "Fixed",
    "not-looked-at": "Not looked at again",
    "still": "Still there",
    "unconfirmed": "Not confirmed any more",
    "flaky": "Flaky now",
    "waived": "Waived now",
}
"""What becomes of a finding that counts, or did before, in the order in which it is told."""


def _findings(record: Record, differences: Mapping[str, Any] | None) -> Iterator[str]:
    if differences is None:
        confirmed = [finding for finding in findings_of(record) if finding.status is FindingStatus.CONFIRMED]
        once = {finding.fingerprint: finding for finding in confirmed}
        yield from _listed("Findings", [_line(f.severity, f.check, f.title, f.operation) for f in once.values()])
        return
    found = [each for each in differences["findings"] if "confirmed" in {each["base"], each["candidate"]}]
    for state, heading in HEADINGS.items():
        told = [_line(f["severity"], f["check"], f["title"], f["operation"]) for f in listed(found, state)]
        yield from _listed(heading, told)


def _changes(differences: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield what else changed, each part under a heading where there is something."""
    for heading, changes in changed_lines(differences) if differences else ():
        yield from _listed(heading, [f"- {escape(line)}" for line in changes])


def _line(severity: str, check: str, title: str, operation: str) -> str:
    return f"- **{severity}** `{check}` {escape(title)} {escape(operation)}".rstrip()


def escape(text: str) -> str:
    """Keep foreign text from becoming markup or a link."""
    return unlinked(escape_markup(text))


def unlinked(text: str) -> str:
    """Keep a text from calling whoever it mentions, and from being told to the issue whose number it has."""
    return LINKING.sub("\\g<0>\u200b", text)


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    more = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ["", f"### {title}: {len(lines)}", "", *lines[:SHOWN], *more] if lines else []
