"""Whether operations that declare security refuse those who have no credentials, or none that are any good."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import httpx
import msgspec

from seatrial.core import CheckResult, Finding, FindingStatus, Identity, Outcome, Severity, Target
from seatrial.core.callers import BOGUS
from seatrial.core.marks import before, with_query, without_query
from seatrial.core.scripts import script_for
from seatrial.core.tls import trusted
from seatrial.fuzz._bounds import LONGEST_S, beginning
from seatrial.fuzz._evidence import Judgement, as_exchange
from seatrial.fuzz._judge import SUCCESS, conclude
from seatrial.fuzz._looked import Gap, proper
from seatrial.fuzz._messages import Sent, shown
from seatrial.fuzz._patience import told_s
from seatrial.openapi import Operation

CHECK = "contract.authentication-enforced"
REFUSED = frozenset({401, 403})
CLIENT_ERROR = range(400, 500)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FIRST_NUMBER = 1_000_000_000
"""Numbers of these requests: far above those of the engine."""

PATIENCE_S = 10.0
LEAST_S, OPERATION_S = 30.0, 0.2
"""How long strangers may send in all: something, and something for each operation."""

MARK = "{{secret:"
Who = Literal["nobody", "impostor", "user"]
WHO: tuple[Who, ...] = ("nobody", "impostor")
Send = Callable[[Sent, Who], Sent | None]
"""Sends a request once more: without credentials, with made-up ones, or with its own; None where no time is left."""

WORDS: Mapping[Who, str] = {
    "nobody": "without credentials",
    "impostor": "with made-up credentials",
    "user": "to a user, and is declared closed",
}


class Stranger:
    """Send recorded requests again as somebody else, each from another address.

    `users` are headers by names, `queries` the parameters of those who have their keys there.
    """

    def __init__(  # noqa: PLR0913 - by keyword, each is needed once
        self,
        addresses: Sequence[Identity],
        *,
        target: Target,
        limited: Collection[int],
        window_s: float,
        users: Mapping[str, Mapping[str, str]] | None = None,
        queries: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._addresses = itertools.cycle([identity.address for identity in addresses] or [""])
        self._users = users if users is not None else {}  # an empty one too is filled later, by whoever gave it
        self._queries = queries if queries is not None else {}
        self._target = target
        self._limited = limited
        self._window_s = window_s
        self._numbers = itertools.count(FIRST_NUMBER)
        self._until_s = time.monotonic() + LEAST_S + OPERATION_S * len(addresses)

    def send(self, sample: Sent, who: Who) -> Sent | None:
        """Send a request; one that a limiter rejects is sent once more when it says, or after its window, if soon."""
        if time.monotonic() > self._until_s:
            return None
        answer = self._send(sample, who)
        told = told_s(httpx.Headers(answer.response_headers), dt.datetime.now(dt.UTC))
        pause_s = self._window_s if told is None else told
        if answer.status in self._limited and pause_s <= PATIENCE_S:
            time.sleep(pause_s)
            answer = self._send(sample, who)
        return answer

    def _send(self, sample: Sent, who: Who) -> Sent:
        own = {name.lower(): value for name, value in self._users.get(sample.identity, {}).items()}
        kept = [(name, value) for name, value in itertools.starmap(_as(who, own), sample.request_headers) if value]
        headers = [(name, own.get(name.lower(), value) if who == "user" else value) for name, value in kept]
        at_s = time.monotonic()
        shown_url, true_url = self._urls(sample, who)
        anew = {"number": next(self._numbers), "at_s": at_s, "status": 0, "verdicts": [], "url": shown_url}
        identity = sample.identity if who == "user" else ""
        sent = msgspec.structs.replace(sample, identity=identity, request_headers=kept, **anew)
        address = next(self._addresses)
        url = self._target.seen_from(address) + true_url.removeprefix(self._target.url)
        transport = httpx.HTTPTransport(local_address=address or None, verify=trusted())
        try:
            with (
                httpx.Client(transport=transport, timeout=LONGEST_S, trust_env=False) as client,
                client.stream(sample.method, url, headers=_encoded(headers), content=sample.body) as answer,
            ):
                body = beginning(answer, at_s + LONGEST_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            return sent
        return msgspec.structs.replace(
            sent,
            status=answer.status_code,
            response_headers=list(answer.headers.multi_items()),
            response_body=shown(body),
            elapsed_s=time.monotonic() - at_s,
        )

    def _urls(self, sample: Sent, who: Who) -> tuple[str, str]:
        """Return a request's URL for the record and as it is sent: without a key, with one made up, or with its own."""
        url = sample.url
        for name, value in self._queries.get(sample.identity, {}).items():
            bare = without_query(url, {name})
            if who == "user":
                return url, with_query(bare, name, quote(value, safe=""))
            url = with_query(bare, name, BOGUS) if who == "impostor" else bare
        return url, url


def _encoded(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Return headers as the engine sent them: their bytes are recorded as the characters of Latin-1."""
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]


def _as(who: Who, own: Mapping[str, str]) -> Callable[[str, str], tuple[str, str]]:
    """Return what to make of each header, given those that its sender had; an empty value leaves it out."""

    def change(name: str, value: str) -> tuple[str, str]:
        if name.lower() in {"host", "content-length", "connection", "transfer-encoding"}:
            return name, ""
        if MARK not in value or who == "user":
            return name, value
        return name, made_up(name, own.get(name.lower(), "")) if who == "impostor" else ""

    return change


def made_up(name: str, own: str) -> str:
    """Return credentials of the kind of somebody's own that nobody was given."""
    scheme, _, rest = own.partition(" ")
    authorizes = name.lower() == "authorization"
    if not (authorizes and rest):
        return f"Bearer {BOGUS}" if authorizes and not own else before(name, own) + BOGUS
    basic = scheme.lower() == "basic"  # RFC 7617: what is no user and password is refused before it is looked up
    return f"{scheme} {base64.b64encode(f'{BOGUS}:{BOGUS}'.encode()).decode() if basic else BOGUS}"


@dataclass(frozen=True, slots=True)
class Doors:
    """The operations, and what was sent to them; those in `closed` refuse every user."""

    operations: Mapping[str, Operation]
    sent: Sequence[Sent]
    closed: frozenset[str] = frozenset()

    def to(self, operation: Operation) -> list[Sent]:
        """Return what users sent to an operation and got an answer to."""
        mine = (sent for sent in self.sent if sent.operation == operation.label and proper(sent, operation))
        return [sent for sent in mine if sent.identity and sent.status]

    def sample(self, operation: Operation) -> Sent | None:
        """Return a request with credentials that went through, or else one that was not refused for them."""
        shut = operation.label in self.closed
        usable = [sent for sent in self.to(operation) if (sent.status in REFUSED if shut else _let_in(sent))]
        return min(usable, key=lambda sent: (sent.status, len(sent.body), sent.number), default=None)

    def opened(self, operation: Operation) -> list[Sent]:
        """Return what a closed operation served."""
        return [sent for sent in self.to(operation) if operation.label in self.closed and sent.status in SUCCESS]


def _let_in(sent: Sent) -> bool:
    return sent.status in SUCCESS or (sent.status in CLIENT_ERROR and sent.status not in REFUSED | {429})


def judge_authentication(doors: Doors, *, send: Send, judgement: Judgement, problem: str) -> None:
    """Send, for each operation that needs credentials, a request that was accepted once more without good ones."""
    secured = [operation for operation in doors.operations.values() if operation.secured]
    if not secured:
        reason = "no operation of the document needs credentials"
        judgement.results.append(CheckResult(check=CHECK, outcome=Outcome.NOT_APPLICABLE, reason=reason))
        return
    findings: list[Finding] = []
    unclear = [f"{label} (declared closed, not documented)" for label in sorted(doors.closed - doors.operations.keys())]
    for operation in secured:
        served = doors.opened(operation)[:1]
        findings += [_unprotected(sent, "user", judgement, again=send(sent, "user")) for sent in served]
        sample = doors.sample(operation)
        if sample is None:
            unclear.append(f"{operation.label} (no request with credentials was let in)")
            continue
        for who in WHO:
            answer = send(sample, who)
            if answer is None:
                unclear.append(f"{operation.label} (no time was left to ask {WORDS[who]})")
            elif answer.status in SUCCESS:
                findings.append(_unprotected(answer, who, judgement, again=send(sample, who)))
            elif not _refuses(sample, answer):
                unclear.append(f"{operation.label} ({answer.status or 'no answer'} {WORDS[who]})")
    reason = f"neither served nor refused: {', '.join(unclear)}" if unclear else ""
    gap = Gap(Outcome.INCONCLUSIVE, reason) if reason else None
    judgement.results.append(conclude(CHECK, findings, gap, problem=problem))


def _refuses(sample: Sent, answer: Sent) -> bool:
    """Return whether an answer refuses credentials.

    Some services answer another 4xx (a missing header is invalid input to them): that says so only of a request that
    went through before and changes nothing, so that nothing but the credentials can have made the difference.
    """
    if answer.status in REFUSED:
        return True
    harmless = sample.status in SUCCESS and sample.method in SAFE
    return harmless and answer.status in CLIENT_ERROR and answer.status != httpx.codes.TOO_MANY_REQUESTS


def _again(answer: Sent, again: Sent | None) -> FindingStatus:
    """Return what the answer says when the request that was let in is sent once more."""
    if again is None or not (again.status in SUCCESS or _refuses(answer, again)):
        return FindingStatus.UNCONFIRMED
    return FindingStatus.CONFIRMED if again.status in SUCCESS else FindingStatus.FLAKY


def _unprotected(answer: Sent, who: Who, judgement: Judgement, *, again: Sent | None) -> Finding:
    """Return what an open door is; `again` is the answer when its request was sent once more."""
    return Finding(
        check=CHECK,
        severity=Severity.CRITICAL,
        title=f"answers {answer.status} {WORDS[who]}",
        cause=f"open-to-{who}",
        operation=answer.operation,
        evidence=tuple(judgement.show(sent) for sent in (answer, again) if sent),
        steps=(judgement.show(answer),),
        replay=script_for([as_exchange(answer)]),
        status=_again(answer, again),
    )
