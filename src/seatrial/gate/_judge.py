"""Rules over measurements and outcomes: pass, fail or inconclusive, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from seatrial.config import Rule
from seatrial.core import GateResult, Outcome, Verdict, combine
from seatrial.gate._compared import Compared, judge_compared
from seatrial.gate._values import Value
from seatrial.record import Record

UNDECIDED = frozenset({"checks.inconclusive", "checks.blocked", "checks.not_tested", "smoke.refused"})
"""A rule that these break says that something was not decided, not that the product failed."""

UNDECIDABLE: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.NO_BASELINE: "without a baseline yet",
        Verdict.NO_COMPARISON: "without a comparison yet",
        Verdict.NOTHING_TO_MEASURE: "with nothing to measure",
    }
)
"""States of a rule of their own, which decide nothing: there is nothing that it could be held against."""

NAMED = 3
UNIT_SIGNS = {"percent": " %", "per_s": "/s", "count": "", "ratio": "", "": ""}


NOISE = "informational, as it may differ from a stored figure by chance"
NO_VALUES: Mapping[str, Value] = MappingProxyType({})
NO_REASONS: Mapping[str, str] = MappingProxyType({})
UNCOMPARED: Mapping[str, Compared] = MappingProxyType({})


def judge(  # noqa: PLR0913 - what rules are held against
    rules: Sequence[Rule],
    values: Mapping[str, Value],
    *,
    applies: Callable[[str], bool],
    baseline: Mapping[str, Value] = NO_VALUES,
    nothing: Mapping[str, str] = NO_REASONS,
    compared: Mapping[str, Compared] = UNCOMPARED,
) -> list[GateResult]:
    """Judge every rule whose metric belongs to this run (`applies`), against what was accepted where it says so.

    What was never measured is inconclusive, unless there was `nothing` to measure: that decides nothing. What is about
    two versions goes by what was `compared`.
    """
    return [
        _of_comparison(rule, compared.get(rule.metric))
        if rule.compared
        else _judge(rule, values.get(rule.metric), baseline.get(rule.metric), nothing.get(rule.metric))
        for rule in rules
        if applies(rule.metric)
    ]


def _of_comparison(rule: Rule, found: Compared | None) -> GateResult:
    value = Value(found.estimate, rule.unit) if found and found.estimate is not None else None
    return _result(rule, value, *judge_compared(rule, found))


def postpone(rules: Sequence[Rule], *, applies: Callable[[str], bool], reason: str) -> list[GateResult]:
    """Return every rule that belongs to a run, judged by nobody yet: part of a run says nothing of the whole."""
    return [_result(rule, None, Verdict.WHEN_MERGED, reason) for rule in rules if applies(rule.metric)]


def _judge(rule: Rule, value: Value | None, stored: Value | None, nothing: str | None) -> GateResult:
    if value is None and nothing:
        return _result(rule, None, Verdict.NOTHING_TO_MEASURE, nothing)
    if not rule.baseline or value is None:
        return _result(rule, value, *_compare(rule, value))
    if stored is None or stored.unit != value.unit:
        why = "no baseline was accepted yet" if stored is None else f"its baseline is in {stored.unit}"
        reason = f"{_shown(rule, value)}, and {why}: seatrial baseline accept"
        return _result(rule, value, Verdict.NO_BASELINE, reason)
    held = rule.against(stored.number, stored.unit)
    status, reason = _compare(held, value)
    reason += f"; the baseline is {stored.number:g}{sign_of(stored.unit)}{f' ({NOISE})' if rule.noisy else ''}"
    return _result(held, value, status, reason, baseline=stored.number)


def _result(
    rule: Rule, value: Value | None, status: Verdict, reason: str, *, baseline: float | None = None
) -> GateResult:
    return GateResult(
        id=rule.text,
        metric=rule.metric,
        operator=rule.operator,
        threshold=None if rule.baseline else rule.threshold,
        value=None if value is None else value.number,
        unit=value.unit if value else rule.unit,
        status=status,
        reason=reason,
        informational=rule.informational,
        baseline=baseline,
    )


def _compare(rule: Rule, value: Value | None) -> tuple[Verdict, str]:
    if value is None:
        return Verdict.INCONCLUSIVE, f"{rule.metric} was never measured"
    shown = _shown(rule, value)
    wanted = f"{rule.operator} {rule.threshold:g}{sign_of(value.unit)}"
    if rule.holds(value.number):
        return Verdict.PASS, f"{shown}, as wanted: {wanted}"
    verdict = Verdict.INCONCLUSIVE if rule.metric in UNDECIDED or value.doubt else Verdict.FAIL
    return verdict, f"{shown}, wanted is {wanted}{f' ({value.doubt})' if value.doubt else ''}"


def _shown(rule: Rule, value: Value) -> str:
    return f"{rule.metric} is {value.number:g}{sign_of(value.unit)}"


def sign_of(unit: str) -> str:
    """Return what stands behind a number of this unit, for people."""
    return UNIT_SIGNS.get(unit, f" {unit}")


def decide(
    record: Record, gates: Sequence[GateResult], *, on_inconclusive: Literal["block", "pass"] = "block"
) -> tuple[Verdict, str]:
    """Return the verdict of a run and the one sentence why.

    A run that broke, lost part of its record or passed not one check is never a pass, whatever the rules say. What is
    informational decides nothing, neither that it holds nor that it does not; nor does what has no baseline, or no
    comparison, yet, or what there was nothing to measure of. A shard is judged when it is merged.
    """
    if record.failure:
        return Verdict.INCONCLUSIVE, record.failure.reason
    if record.damage:
        return Verdict.INCONCLUSIVE, "the record of the run is damaged"
    if shard := record.origin.shard:
        counts = ", ".join(f"{record.count(o)} {o}" for o in Outcome if record.count(o))
        return Verdict.WHEN_MERGED, f"shard {shard.name} ran to its end ({counts}); seatrial merge judges all of them"
    if not record.count(Outcome.PASSED) and not record.count(Outcome.FAILED):
        return Verdict.INCONCLUSIVE, "not one check passed or failed: nothing was verified"
    gates = [gate for gate in gates if not gate.informational]
    counted = [g for g in gates if not (on_inconclusive == "pass" and g.status is Verdict.INCONCLUSIVE)]
    verdict = combine(gate.status for gate in counted)
    return verdict, _sentence(record, gates, verdict)


def _sentence(record: Record, gates: Sequence[GateResult], verdict: Verdict) -> str:
    undecided = {status: count for status in UNDECIDABLE if (count := sum(gate.status is status for gate in gates))}
    if gates and len(gates) == sum(undecided.values()):
        if set(undecided) != {Verdict.NO_BASELINE}:
            return "no gate was decided: " + "; ".join(dict.fromkeys(gate.reason for gate in gates))
        return "no gate was decided: none of them has a baseline yet; accept one with: seatrial baseline accept"
    if not gates:
        return "no gate was judged: [gate] rules is empty or belongs to suites that were not selected"
    if verdict is Verdict.PASS:
        open_gates = sum(gate.status is Verdict.INCONCLUSIVE for gate in gates)
        note = f", {open_gates} inconclusive let through by on_inconclusive" if open_gates else ""
        untested = record.count(Outcome.NOT_TESTED) + record.count(Outcome.BLOCKED)
        note += f", {untested} not tested" if untested else ""
        note += "".join(f", {count} {UNDECIDABLE[status]}" for status, count in undecided.items())
        held = len(gates) - open_gates - sum(undecided.values())
        return f"all {held} gates hold, {record.count(Outcome.PASSED)} checks passed{note}"
    worst = "; ".join(dict.fromkeys(gate.reason for gate in gates if gate.status is verdict))
    ended = Outcome.FAILED if verdict is Verdict.FAIL else Outcome.INCONCLUSIVE
    named = [result.check for result in record.results.values() if result.outcome is ended]
    more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
    return f"{worst} ({', '.join(named[:NAMED])}{more})" if named else worst
