"""The verdict with everything that it rests on, as every report tells it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from seatrial.core import CheckResult, Finding, Outcome, Verdict
from seatrial.gate import outcome_word
from seatrial.record import CheckPlanned, Record

SCHEMA = "urn:seatrial:verdict:1"
BLOCKING = frozenset({Verdict.FAIL, Verdict.INCONCLUSIVE})


def verdict_of(record: Record) -> dict[str, Any]:
    """Return the verdict as JSON data; a run without an end is inconclusive."""
    started, finished, failure = record.origin, record.finished, record.failure
    return {
        "schema": SCHEMA,
        "verdict": (finished.verdict if finished else Verdict.INCONCLUSIVE).value,
        "reason": _reason(record),
        "exit_code": failure.exit_code if failure else (finished.verdict.exit_code if finished else 3),
        "run": started.run,
        "project": started.project,
        "version": started.version,
        "started": started.started,
        "stack": started.stack,
        "why_stack": started.why_stack,
        "profile": started.profile,
        "fault": started.fault,
        "seed": started.seed,
        "shard": started.shard.name if started.shard else "",
        "merged": list(started.merged),
        "repeat": started.command,
        "duration_s": finished.duration_s if finished else 0.0,
        "gates": [{**asdict(gate), "status": gate.status.value} for gate in record.gates],
        "findings": [_finding(finding, record.planned.get(finding.check)) for finding in findings_of(record)],
        "checks": {outcome_word(outcome): record.count(outcome) for outcome in Outcome},
        "outcomes": [_outcome(result) for result in record.results.values()],
        "measurements": [asdict(measurement) for measurement in record.measurements.values()],
        "coverage": _coverage(record),
        "stages": [{"stage": stage.stage, "duration_s": stage.duration_s} for stage in record.stages],
        "budget_s": dict(started.budget_s),
        "not_verified": not_verified(record),
    }


def _reason(record: Record) -> str:
    if record.finished:
        return record.finished.reason
    return record.damage or "the run ended before its verdict"


def unexplained(record: Record) -> str:
    """Return why a verdict is no pass where no gate says it: the run broke, did not end, or verified nothing."""
    finished = record.finished
    if finished and not record.failure and not record.damage:
        by_gates = any(gate.status in BLOCKING for gate in record.gates if not gate.informational)
        if finished.verdict in {Verdict.PASS, Verdict.WHEN_MERGED} or by_gates:
            return ""
    return record.damage or _reason(record)


def findings_of(record: Record) -> list[Finding]:
    """Return every finding, worst first."""
    order = ["critical", "high", "medium", "low", "info"]
    found = [finding for result in record.results.values() for finding in result.findings]
    return sorted(found, key=lambda finding: (order.index(finding.severity), finding.check, finding.operation))


def _finding(finding: Finding, check: CheckPlanned | None) -> dict[str, Any]:
    references = {"cwe": list(check.cwe) if check else [], "owasp": list(check.owasp) if check else []}
    found = {**asdict(finding), "evidence": list(finding.evidence), "fingerprint": finding.fingerprint}
    return {**found, **references}


def _outcome(result: CheckResult) -> dict[str, Any]:
    return {
        "check": result.check,
        "outcome": result.outcome.value,
        "reason": result.reason,
        "duration_s": result.duration_s,
    }


def _coverage(record: Record) -> dict[str, Any] | None:
    total = record.measurements.get("coverage.total")
    if total is None:
        return None
    prefix = "coverage.components."
    parts = {n.removeprefix(prefix): m.value for n, m in record.measurements.items() if n.startswith(prefix)}
    branches = record.measurements.get("coverage.branches")
    return {
        "lines_percent": total.value,
        "branches_percent": branches.value if branches else None,
        "components": parts,
    }


def not_verified(record: Record) -> list[str]:
    """Return in sentences what this run did not verify; checks that have the same reason share one."""
    notes = [limitation for stack in record.stacks for limitation in stack.limitations]
    notes += record.limitations
    left: dict[str, list[str]] = {}
    for result in record.results.values():
        if result.outcome in {Outcome.NOT_TESTED, Outcome.BLOCKED}:
            left.setdefault(result.reason, []).append(result.check)
    notes += [f"{', '.join(checks)}: {reason}" for reason, checks in left.items()]
    notes += [f"{slug} never ended" for slug in sorted(record.planned.keys() - record.results.keys())]
    return list(dict.fromkeys(notes))
