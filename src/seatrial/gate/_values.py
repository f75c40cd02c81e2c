"""The numbers that rules compare, and which names they may have."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from seatrial.config import (
    COMPARED,
    COMPARED_FIGURES,
    LOAD_UNITS,
    OPERATION_UNITS,
    PERCENT,
    Rule,
    Settings,
    WaiverSettings,
)
from seatrial.core import CheckResult, FindingStatus, Outcome, Severity, UsageError
from seatrial.gate._waivers import active, counts, excuses
from seatrial.record import Record

EXERCISED = ("operations", "statuses", "client-statuses", "parameters")
CONTRACT_UNITS = {**dict.fromkeys(EXERCISED, "percent"), "cases": "count", "waits": "count"}
HEARD = ("contract.operations-reached", "contract.not-rate-limited")
"""Checks without which little of a contract says nothing about the service."""
COLLECTED = ("coverage.collected", "coverage.source-mapped")
"""Checks without which little coverage says nothing about what was exercised."""


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its unit; `doubt` says why too small a one decides nothing."""

    number: float
    unit: str
    doubt: str = ""


def collect_values(
    record: Record, waivers: Sequence[WaiverSettings] = (), *, today: dt.date = dt.date.min
) -> dict[str, Value]:
    """Return every number of a run: what was measured, checks by outcome, findings by severity, expired waivers."""
    holding = active(waivers, today=today)
    values = {name: Value(m.value, m.unit, _doubt(record, name)) for name, m in record.measurements.items()}
    values |= {f"checks.{outcome_word(o)}": Value(record.count(o), "count") for o in Outcome}
    failed = [r for r in record.results.values() if r.outcome is Outcome.FAILED]
    forgiven = sum(excuses(holding, result) for result in failed)
    values["checks.failed"] = Value(len(failed) - forgiven, "count")
    values["checks.waived"] = Value(forgiven, "count")
    values["waivers.expired"] = Value(len(waivers) - len(holding), "count")
    return values | _findings(record.results.values(), holding)


def _doubt(record: Record, metric: str) -> str:
    """Return why a figure may be small for another reason than the service.

    The fuzzer was not heard, or stopped; a service did not hand in what it executed.
    """
    area, _, name = metric.partition(".")
    if area == "contract" and name in EXERCISED:
        return "; ".join(filter(None, [*_unpassed(record, HEARD), record.unfinished]))
    return "; ".join(_unpassed(record, COLLECTED)) if area == "coverage" else ""


def _unpassed(record: Record, checks: Iterable[str]) -> list[str]:
    """Return those of these checks that ended otherwise than well, with their reasons."""
    results = [record.results[check] for check in checks if check in record.results]
    return [f"{result.check}: {result.reason}" for result in results if result.outcome is not Outcome.PASSED]


def outcome_word(outcome: Outcome) -> str:
    """Return an outcome as it stands in metric names and in verdict.json."""
    return outcome.value.replace("-", "_")


def _findings(results: Iterable[CheckResult], waivers: Sequence[WaiverSettings]) -> dict[str, Value]:
    """Return findings by severity, and apart from them those that did not come again."""
    found = [finding for result in results for finding in result.findings]
    confirmed = [finding for finding in found if finding.status is FindingStatus.CONFIRMED]
    counted = [finding.severity for finding in confirmed if counts(finding, waivers)]
    flaky = sum(finding.status is FindingStatus.FLAKY for finding in found)
    values = {f"findings.{severity}": Value(counted.count(severity), "count") for severity in Severity}
    return {**values, "findings.flaky": Value(flaky, "count")}


def known_metrics(settings: Settings) -> dict[str, str]:
    """Return every metric that a rule of this project may name, with its unit."""
    known = {f"checks.{outcome_word(outcome)}": "count" for outcome in Outcome} | {"checks.waived": "count"}
    known |= {f"findings.{kind}": "count" for kind in (*Severity, FindingStatus.FLAKY)} | {"waivers.expired": "count"}
    if settings.coverage:
        names = (
            "total",
            "branches",
            "patch",
            *(f"components.{name}" for name in settings.coverage.component_names),
        )
        known |= {f"coverage.{name}": "percent" for name in names}
    if settings.contract:
        known |= {f"contract.{name}": unit for name, unit in CONTRACT_UNITS.items()}
    for scenario in settings.load:
        known |= {f"load.{scenario}.{name}": unit for name, unit in LOAD_UNITS.items()}
        known |= {f"{COMPARED}{scenario}.{name}": PERCENT for name in COMPARED_FIGURES}
    return known


def check_rules(settings: Settings) -> None:
    """Raise UsageError for a rule about a metric or in a unit that this project cannot have."""
    known = known_metrics(settings)
    for rule in settings.gate.parsed:
        _check_rule(rule, known)


def _check_rule(rule: Rule, known: Mapping[str, str]) -> None:
    where = f"[gate] {'informational' if rule.informational else 'rules'}"
    unit = known.get(rule.metric) or _operation_unit(rule.metric, known)
    if unit is None:
        near = difflib.get_close_matches(rule.metric, known, n=1, cutoff=0.6)
        raise UsageError(
            f"the gate rule {rule.text!r} names no metric of this project",
            slug="gate-metric",
            where=where,
            remedy=f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}",
        )
    if rule.unit and rule.unit != unit and not (rule.baseline and rule.unit == PERCENT):
        raise UsageError(
            f"the gate rule {rule.text!r} compares {unit} with {rule.unit}",
            slug="gate-unit",
            where=where,
            remedy=f"{rule.metric} is measured in {unit}",
        )


def _operation_unit(metric: str, known: Mapping[str, str]) -> str | None:
    """Return the unit of `load.<scenario>.<operation>.<name>`: operations are known only once they ran."""
    match metric.split("."):
        case ["load", scenario, _, name] if name in OPERATION_UNITS:
            return known.get(f"load.{scenario}.{name}")
        case _:
            return None
