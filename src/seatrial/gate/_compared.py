"""compare.json: what `seatrial load compare` found of two versions, for rules by how much one may be slower.

compare.json of each scenario --read_comparisons--> intervals in percent --judge--> pass, fail, inconclusive
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs

from seatrial.config import COMPARED, COMPARED_FIGURES, Rule, Settings
from seatrial.core import UsageError, Verdict, content

LOST = 0.01
"""The share of arrivals that were not answered well from which latencies tell nothing: quick refusals are quick."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """By how many percent the candidate is slower: certainly more than `lower`, certainly less than `upper`, if known.

    `doubt` says why that decides nothing; without an estimate, nothing could be measured.
    """

    lower: float | None
    estimate: float | None
    upper: float | None
    doubt: str = ""

    @property
    def told(self) -> str:
        """Return the interval, for people."""
        if self.estimate is None:
            return "not known"
        sides = (("above", self.lower), ("below", self.upper))
        known = [f"certainly {word} {bound:+.3g} %" for word, bound in sides if bound is not None]
        return f"{self.estimate:+.3g} % ({' and '.join(known) or 'nothing is certain'})"


def read_comparisons(settings: Settings, *, commit: str = "") -> dict[str, Compared]:
    """Return what was compared by metric, from the files that are there; raises UsageError for one that is none.

    One of another candidate than the `commit` (with a + where files were changed since), where both are known, decides
    nothing.
    """
    found: dict[str, Compared] = {}
    for name in settings.gate.comparisons:
        path = settings.root / name
        if path.exists():
            facts = _read(path)
            found |= _figures(facts, _doubt(facts, commit))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        schema = json.loads((content("reports") / "schema" / "compare-1.schema.json").read_text(encoding="utf-8"))
        jsonschema_rs.Draft202012Validator(schema).validate(facts)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"cannot read the comparison: {str(error).splitlines()[0]}",
            slug="comparison-unreadable",
            where=str(path),
            remedy="name a compare.json that `seatrial load compare --out DIR` wrote, in [gate] comparisons",
        ) from error
    return facts


def _doubt(facts: Mapping[str, Any], commit: str) -> str:
    theirs = facts["sides"]["candidate"]["commit"]
    if commit and theirs and theirs != commit:
        return f"it compared {theirs[:12]}, and this is {commit[:12]}{' with changes' if commit.endswith('+') else ''}"
    for role, side in facts["sides"].items():
        sent = side["due"] - side["late"]
        if sent and (sent - side["answered"]) / sent > LOST:
            return f"the {role} did not answer {(sent - side['answered']) / sent:.2%} of its arrivals well"
    return ""


def _figures(facts: Mapping[str, Any], doubt: str) -> dict[str, Compared]:
    """Return every figure of a scenario: what a comparison that ended early did not measure is in doubt."""
    unknown = Compared(lower=None, estimate=None, upper=None, doubt=f"the comparison ended before: {facts['reason']}")
    measured = {
        name: Compared(**{side: _percent(each[side]) for side in ("lower", "estimate", "upper")}, doubt=doubt)
        for name, each in facts["metrics"].items()
    }
    return {f"{COMPARED}{facts['scenario']}.{name}": measured.get(name, unknown) for name in COMPARED_FIGURES}


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else 100 * (ratio - 1)


def judge_compared(rule: Rule, found: Compared | None) -> tuple[Verdict, str]:
    """Return whether a candidate certainly keeps to a rule, certainly breaks it, or neither, and why."""
    if found is None:
        scenario = rule.metric.split(".")[2]
        how = f"seatrial load compare --scenario {scenario} --out DIR, and DIR/compare.json in [gate] comparisons"
        return Verdict.NO_COMPARISON, f"{rule.metric} was not compared yet: {how}"
    said = f"{rule.metric} is {found.told}, wanted is {rule.operator} {rule.threshold:+g} %"
    if found.doubt:
        return Verdict.INCONCLUSIVE, f"{said}, but {found.doubt}"
    if found.upper is not None and rule.holds(found.upper):
        return Verdict.PASS, said
    if found.lower is not None and not rule.holds(found.lower):
        return Verdict.FAIL, said
    return Verdict.INCONCLUSIVE, said
