"""comment.md: the run for a pull request, and what changed against an earlier one where that is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TextIO

from seatrial.core import Finding, FindingStatus, GateResult, Outcome, Verdict
from seatrial.record import Record
from seatrial.reporting._patch import patch_lines
from seatrial.reporting._plain import escape as escape_markup
from seatrial.reporting._summary import bounded, told
from seatrial.reporting._verdict import findings_of, not_verified, verdict_of

MARKER = "<!-- seatrial -->"
"""The first line of each comment: by it the earlier one is found, and written anew."""

MOST = 65_000
"""GitHub refuses a comment of more than 65,536 characters."""

SHOWN = 50
"""So many findings of a kind are listed: the report has them all."""

LINKING = re.compile(r"@|#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
"""What GitHub makes a link of, in a comment: @name, #1, and GH-1."""

LOOKED = {Outcome.PASSED, Outcome.FAILED}


def write_comment(record: Record, stream: TextIO, *, base: Record | None = None) -> None:
    """Write verdict, gates and findings; against a base also which are new, which are gone, and what held before."""
    patch = [unlinked(line.replace("##", "###")) for line in patch_lines(record)]
    lines = [MARKER, *_head(record, base), *_gates(record, base), *patch, *_findings(record, base)]
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
        yield f"Not verified: {len(left)} points, which the report names."


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


def _findings(record: Record, base: Record | None) -> Iterator[str]:
    now = _counting(record)
    if base is None:
        yield from _listed("Findings", now.values())
        return
    before = _counting(base)
    gone = [finding for print_, finding in before.items() if print_ not in now]
    fixed = [finding for finding in gone if _looked_at(record, finding)]
    yield from _listed("New findings", (finding for print_, finding in now.items() if print_ not in before))
    yield from _listed("Fixed", fixed)
    yield from _listed("Not looked at again", (finding for finding in gone if finding not in fixed))
    yield from _listed("Still there", (finding for print_, finding in now.items() if print_ in before))


def _counting(record: Record) -> dict[str, Finding]:
    """Return findings that count by fingerprint, worst first."""
    confirmed = [finding for finding in findings_of(record) if finding.status is FindingStatus.CONFIRMED]
    return {finding.fingerprint: finding for finding in confirmed}


def _looked_at(record: Record, finding: Finding) -> bool:
    """Return whether a finding's check was decided in this run: only then is what it does not find again fixed."""
    result = record.results.get(finding.check)
    return result is not None and result.outcome in LOOKED


def escape(text: str) -> str:
    """Keep foreign text from becoming markup or a link."""
    return unlinked(escape_markup(text))


def unlinked(text: str) -> str:
    """Keep a text from calling whoever it mentions, and from being told to the issue whose number it has."""
    return LINKING.sub("\\g<0>\u200b", text)


def _listed(title: str, findings: Iterable[Finding]) -> list[str]:
    found = list(findings)
    lines = [
        f"- **{each.severity}** `{each.check}` {escape(each.title)} {escape(each.operation)}".rstrip()
        for each in found[:SHOWN]
    ]
    lines += [f"- and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return ["", f"### {title}: {len(found)}", "", *lines] if found else []
