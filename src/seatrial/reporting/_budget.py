"""Error budgets: how many arrivals of a load may fail, how many did, and when nothing of that was left.

stats.json (objectives, ledger, seconds), gates on `error_ratio` --> Budget --> a row of report.html and summary.md
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.config import Rule
from seatrial.core import GateResult
from seatrial.reporting._plain import escape

METRIC = "error_ratio"
UPPER = frozenset({"<=", "<", "=="})
"""How a rule compares that leaves failures a bound; `==` does with 0 alone."""

PARTS = 10
"""The fastest burn is looked for over this part of a load, a second at the least."""

SHOWN = 30
"""So many budgets are in summary.md; report.html has more."""


@dataclass(frozen=True, slots=True)
class Burn:
    """How many times faster than evenly a budget was used, from one second to another."""

    factor: float
    from_s: int
    to_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The errors that a rule allows: `failed` of `due` arrivals (requests of an `operation`), of which `may_fail` may.

    `spent_s`: by then as many had failed as may; where none may, the first one. `burn` is the fastest. Neither is known
    of an operation. `doubt` says why the load was not sent as it was asked for.
    """

    scenario: str
    rule: str
    due: int
    may_fail: int
    failed: int
    operation: str = ""
    spent_s: float | None = None
    burn: Burn | None = None
    doubt: str = ""

    @property
    def used(self) -> float | None:
        """Return the share of it that was used; None where there is none to use."""
        return self.failed / self.may_fail if self.may_fail else None

    @property
    def open(self) -> bool:
        """Return whether more failed than may, or whether that is not known."""
        return self.failed > self.may_fail or bool(self.doubt)

    @property
    def unit(self) -> str:
        """Return what is counted."""
        return "requests" if self.operation else "arrivals"


def budgets_of(loads: Iterable[Mapping[str, Any]], gates: Sequence[GateResult]) -> list[Budget]:
    """Return the budgets of scenarios (each as stats.json has it), those of its operations after its own."""
    return [budget for stats in loads for budget in _budgets(stats, gates)]


def without_budget(loads: Iterable[Mapping[str, Any]], budgets: Sequence[Budget]) -> list[str]:
    """Return the scenarios of which nobody says how many errors they may have."""
    having = {budget.scenario for budget in budgets}
    return [name for stats in loads if (name := stats["scenario"]["name"]) not in having]


def _budgets(stats: Mapping[str, Any], gates: Sequence[GateResult]) -> Iterator[Budget]:
    name, ledger, seconds = stats["scenario"]["name"], stats["ledger"], stats["seconds"]
    about = {"scenario": name, "doubt": stats["doubt"]}
    due = max(stats.get("planned", 0), ledger["due"])
    for rule in _rules(stats, gates, f"load.{name}"):
        if (most := may_fail(rule, due)) is not None:
            yield Budget(
                **about, rule=rule.text, due=due, may_fail=most, failed=ledger["due"] - ledger["answered"],
                spent_s=spent_s(seconds, most), burn=fastest_burn(seconds, rule.threshold),
            )  # fmt: skip
    for row in stats["operations"]:
        for rule in _rules(stats, gates, row["metric"], row["operation"]):
            if (most := may_fail(rule, row["requests"])) is not None:
                failed = round(row["error_ratio"] * row["requests"])
                yield Budget(
                    **about, operation=row["operation"], rule=rule.text, due=row["requests"], may_fail=most,
                    failed=failed,
                )  # fmt: skip


def _rules(stats: Mapping[str, Any], gates: Sequence[GateResult], prefix: str, operation: str = "") -> Iterator[Rule]:
    """Yield what is asked of the errors of a scenario or an operation, as an objective and then as gates."""
    for one in stats.get("objectives", ()):
        if one["metric"] == METRIC and one["operation"] == operation:
            yield _rule("objective", one["operator"], one["threshold"])
    for gate in gates:
        if gate.metric == f"{prefix}.{METRIC}" and gate.threshold is not None:
            yield _rule("gate", gate.operator, gate.threshold)


def _rule(kind: str, operator: str, threshold: float) -> Rule:
    return Rule(text=f"{kind} {operator} {threshold:g}", metric=METRIC, operator=operator, threshold=threshold)


def may_fail(rule: Rule, due: int) -> int | None:
    """Return how many of those due may fail for a rule on their share to hold; None where it is no upper bound."""
    if rule.operator not in UPPER or not rule.holds(0.0):
        return None
    return bisect_left(range(due + 1), x=True, key=lambda failed: not rule.holds(failed / max(due, 1))) - 1


def spent_s(seconds: Sequence[Mapping[str, Any]], most: int) -> float | None:
    """Return the end of the second in which as many had failed as may; of the first failure, where none may."""
    so_far = itertools.accumulate(second["failed"] for second in seconds)
    return next((at + 1.0 for at, failed in enumerate(so_far) if failed >= max(most, 1)), None)


def fastest_burn(seconds: Sequence[Mapping[str, Any]], ratio: float) -> Burn | None:
    """Return where in a tenth of the load the share of failures was the highest, in multiples of the ratio allowed."""
    if ratio <= 0 or not seconds:
        return None
    long = max(math.ceil(len(seconds) / PARTS), 1)
    due, failed = (list(itertools.accumulate((s[name] for s in seconds), initial=0)) for name in ("due", "failed"))
    shares = [
        ((failed[at + long] - failed[at]) / (due[at + long] - due[at]), -at)
        for at in range(len(seconds) - long + 1)
        if due[at + long] > due[at]
    ]
    share, at = max(shares, default=(0.0, 0))
    return Burn(share / ratio, -at, long - at) if share else None


def budget_lines(budgets: Sequence[Budget], without: Sequence[str]) -> Iterator[str]:
    """Yield the budgets as Markdown."""
    if not budgets and not without:
        return
    yield from ("", "## Error budgets", "")
    yield from (f"- `load.{budget.scenario}` {escape(told(budget))}" for budget in budgets[:SHOWN])
    if len(budgets) > SHOWN:
        yield f"- and {len(budgets) - SHOWN} more, in report.html"
    if without:
        yield f"- {escape(', '.join(without))}: no budget, as nothing is asked of `{METRIC}`"


def told(budget: Budget) -> str:
    """Return a budget in one sentence."""
    what = f"{budget.operation}: " if budget.operation else ""
    may = f"{budget.may_fail or 'none'} of {budget.due} {budget.unit} may fail"
    used = "" if budget.used is None else f", {100 * budget.used:.4g} % of the budget"
    spent = f", {when(budget)}" if budget.spent_s is not None else ""
    doubt = f" (in doubt: {budget.doubt})" if budget.doubt else ""
    return f"{what}{may} ({budget.rule}), {budget.failed} did{used}{spent}{doubt}"


def when(budget: Budget) -> str:
    """Return when nothing was left of a budget, empty where something is, or where nobody knows."""
    if budget.spent_s is None:
        return ""
    return f"{'used up' if budget.may_fail else 'the first failure'} within {budget.spent_s:g} s"
