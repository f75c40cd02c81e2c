"""Rules over measurements and outcomes: pass, fail or inconclusive, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from seatrial.config import Rule
from seatrial.core import GateResult, Outcome, Verdict, combine
from seatrial.gate._values import Value
from seatrial.record import Record

UNDECIDED = frozenset({"checks.inconclusive", "checks.blocked", "checks.not_tested"})
"""A rule that these break says that something was not decided, not that the product failed."""

NAMED = 3
UNIT_SIGNS = {"percent": " %", "per_s": "/s", "count": "", "ratio": "", "": ""}


def judge(rules: Sequence[Rule], values: Mapping[str, Value], *, applies: Callable[[str], bool]) -> list[GateResult]:
    """Judge every rule whose metric belongs to this run (`applies`); what was never measured is inconclusive."""
    return [_judge(rule, values.get(rule.metric)) for rule in rules if applies(rule.metric)]


def _judge(rule: Rule, value: Value | None) -> GateResult:
    status, reason = _compare(rule, value)
    return GateResult(
        id=rule.text,
        metric=rule.metric,
        operator=rule.operator,
        threshold=rule.threshold,
        value=None if value is None else value.number,
        unit=value.unit if value else rule.unit,
        status=status,
        reason=reason,
        informational=rule.informational,
    )


def _compare(rule: Rule, value: Value | None) -> tuple[Verdict, str]:
    if value is None:
        return Verdict.INCONCLUSIVE, f"{rule.metric} was never measured"
    shown = f"{rule.metric} is {value.number:g}{_sign(value.unit)}"
    wanted = f"{rule.operator} {rule.threshold:g}{_sign(value.unit)}"
    if rule.holds(value.number):
        return Verdict.PASS, f"{shown}, as wanted: {wanted}"
    verdict = Verdict.INCONCLUSIVE if rule.metric in UNDECIDED or value.doubt else Verdict.FAIL
    return verdict, f"{shown}, wanted is {wanted}{f' ({value.doubt})' if value.doubt else ''}"


def _sign(unit: str) -> str:
    return UNIT_SIGNS.get(unit, f" {unit}")


def decide(
    record: Record, gates: Sequence[GateResult], *, on_inconclusive: Literal["block", "pass"] = "block"
) -> tuple[Verdict, str]:
    """Return the verdict of a run and the one sentence why.

    A run that broke, lost part of its record or passed not one check is never a pass, whatever the rules say. What is
    informational decides nothing, neither that it holds nor that it does not.
    """
    if record.failure:
        return Verdict.INCONCLUSIVE, record.failure.reason
    if record.damage:
        return Verdict.INCONCLUSIVE, "the record of the run is damaged"
    if not record.count(Outcome.PASSED) and not record.count(Outcome.FAILED):
        return Verdict.INCONCLUSIVE, "not one check passed or failed: nothing was verified"
    gates = [gate for gate in gates if not gate.informational]
    counted = [g for g in gates if not (on_inconclusive == "pass" and g.status is Verdict.INCONCLUSIVE)]
    verdict = combine(gate.status for gate in counted)
    return verdict, _sentence(record, gates, verdict)


def _sentence(record: Record, gates: Sequence[GateResult], verdict: Verdict) -> str:
    if not gates:
        return "no gate was judged: [gate] rules is empty or belongs to suites that were not selected"
    if verdict is Verdict.PASS:
        open_gates = sum(gate.status is Verdict.INCONCLUSIVE for gate in gates)
        note = f", {open_gates} inconclusive let through by on_inconclusive" if open_gates else ""
        untested = record.count(Outcome.NOT_TESTED) + record.count(Outcome.BLOCKED)
        note += f", {untested} not tested" if untested else ""
        return f"all {len(gates) - open_gates} gates hold, {record.count(Outcome.PASSED)} checks passed{note}"
    worst = "; ".join(gate.reason for gate in gates if gate.status is verdict)
    ended = Outcome.FAILED if verdict is Verdict.FAIL else Outcome.INCONCLUSIVE
    named = [result.check for result in record.results.values() if result.outcome is ended]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"{worst} ({', '.join(named[:NAMED])}{more})" if named else worst
