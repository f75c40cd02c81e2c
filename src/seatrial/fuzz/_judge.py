"""From what was sent to outcomes: one check for each promise of the document."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.core import CheckResult, Finding, FindingStatus, Outcome, Severity
from seatrial.core.scripts import script_for
from seatrial.fuzz._cause import MOST_CAUSES, cause_of
from seatrial.fuzz._evidence import Judgement, as_exchange
from seatrial.fuzz._looked import LIFECYCLE, PROMISES, UNAUTHENTICATED, Gap, gap, proper, unseen_ends
from seatrial.fuzz._messages import NO_ANSWER, TIMED, Learned, Lived, Repeated, Sent, Verdict
from seatrial.openapi import Operation

DECIDES: Mapping[str, tuple[str, Severity]] = {
    "not_a_server_error": ("no-server-error", Severity.HIGH),
    NO_ANSWER: ("no-server-error", Severity.HIGH),
    "status_code_conformance": ("status-documented", Severity.MEDIUM),
    "content_type_conformance": ("content-type-documented", Severity.MEDIUM),
    "response_headers_conformance": ("headers-documented", Severity.LOW),
    "response_schema_conformance": ("response-schema", Severity.HIGH),
    "negative_data_rejection": ("invalid-input-refused", Severity.HIGH),
    "missing_required_header": ("invalid-input-refused", Severity.HIGH),
    "positive_data_acceptance": ("valid-input-accepted", Severity.MEDIUM),
    "unsupported_method": ("method-not-allowed", Severity.LOW),
    "use_after_free": (LIFECYCLE, Severity.HIGH),
    "ensure_resource_availability": (LIFECYCLE, Severity.HIGH),
}
"""Schemathesis's checks (and one of ours), and which promise each decides."""

SUCCESS = range(200, 300)
POSITIVE = "positive"
EVIDENCE = 5
STEPS = 7
"""How many requests are sent to show a failure once more, at most."""


@dataclass(slots=True)
class Heard:
    """What the engine told: requests, second looks, lives, what went wrong, and why it did not end by itself.

    `learned` are new tokens, `sent_again` is how often a limiter's refusal was waited out.
    """

    sent: list[Sent] = field(default_factory=list)
    repeated: list[Repeated] = field(default_factory=list)
    lived: list[Lived] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list, repr=False)
    sent_again: int = 0
    broken: list[str] = field(default_factory=list)
    stopped: str = ""
    gone: bool = False
    fatal: str = "the engine ended before its time"

    @property
    def phases(self) -> Counter[str]:
        """Return how many requests were sent in each phase of the engine."""
        return Counter(sent.phase for sent in self.sent)

    @property
    def last(self) -> list[Sent]:
        """Return the last requests to a service that went away, and the first of those that got no answer any more."""
        in_order = sorted(self.sent, key=lambda sent: sent.at_s)
        answered = [sent for sent in in_order if sent.status]
        lost = [sent for sent in in_order if not sent.status and sent.at_s > (answered[-1].at_s if answered else 0)]
        return [*answered[-LAST:], *lost[:1]] if self.gone else []

    @property
    def problem(self) -> str:
        """Return why what was not seen cannot be judged."""
        if self.gone:
            last = f": {self.last[-1].method} {self.last[-1].url}" if self.last else ""
            return f"the service went away; the last request{last}"
        if self.stopped and not self.fatal:
            return f"the fuzzer was stopped in its phase {self.stopped}, before it had sent all that it would have"
        return self.fatal


LAST = 3
"""How many requests are shown that a service answered before it went away."""


Failures = dict[tuple[str, str, str, str], list[tuple[Sent, Verdict]]]


def judge(
    operations: Mapping[str, Operation], heard: Heard, *, limited: Collection[int], limited_percent: float
) -> Judgement:
    """Judge every promise; where nothing was answered, or the engine broke, nothing is passed."""
    judgement, failures = Judgement(), _failures(_while_it_was_there(heard))
    for name in PROMISES:
        findings = [
            _finding(f"contract.{name}", cause_of(title, detail), found, heard=heard, judgement=judgement)
            for (check, _, title, detail), found in failures.items()
            if DECIDES[check][0] == name
        ]
        unseen = gap(name, operations, heard.sent, limited=limited)
        unseen = unseen or (unseen_ends(operations, heard.lived) if name == LIFECYCLE else None)
        judgement.results.append(conclude(f"contract.{name}", findings, unseen, problem=heard.problem))
    judgement.results.append(_judge_reached(operations, heard, limited))
    judgement.results.append(_judge_limited(heard, limited, limited_percent))
    return judgement


def _while_it_was_there(heard: Heard) -> list[Sent]:
    """Return what was sent, without what got no answer because the service had gone away."""
    lost_s = heard.last[-1].at_s if heard.last else math.inf
    return [sent for sent in heard.sent if sent.status or sent.at_s < lost_s]


def _failures(sent: Iterable[Sent]) -> Failures:
    """Return what failed, by check, operation, title and detail, the shortest request first: people read that one."""
    failed = [(request, verdict) for request in sent for verdict in request.verdicts if verdict.title]
    details: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for request, verdict in failed:
        details[verdict.name, request.operation, verdict.title].add(verdict.detail)
    found: Failures = defaultdict(list)
    for request, verdict in failed:
        kind = (verdict.name, request.operation, verdict.title)
        telling = len(details[kind]) <= MOST_CAUSES
        found[*kind, verdict.detail if telling else verdict.detail.partition("/")[0]].append((request, verdict))
    for each in found.values():
        each.sort(key=lambda pair: (len(pair[0].body) + len(pair[0].url), pair[0].number))
    return found


def conclude(check: str, findings: Sequence[Finding], unseen: Gap | None, *, problem: str = "") -> CheckResult:
    """Return failed for confirmed findings, inconclusive where one is open or something broke, else passed if seen.

    What did not come again decides nothing, and stands in the result all the same.
    """
    outcome, reason = _decide(findings, unseen, problem)
    return CheckResult(check=check, outcome=outcome, reason=reason, findings=tuple(findings))


def _decide(findings: Sequence[Finding], unseen: Gap | None, problem: str) -> tuple[Outcome, str]:
    by_status = {status: [each for each in findings if each.status is status] for status in FindingStatus}
    if confirmed := by_status[FindingStatus.CONFIRMED]:
        return Outcome.FAILED, _title(confirmed)
    if unconfirmed := by_status[FindingStatus.UNCONFIRMED]:
        return Outcome.INCONCLUSIVE, f"seen, but nobody could look again: {_title(unconfirmed)}"
    if problem:
        return Outcome.INCONCLUSIVE, problem
    if unseen:
        return unseen.outcome, unseen.reason
    flaky = by_status[FindingStatus.FLAKY]
    return Outcome.PASSED, f"seen, but not when it was sent again: {_title(flaky)}" if flaky else ""


def _title(findings: Sequence[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0].operation}: {findings[0].title}{more}"


def _finding(
    check: str, cause: str, found: Sequence[tuple[Sent, Verdict]], *, heard: Heard, judgement: Judgement
) -> Finding:
    found = _most_telling(found, heard.repeated)
    request, verdict = found[0]
    chain = {*verdict.chain, request.number}
    steps = [sent for sent in heard.sent if sent.number in chain][-STEPS:]
    return Finding(
        check=check,
        severity=DECIDES[verdict.name][1],
        title=f"{verdict.title} (status {request.status})" if request.status else verdict.title,
        cause=cause,
        operation=request.operation,
        evidence=tuple(judgement.show(sent) for sent in _shown(found, steps)),
        steps=tuple(judgement.show(sent) for sent in steps),
        detail=verdict.message[:2000],
        replay=script_for([as_exchange(sent) for sent in steps]),
        status=_status(found, heard.repeated),
    )


def _most_telling(found: Sequence[tuple[Sent, Verdict]], repeated: Iterable[Repeated]) -> list[tuple[Sent, Verdict]]:
    """Return failures, those first that came again when they were sent once more: what is shown can be repeated."""
    same = {each.number for each in repeated if each.same}
    return sorted(found, key=lambda pair: pair[0].number not in same)


def _shown(found: Sequence[tuple[Sent, Verdict]], steps: Sequence[Sent]) -> list[Sent]:
    """Return the requests that led to the shortest failure, oldest first, and then further failures."""
    further = [request for request, _ in found[1:] if request.number not in {step.number for step in steps}]
    return [*steps[-EVIDENCE:], *further][:EVIDENCE]


def _status(found: Sequence[tuple[Sent, Verdict]], repeated: Iterable[Repeated]) -> FindingStatus:
    """Return whether a failure came again when its requests were sent once more.

    Only where that was not possible another request with the same failure confirms it: two of them may have met the
    same short outage.
    """
    verdict = found[0][1]
    numbers = {sent.number for sent, _ in found}
    again = [r.same for r in repeated if r.number in numbers and (r.name, r.title) == (verdict.name, verdict.title)]
    if again:
        return FindingStatus.CONFIRMED if any(again) else FindingStatus.FLAKY
    twice = verdict.name not in TIMED and len(found) > 1
    return FindingStatus.CONFIRMED if twice else FindingStatus.UNCONFIRMED


def _judge_reached(operations: Mapping[str, Operation], heard: Heard, limited: Collection[int]) -> CheckResult:
    check = "contract.operations-reached"
    reached = {s.operation for s in heard.sent if _reaches(s, operations.get(s.operation), limited)}
    valid = {s.operation for s in heard.sent if s.mode == POSITIVE}
    wanted = {operation.label for operation in operations.values() if operation.inputs}
    missing = {"never reached": operations.keys() - reached, "never sent valid input": (wanted & reached) - valid}
    reasons = [f"{why}: {', '.join(sorted(labels))}" for why, labels in missing.items() if labels]
    reason = "; ".join(reasons) if operations else "the document has no operations"
    return conclude(check, (), Gap(Outcome.INCONCLUSIVE, reason) if reason else None, problem=heard.problem)


def _reaches(sent: Sent, operation: Operation | None, limited: Collection[int]) -> bool:
    """Return whether the operation itself answered: with 2xx or as documented, but not at its door.

    Where no credentials are asked for, 401 is the operation's own word: that is how a sign-in refuses.
    """
    if operation is None or not proper(sent, operation) or sent.status in {0, *limited}:
        return False
    if sent.status == UNAUTHENTICATED and operation.secured:
        return False
    return sent.status in SUCCESS or bool(operation.documented_as(sent.status))


def _judge_limited(heard: Heard, limited: Collection[int], limited_percent: float) -> CheckResult:
    check = "contract.not-rate-limited"
    answers: dict[str, list[int]] = defaultdict(list)
    for sent in heard.sent:
        answers[sent.operation].append(sent.status)
    percents = {name: 100 * sum(s in limited for s in got) / len(got) for name, got in answers.items()}
    over = [f"{name} ({percent:.0f} %)" for name, percent in percents.items() if percent > limited_percent]
    reason = f"rejected by a rate limiter, more than {limited_percent:g} % of: {', '.join(over)}" if over else ""
    reason = reason or ("" if heard.sent else "not one request was sent")
    return conclude(check, (), Gap(Outcome.INCONCLUSIVE, reason) if reason else None, problem=heard.problem)
