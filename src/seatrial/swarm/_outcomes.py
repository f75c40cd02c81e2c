"""The outcomes of a scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seatrial.config import Rule, ScenarioSettings
from seatrial.core import CheckResult, Exchange, Finding, Outcome, Severity, name_nearest
from seatrial.swarm._account import Account
from seatrial.swarm._failures import TOLD, Failure, failures_of
from seatrial.swarm._honesty import Doubt
from seatrial.swarm._objectives import Broken, find_broken, find_certain
from seatrial.swarm._order import Order
from seatrial.swarm._resources import Resources
from seatrial.swarm._samples import ids_by_status
from seatrial.swarm._sessions import Refusals
from seatrial.swarm._slope import Interval
from seatrial.swarm._values import Values

CLAIMS = ("generator-honest", "objectives", "never-limited", "resources")
OF_FAILURES = frozenset({"error_ratio", "rate", "no-success"})
"""Objectives that requests break by failing: what is said of them names the commonest failure too."""

ENDED = "the load was ended before its time, as an objective could no longer hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is judged: one scenario's account and figures, and why its generator is in doubt, if it is.

    `least` are the figures without whatever the generator may have spoilt: a service fails by both. `operations` has
    both of each operation. `lost` are objectives that could no longer hold when the load was ended because of them,
    `flooded` how many requests were sent from the first look at the service to the last that are not judged; None where
    nobody knows. Rows are `whole` unless a process was lost with some of them.
    """

    order: Order
    account: Account
    refusals: Refusals
    values: Mapping[str, float]
    least: Mapping[str, float]
    doubt: Doubt | None
    replay: str
    exchanges: Sequence[Exchange] = ()
    trace_header: str = ""
    operations: Mapping[str, Values] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    lost: Sequence[Broken] = ()
    flooded: float | None = 0
    whole: bool = True

    def slug(self, claim: str) -> str:
        """Return the slug of one of the scenario's checks."""
        return f"load.{self.order.name}-{claim}"

    @property
    def failures(self) -> list[Failure]:
        """Return how requests failed, the commonest way first."""
        return failures_of(self.account.groups, self.exchanges, trace_header=self.trace_header)

    @property
    def used(self) -> dict[str, Interval]:
        """Return what the service used, as far as it is known."""
        judged = self.account.count(lambda kind: kind.is_http)
        requests = judged + self.flooded if self.flooded is not None else 0
        return self.resources.values(requests=requests, duration_s=self.order.duration_s)


def judge(trial: Trial) -> tuple[CheckResult, ...]:
    """Return the outcomes of the scenario's checks, in the order of CLAIMS."""
    return (_honest(trial), _objectives(trial), _never_limited(trial), _resources(trial))


def leave(name: str, scenario: ScenarioSettings, profile: str) -> tuple[CheckResult, ...]:
    """Return the outcomes of a scenario that is not for this profile, and which ones it is for.

    The reason names no scenario: what was not tested for one reason shares a line.
    """
    others = " and ".join(scenario.duration_s)
    reason = f"the profile {profile} does not send these scenarios, but {others} does: [load.NAME.duration_s]"
    return tuple(
        CheckResult(check=f"load.{name}-{claim}", outcome=Outcome.NOT_TESTED, reason=reason) for claim in CLAIMS
    )


def _honest(trial: Trial) -> CheckResult:
    slug = trial.slug("generator-honest")
    if trial.doubt:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=trial.doubt.reason)
    if trial.lost:
        return CheckResult(check=slug, outcome=Outcome.NOT_TESTED, reason=ENDED)
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _objectives(trial: Trial) -> CheckResult:
    slug = trial.slug("objectives")
    declared = trial.order.objectives or trial.order.operations
    if trial.doubt and declared:
        reason = f"the load was not as asked: {trial.doubt.reason}"
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=reason)
    if not trial.doubt and (findings := _broken(trial, slug)):
        return _failed(slug, findings)
    if not declared:
        reason = f"[load.{trial.order.name}.objectives] declares none"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    if open_ := [*_left_open(trial)]:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason="; ".join(open_))
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _failed(slug: str, findings: tuple[Finding, ...]) -> CheckResult:
    reason = "; ".join(finding.title for finding in findings)
    return CheckResult(check=slug, outcome=Outcome.FAILED, reason=reason, findings=findings)


def _broken(trial: Trial, slug: str) -> tuple[Finding, ...]:
    found = [(broken.metric, broken.title, broken.operation) for broken in (trial.lost or _certain(trial))]
    # Quick refusals have splendid latencies, and whoever refuses everybody uses little.
    if not trial.lost and not trial.account.count(lambda kind: kind.good):
        found.append(("no-success", f"not one of {trial.account.sent} requests succeeded", ""))
    failed = trial.failures if found else []
    return tuple(
        _finding(trial, slug, cause, title + _worst(failed, cause, operation), operation)
        for cause, title, operation in found
    )


def _worst(failed: Sequence[Failure], cause: str, operation: str) -> str:
    """Return the commonest failure (of an operation), as the rest of what is said of an objective on failures."""
    own = [one.title for one in failed if operation in {"", one.operation}]
    return f"; most of all {own[0]}" if own and cause in OF_FAILURES else ""


def _finding(trial: Trial, slug: str, cause: str, title: str, operation: str = "") -> Finding:
    return Finding(
        check=slug, severity=Severity.HIGH, title=title, cause=cause, operation=operation,
        detail="\n".join(one.title for one in trial.failures[:TOLD]), replay=trial.replay,
        location=trial.order.location, evidence=_evidence(trial),
    )  # fmt: skip


def _certain(trial: Trial) -> Iterator[Broken]:
    yield from find_certain(trial.order.objectives, trial.values, trial.least)
    for operation, rules in trial.order.operations.items():
        if found := trial.operations.get(operation):
            for broken in find_certain(rules, found.seen, found.least):
                yield replace(broken, operation=operation)


def _left_open(trial: Trial) -> Iterator[str]:
    """Yield what cannot be said: nobody sent such an operation, or the generator may have spoilt what is broken."""
    for broken in find_broken(trial.order.objectives, trial.values):
        yield _spoilt(broken, trial.least)
    for operation, rules in trial.order.operations.items():
        found = trial.operations.get(operation)
        if found is None:
            yield f"no request was a {operation!r}: {name_nearest(operation, trial.operations, called='sent were')}"
            continue
        for broken in find_broken(rules, found.seen):
            yield _spoilt(replace(broken, operation=operation), found.least)


def _spoilt(broken: Broken, least: Mapping[str, float]) -> str:
    return f"{broken.title}, but it may be {least[broken.metric]:.6g} without what the generator was late by"


def _resources(trial: Trial) -> CheckResult:
    slug, rules = trial.slug("resources"), trial.order.resources
    if not rules:
        reason = f"[load.{trial.order.name}.objectives] is about nothing that the service uses"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    if trial.doubt:
        reason = f"the load was not as asked: {trial.doubt.reason}"
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=reason)
    lacking = [f"{metric}: {lack}" for metric in rules if (lack := trial.resources.lacks(metric))]
    if trial.lost or len(lacking) == len(rules):
        reason = "; ".join(lacking) or ENDED
        return CheckResult(check=slug, outcome=Outcome.NOT_TESTED, reason=reason)
    return _use(trial, slug, lacking)


def _use(trial: Trial, slug: str, lacking: Sequence[str]) -> CheckResult:
    """Return what follows from the figures that there are: those that are lacking pass nothing."""
    used, rules = trial.used, trial.order.resources
    spent = [metric for metric in used if metric in rules and used[metric].breaks(rules[metric])]
    if spent:
        found = tuple(_finding(trial, slug, metric, _title(metric, used[metric], rules[metric])) for metric in spent)
        return _failed(slug, found)
    open_ = [
        f"{_title(metric, used[metric], rule)}: longer load would tell" if metric in used else _unseen(trial, metric)
        for metric, rule in rules.items()
        if metric not in used or not used[metric].keeps(rule)
    ]
    if open_ or lacking:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason="; ".join(open_ or lacking))
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _title(metric: str, interval: Interval, rule: Rule) -> str:
    told = Broken(metric=metric, value=interval.value, rule=rule).title
    if interval.low == interval.high:
        return told
    return f"{told} (between {interval.low:.6g} and {interval.high:.6g}, as 95 of 100 such intervals hold)"


def _unseen(trial: Trial, metric: str) -> str:
    lack = trial.resources.lacks(metric) or trial.resources.doubts(metric, duration_s=trial.order.duration_s)
    return f"{metric}: {lack or 'too few looks at the service'}"


def _evidence(trial: Trial, *statuses: int) -> tuple[str, ...]:
    known = ids_by_status(trial.exchanges)
    return tuple(id_ for status, ids in known.items() if not statuses or status in statuses for id_ in ids)[:10]


def _never_limited(trial: Trial) -> CheckResult:
    slug = trial.slug("never-limited")
    if trial.order.scenario.beyond_quota:
        reason = "its users send more than they may: `beyond_quota`"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    if not trial.order.identities and not trial.order.exempt:
        reason = "anonymous requests to paths that no [[limits]] exempts may be limited"
        return CheckResult(check=slug, outcome=Outcome.NOT_APPLICABLE, reason=reason)
    over = set() if trial.order.exempt else trial.refusals.over
    limited = trial.refusals.within(over)
    if limited and (trial.whole or trial.order.exempt):  # what is missing may have passed a quota
        return _limited(trial, slug, limited)
    doubt = trial.doubt.reason if trial.doubt else _all_over(trial, over)
    if doubt:
        return CheckResult(check=slug, outcome=Outcome.INCONCLUSIVE, reason=doubt)
    if trial.lost:  # what was not written down by then may have been limited
        return CheckResult(check=slug, outcome=Outcome.NOT_TESTED, reason=ENDED)
    return CheckResult(check=slug, outcome=Outcome.PASSED)


def _all_over(trial: Trial, over: set[str]) -> str:
    """Return why nothing was shown: the identities passed their quota themselves."""
    return (
        f"{len(over)} identities sent more than their quota: raise `identities` of {trial.order.name}" if over else ""
    )


def _limited(trial: Trial, slug: str, limited: Counter[tuple[str, str]]) -> CheckResult:
    operations = sorted({operation for _, operation in limited})
    who = (
        "on exempt paths"
        if trial.order.exempt
        else f"for {len({identity for identity, _ in limited})} users below their quota"
    )
    counts = f"{limited.total()} of {trial.account.sent} requests"
    title = f"{counts} got {trial.order.rejection} {who}: {', '.join(operations)}"
    finding = Finding(
        check=slug, severity=Severity.MEDIUM, title=title, cause="limited", operation=operations[0],
        replay=trial.replay, location=trial.order.location, evidence=_evidence(trial, trial.order.rejection),
    )  # fmt: skip
    return CheckResult(check=slug, outcome=Outcome.FAILED, reason=title, findings=(finding,))
