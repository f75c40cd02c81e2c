"""The run in a few lines: for the terminal, and as Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from seatrial.core import Finding, FindingStatus, GateResult, Outcome, Verdict
from seatrial.core.plain import plain_line
from seatrial.gate import outcome_word
from seatrial.record import Record
from seatrial.reporting._budget import budget_lines, budgets_of, without_budget
from seatrial.reporting._components import component_lines
from seatrial.reporting._load import sent_loads
from seatrial.reporting._numbers import figure
from seatrial.reporting._patch import patch_lines
from seatrial.reporting._plain import escape
from seatrial.reporting._slowest import slowest_lines
from seatrial.reporting._trend import trend_of
from seatrial.reporting._verdict import findings_of, not_verified, verdict_of

LIMIT_BYTES = 900_000
"""GitHub drops a whole step summary above 1 MiB."""

LONGEST = 2_000
"""So many characters of a line are shown: a service may have written the rest."""

CUT = "\n(cut: see report.html)"
SHOWN = 20


def summarise(record: Record) -> list[str]:
    """Return what somebody wants to know when a run is over, verdict last but for where the rest is."""
    facts = verdict_of(record)
    counts = ", ".join(f"{record.count(o)} {o}" for o in Outcome if record.count(o))
    lines = [f"{f.severity:<8} {f.check}: {plain_line(f.title)}{_status(f)}" for f in findings_of(record)[:SHOWN]]
    hidden = len(facts["findings"]) - len(lines)
    lines += [f"... and {hidden} more findings in the report"] if hidden > 0 else []
    lines += [f"checks:  {counts or 'none'}"]
    lines += [
        f"gate:    {g.id}: {told(g)} ({plain_line(g.reason)})" for g in record.gates if g.status is not Verdict.PASS
    ]
    lines += [f"verdict: {facts['verdict']}: {plain_line(facts['reason'].splitlines()[0])}"]
    lines += [f"report:  {_nearby(record.directory / 'report.html')}"]
    return [*lines, f"repeat:  {facts['repeat']}"]


def told(gate: GateResult) -> str:
    """Return how a rule ended, and whether that decides anything."""
    return f"{gate.status.words}{', informational' if gate.informational else ''}"


def _nearby(path: Path) -> str:
    """Return a path as short as it can be said from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def write_summary(record: Record, stream: TextIO) -> None:
    """Write the run as Markdown, short enough for a step summary."""
    stream.write(bounded(_markdown(record)))


def bounded(lines: Sequence[str], *, most: int = LIMIT_BYTES) -> str:
    """Return lines, each cut to `LONGEST`, as one text of at most so many bytes, that says if some are left out."""
    kept, room = [], most - len(CUT.encode()) - 1
    for line in map(_shortened, lines):
        room -= len(line.encode()) + 1
        if room < 0:
            kept.append(CUT)
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _shortened(line: str) -> str:
    """Cut a line: one that is too long would leave no room for those after it."""
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def _markdown(record: Record) -> list[str]:
    facts = verdict_of(record)
    lines = [f"# seatrial: {facts['verdict']}", "", escape(facts["reason"]), ""]
    lines += [
        f"`{facts['stack']}` stack, profile {facts['profile']}, seed {facts['seed']}, {facts['duration_s']:.1f} s",
        "",
    ]
    lines += ["| checks | |", "|---|---|"]
    lines += [f"| {outcome} | {facts['checks'][outcome_word(outcome)]} |" for outcome in Outcome]
    lines += ["", "| gate | status | value | previous | why |", "|---|---|---|---|---|"]
    lines += [f"| `{gate.id}` | {' | '.join(_judged(record, gate))} |" for gate in record.gates]
    lines += ["", "## Findings", ""] if facts["findings"] else []
    lines += [
        f"- **{f.severity}** `{f.check}` {escape(f.title)}{_status(f)} {escape(f.operation)}"
        for f in findings_of(record)
    ]
    lines += [*patch_lines(record), *component_lines(record), *_loaded(record)]
    lines += ["", "## Not verified", ""] + [f"- {escape(note)}" for note in not_verified(record)]
    return lines


def _loaded(record: Record) -> Iterator[str]:
    """Yield what a release manager wants to know of the loads."""
    loads = sent_loads(record.directory)
    budgets = budgets_of(loads, record.gates)
    yield from budget_lines(budgets, without_budget(loads, budgets))
    yield from slowest_lines(loads)


def _judged(record: Record, gate: GateResult) -> tuple[str, ...]:
    """Return the cells of a rule."""
    return told(gate), figure(gate.value, gate.unit), _previous(record, gate), escape(gate.reason)


def _previous(record: Record, gate: GateResult) -> str:
    """Return the value of a rule in the last run that asked for the same, and the way since."""
    trend = trend_of(gate, record.earlier)
    if trend.previous is None:
        return "none"
    since = ", ".join(filter(None, (trend.change, trend.course)))
    return f"{figure(trend.previous, gate.unit)}{f' ({since})' if since else ''}"


def _status(finding: Finding) -> str:
    """Return what sets a finding apart from those that count."""
    return "" if finding.status is FindingStatus.CONFIRMED else f" ({finding.status})"
