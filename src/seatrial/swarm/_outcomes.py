"""The three outcomes of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seatrial.core import CheckResult, Finding, Outcome, Severity
from seatrial.swarm._honesty import Doubt
from seatrial.swarm._objectives import Broken, find_certain
from seatrial.swarm._order import Order
from seatrial.swarm._rows import Row
from seatrial.swarm._sessions import passed_quota

CLAIMS = ("generator-honest", "objectives", "never-limited")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is judged: one scenario's rows and figures, and why its generator is in doubt, if it is.

    `least` are the figures without whatever the generator may have spoilt: a service fails by both.
    """

    order: Order
    rows: Sequence[Row]
    values: Mapping[str, float]
    least: Mapping[str, float]
    doubt: Doubt | None
    replay: str
    evidence: Mapping[int, tuple[str, ...]]

    def slug(self, claim: str) -> str:
        """Return the slug of one of the scenario's checks."""
        return f"load.{self.order.name}-{claim}"


def judge(trial: Trial) -> tuple[CheckResult, ...]:
    """Return the outcomes of the scenario's three checks."""
    return (_honest(trial), _objectives(trial), _never_limited(trial))


def leave(name: str, profile: str) -> tuple[CheckResult, ...]:
    """Return the outcomes of a scenario that is not for this profile."""
    reason = f"[load.{name}.duration_s] has none for the profile {profile}"
    return tuple(
        CheckResult(check=f"load.{name}-{claim}", outcome=Outcome.NOT_TESTED, reason=reason) for claim in CLAIMS
    )


def _honest(trial: Trial) -> CheckResult:
    slug = trial.slug("generator-honest")
    if trial.doubt:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=trial.doubt.reason)
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _objectives(trial: Trial) -> CheckResult:
    slug = trial.slug("objectives")
    if not trial.order.objectives:
        reason = f"[load.{trial.order.name}.objectives] declares none"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    if trial.doubt:
        reason = f"the load was not as asked: {trial.doubt.reason}"
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=reason)
    findings = _broken(trial, slug)
    if findings:
        reason = "; ".join(finding.title for finding in findings)
        return CheckResult(check=slug, outcome=Outcome.FAILED, reason=reason, findings=findings)
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _broken(trial: Trial, slug: str) -> tuple[Finding, ...]:
    found = [(broken.metric, broken.title) for broken in _certain(trial)]
    if not any(row.good for row in trial.rows):  # quick refusals have splendid latencies
        found.append(("no-success", f"not one of {len(trial.rows)} requests succeeded"))
    detail = worst_causes(trial.rows)
    return tuple(
        Finding(
            check=slug, severity=Severity.HIGH, title=title, cause=cause, detail=detail, replay=trial.replay,
            location=trial.order.location, evidence=_evidence(trial),
        )
        for cause, title in found
    )  # fmt: skip


def _certain(trial: Trial) -> tuple[Broken, ...]:
    return find_certain(trial.order.objectives, trial.values, trial.least)


def worst_causes(rows: Sequence[Row], *, most: int = 5) -> str:
    """Return the commonest ways in which requests failed, with their counts, one a line."""
    counts: dict[str, int] = {}
    for row in rows:
        if not row.good:
            line = f"{row.operation}: {row.cause or row.outcome}"
            counts[line] = counts.get(line, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return "\n".join(f"{count} x {line}" for line, count in ranked)


def _evidence(trial: Trial, *statuses: int) -> tuple[str, ...]:
    known = trial.evidence
    return tuple(id_ for status, ids in known.items() if not statuses or status in statuses for id_ in ids)[:10]


def _never_limited(trial: Trial) -> CheckResult:
    slug = trial.slug("never-limited")
    if not trial.order.identities and not trial.order.exempt:
        reason = "anonymous requests to paths that no [[limits]] exempts may be limited"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    over = set() if trial.order.exempt else passed_quota(trial.rows, trial.order.quotas)
    limited = [row for row in trial.rows if row.status == trial.order.rejection and row.identity not in over]
    if limited:
        return _limited(trial, slug, limited)
    doubt = trial.doubt.reason if trial.doubt else _all_over(trial, over)
    if doubt:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=doubt)
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _all_over(trial: Trial, over: set[str]) -> str:
    """Return why nothing was shown: the identities passed their quota themselves."""
    return (
        f"{len(over)} identities sent more than their quota: raise `identities` of {trial.order.name}" if over else ""
    )


def _limited(trial: Trial, slug: str, limited: Sequence[Row]) -> CheckResult:
    operations = sorted({row.operation for row in limited})
    who = (
        "on exempt paths"
        if trial.order.exempt
        else f"for {len({row.identity for row in limited})} users below their quota"
    )
    title = f"{len(limited)} of {len(trial.rows)} requests got {trial.order.rejection} {who}: {', '.join(operations)}"
    finding = Finding(
        check=slug, severity=Severity.MEDIUM, title=title, cause="limited", operation=operations[0],
        replay=trial.replay, location=trial.order.location, evidence=_evidence(trial, trial.order.rejection),
    )  # fmt: skip
    return CheckResult(check=slug, outcome=Outcome.FAILED, reason=title, findings=(finding,))
