"""From what was sent to outcomes: one check for each promise of the document."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from seatrial.core import CheckResult, Exchange, Finding, FindingStatus, Outcome, Request, Response, Severity
from seatrial.fuzz._document import Operation
from seatrial.fuzz._messages import Sent, Verdict

PROMISES: Mapping[str, tuple[str, Severity]] = {
    "not_a_server_error": ("no-server-error", Severity.HIGH),
    "status_code_conformance": ("status-documented", Severity.MEDIUM),
    "content_type_conformance": ("content-type-documented", Severity.MEDIUM),
    "response_headers_conformance": ("headers-documented", Severity.LOW),
    "response_schema_conformance": ("response-schema", Severity.HIGH),
    "negative_data_rejection": ("invalid-input-refused", Severity.HIGH),
    "missing_required_header": ("invalid-input-refused", Severity.HIGH),
    "positive_data_acceptance": ("valid-input-accepted", Severity.MEDIUM),
    "unsupported_method": ("method-not-allowed", Severity.LOW),
    "use_after_free": ("resource-lifecycle", Severity.HIGH),
    "ensure_resource_availability": ("resource-lifecycle", Severity.HIGH),
}
"""Schemathesis's checks, and which of ours they decide."""

LIMITED = 429
FIRST_ERROR = 500
REFUSED = frozenset({401, 403})
_numbers = itertools.count(1)
Again = Callable[[Sent], int]
"""Sends a request once more, as somebody new, and returns the status."""


@dataclass(slots=True)
class Judgement:
    """Results so far, and the exchanges that show them."""

    results: list[CheckResult] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)

    def show(self, sent: Sent) -> str:
        """Keep an exchange as evidence and return its id."""
        exchange = as_exchange(sent)
        self.exchanges.append(exchange)
        return exchange.id


def judge(
    operations: Mapping[str, Operation], sent: Sequence[Sent], *, again: Again, limited_percent: float, broken: str
) -> Judgement:
    """Judge every promise; where nothing was sent, or the engine broke, nothing is passed."""
    judgement = Judgement()
    problem = broken or ("" if sent else "not one request was sent")
    for check in dict.fromkeys(check for check, _ in PROMISES.values()):
        judgement.results.append(_judge_promise(f"contract.{check}", sent, judgement, again, problem))
    judgement.results.append(_judge_reached(operations, sent, problem))
    judgement.results.append(_judge_limited(sent, limited_percent, problem))
    return judgement


def _judge_promise(check: str, sent: Sequence[Sent], judgement: Judgement, again: Again, problem: str) -> CheckResult:
    failing: dict[str, tuple[Sent, Verdict]] = {}
    looked = 0
    for request in sent:
        for verdict in request.verdicts:
            if f"contract.{PROMISES[verdict.name][0]}" == check:
                looked += 1
                key = f"{request.operation} {verdict.title}"
                # The shortest request is the one that people want to read.
                if verdict.title and (key not in failing or len(request.body) < len(failing[key][0].body)):
                    failing[key] = (request, verdict)
    findings = tuple(_finding(check, request, verdict, judgement, again) for request, verdict in failing.values())
    return conclude(check, findings, problem or ("" if looked else "no answer was looked at for this"))


def conclude(check: str, findings: tuple[Finding, ...], problem: str) -> CheckResult:
    """Return failed for confirmed findings, inconclusive for flaky ones or a problem, else passed."""
    confirmed = [finding for finding in findings if finding.status is FindingStatus.CONFIRMED]
    if confirmed:
        return CheckResult(check=check, outcome=Outcome.FAILED, reason=_title(confirmed), findings=findings)
    if findings:
        reason = f"seen once, not again: {_title(findings)}"
        return CheckResult(check=check, outcome=Outcome.INCONCLUSIVE, reason=reason, findings=findings)
    if problem:
        return CheckResult(check=check, outcome=Outcome.INCONCLUSIVE, reason=problem)
    return CheckResult(check=check, outcome=Outcome.PASSED)


def _title(findings: Sequence[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0].operation}: {findings[0].title}{more}"


def _finding(check: str, request: Sent, verdict: Verdict, judgement: Judgement, again: Again) -> Finding:
    # What a chain of requests has shown cannot be seen in its last one alone.
    chained = check == "contract.resource-lifecycle"
    confirmed = chained or again(request) == request.status
    return Finding(
        check=check,
        severity=PROMISES[verdict.name][1],
        title=f"{verdict.title} (status {request.status})",
        cause=verdict.title.lower().replace(" ", "-"),
        operation=request.operation,
        evidence=(judgement.show(request),),
        detail=verdict.message[:2000],
        replay=curl(request),
        status=FindingStatus.CONFIRMED if confirmed else FindingStatus.FLAKY,
    )


def _judge_reached(operations: Mapping[str, Operation], sent: Sequence[Sent], problem: str) -> CheckResult:
    check = "contract.operations-reached"
    reached = {s.operation for s in sent if s.status and s.status != LIMITED}
    missing = sorted(operations.keys() - reached)
    if not operations:
        problem = "the document has no operations"
    if missing and not problem:
        problem = f"never reached: {', '.join(missing)}"
    return conclude(check, (), problem)


def _judge_limited(sent: Sequence[Sent], limited_percent: float, problem: str) -> CheckResult:
    check = "contract.not-rate-limited"
    for operation in dict.fromkeys(s.operation for s in sent):
        answers = [s.status for s in sent if s.operation == operation]
        percent = 100 * answers.count(LIMITED) / len(answers)
        if percent > limited_percent:
            problem = f"{operation}: {percent:.0f} % of the answers are {LIMITED}, at most {limited_percent:g} % may be"
    return conclude(check, (), problem)


def judge_authentication(
    operations: Mapping[str, Operation], sent: Sequence[Sent], *, without: Again, judgement: Judgement, problem: str
) -> None:
    """Send, for each operation that declares security, a request that was accepted once more without credentials."""
    check = "contract.authentication-enforced"
    secured = [operation.label for operation in operations.values() if operation.secured]
    if not secured:
        reason = "the document declares no security"
        judgement.results.append(CheckResult(check=check, outcome=Outcome.NOT_APPLICABLE, reason=reason))
        return
    findings, tried = [], 0
    for label in secured:
        sample = _sample(label, sent)
        if sample is None:
            continue
        tried += 1
        status = without(sample)
        if status == sample.status or 200 <= status < 300:  # noqa: PLR2004 - the class of status
            findings.append(_unprotected(check, sample, status, judgement))
    problem = problem or ("" if tried else "no request to a secured operation was ever answered")
    judgement.results.append(conclude(check, tuple(findings), problem))


def _sample(label: str, sent: Sequence[Sent]) -> Sent | None:
    """Return a request that went through, or one that at least was not refused for its credentials."""
    usable = [s for s in sent if s.operation == label and s.identity and s.status not in REFUSED | {LIMITED, 405, 0}]
    return min(usable, key=lambda s: (s.status, len(s.body)), default=None)


def _unprotected(check: str, sample: Sent, status: int, judgement: Judgement) -> Finding:
    return Finding(
        check=check,
        severity=Severity.CRITICAL,
        title=f"answers {status} without credentials",
        cause="unprotected",
        operation=sample.operation,
        evidence=(judgement.show(sample),),
        replay=curl(sample, with_token=False),
    )


def as_exchange(sent: Sent) -> Exchange:
    """Return a request as an exchange of the record."""
    response = Response(status=sent.status, headers=tuple(sent.response_headers), body=sent.response_body)
    return Exchange(
        id=f"contract-{next(_numbers)}",
        operation=sent.operation,
        identity=sent.identity,
        request=Request(method=sent.method, url=sent.url, headers=tuple(sent.request_headers), body=sent.request_body),
        response=response if sent.status else None,
        sent_s=0.0,
        received_s=sent.elapsed_s,
        error="" if sent.status else "no answer",
    )


def curl(sent: Sent, *, with_token: bool = True) -> str:
    """Return a line that sends the request again; what authenticates stands in it as `$TOKEN`."""
    words = ["curl", "-i", "-X", sent.method]
    for name, value in sent.request_headers:
        if "{{secret:" in value:
            words += ["-H", f'"{name}: Bearer $TOKEN"'] if with_token else []
        elif name.lower() == "content-type":
            words += ["-H", shlex.quote(f"{name}: {value}")]
    words += ["--data-raw", shlex.quote(sent.request_body)] if sent.request_body else []
    return " ".join([*words, shlex.quote(sent.url)])
