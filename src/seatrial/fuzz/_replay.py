"""A recorded finding, looked at once more: its requests are sent again, and the last answer is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import requests

from seatrial.core import Exchange, Finding, Identity, Request, Response
from seatrial.core.marks import MARK, filled
from seatrial.core.recipes import put_in, put_into_body, swaps
from seatrial.fuzz._looked import LIFECYCLE
from seatrial.fuzz._messages import CUT
from seatrial.fuzz._still import ABSENT, still
from seatrial.fuzz.probes import BY_ASKING, BY_LOOKING, Anew

TIMEOUT_S = 10.0
LIFE = f"contract.{LIFECYCLE}"
"""Of this check a finding has to last: what is late, or removed in a moment, is none. All others may take a moment."""

LOOKS, PAUSE_S = 3, 1.0
SAFE = frozenset({"GET", "HEAD"})
LOST = "\N{REPLACEMENT CHARACTER}"
MADE_BY_CLIENTS = frozenset({"host", "content-length", "connection", "transfer-encoding"})
Secrets = Mapping[str, Identity]
"""Who sends now, by the names of identities in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of it: `still` is None where nothing can be said; `answers` are those of the requests so far."""

    still: bool | None
    reason: str
    exchanges: tuple[Exchange, ...] = ()


def unsendable(steps: Sequence[Exchange], secrets: Secrets) -> str:
    """Return why recorded requests cannot be sent again as they were, or nothing."""
    if not steps:
        return "the record has no requests that show it"
    for step in steps:
        body = step.request.body
        if step.request.size or CUT.search(body) or LOST in body:
            return "a body stands in the record only in part, or is no text"
        if not secrets.keys() >= set(MARK.findall(step.request.url)) or MARK.search(body):
            return "a request holds a secret outside its headers, which the record does not keep"
    return ""


def replay(
    finding: Finding,
    steps: Sequence[Exchange],
    *,
    secrets: Secrets,
    document: Callable[[], Mapping[str, Any]],
    anew: Anew | None = None,
) -> Replayed:
    """Send recorded requests, with new credentials and what the answers say, and judge the last answer.

    What a check of ours found is looked for `anew`, by that check.
    """
    if why := unsendable(steps, secrets):
        return Replayed(still=None, reason=why)
    if anew and finding.check in BY_ASKING:
        (found, reason), exchanges = anew.ask(finding, steps, document(), secrets)
        return Replayed(still=found, reason=f"{finding.operation}: {reason}", exchanges=tuple(exchanges))
    with requests.Session() as session:
        session.trust_env = False
        sender = Sender(session, secrets)
        for then in steps:
            now = sender.send(then)
            if then is not steps[-1] and _status(now) != _status(then):
                return Replayed(still=None, reason=_otherwise(then, now), exchanges=tuple(sender.done))
        if anew and finding.check in BY_LOOKING:
            return _looked_at(finding, then, sender.done, anew, document())
        found = still(finding, then, sender.answer, document)
        for _ in range(LOOKS if _may_change(steps) else 0):
            if found is (finding.check != LIFE):
                break
            time.sleep(PAUSE_S)
            now = sender.send(then)
            found = still(finding, then, sender.answer, document)
    return Replayed(still=found, reason=_otherwise(then, now), exchanges=tuple(sender.done))


def _looked_at(
    finding: Finding, then: Exchange, answers: Sequence[Exchange], anew: Anew, document: Mapping[str, Any]
) -> Replayed:
    """Let a check of ours look at what is answered now; an answer that says that nothing is there shows nothing."""
    now = _status(answers[-1])
    if not now or now in ABSENT - {_status(then)}:
        return Replayed(still=None, reason=_otherwise(then, answers[-1]), exchanges=tuple(answers))
    found, reason = anew.look(finding, answers, document)
    return Replayed(still=found, reason=f"{finding.operation}: {reason}", exchanges=tuple(answers))


class Sender:
    """Send one recorded request after the other; each holds what the answers before it say now."""

    def __init__(self, session: requests.Session, secrets: Secrets) -> None:
        self._session = session
        self._secrets = secrets
        self._swapped: dict[str, str] = {}
        self.answer: requests.Response | None = None
        self.done: list[Exchange] = []

    def send(self, then: Exchange) -> Exchange:
        """Send a request of then, and return what came of it now."""
        sent, started_s = _renewed(then, self._swapped), time.monotonic()
        self.answer = _send(self._session, sent.request, self._secrets)
        body = "" if self.answer is None else self.answer.text
        self._swapped |= swaps(then.response.body if then.response else "", body)
        self.done.append(_exchange(sent, self.answer, started_s))
        return self.done[-1]


def _may_change(steps: Sequence[Exchange]) -> bool:
    """Return whether the last request reads what an earlier one made, which may take a moment to be as it was then."""
    return len(steps) > 1 and steps[-1].request.method in SAFE


def _renewed(step: Exchange, swapped: Mapping[str, str]) -> Exchange:
    body = put_into_body(step.request.body.encode(), swapped).decode()
    return replace(step, request=replace(step.request, url=put_in(step.request.url, swapped), body=body))


def _send(session: requests.Session, request: Request, secrets: Secrets) -> requests.Response | None:
    """Send a request as it is written: preparing it anew would mend what a fuzzer broke."""
    sent = requests.PreparedRequest()
    url = filled(request.url, lambda name: quote(secrets[name].secret, safe=""))
    sent.method, sent.url, sent.body = request.method, url, request.body.encode() or None
    sent.hooks = requests.hooks.default_hooks()
    headers = {name: _with_secret(name, value, secrets) for name, value in request.headers}
    kept = {name: value for name, value in headers.items() if name.lower() not in MADE_BY_CLIENTS}
    sent.headers = requests.structures.CaseInsensitiveDict(kept)
    if sent.body is not None:
        sent.headers["Content-Length"] = str(len(sent.body))
    try:
        return session.send(sent, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException:
        return None


def _with_secret(name: str, value: str, secrets: Secrets) -> str:
    """Return a header with what authenticates now; a mark alone stands for all of it."""
    if not (mark := MARK.search(value)):
        return value
    somebody = secrets.get(mark[1])
    own = {header.lower(): held for header, held in somebody.headers.items()} if somebody else {}
    whole = own.get(name.lower(), "")
    return whole if mark[0] == value or somebody is None else value.replace(mark[0], somebody.secret)


def _exchange(sent: Exchange, answer: requests.Response | None, started_s: float) -> Exchange:
    response = None if answer is None else _response(answer)
    return replace(sent, response=response, sent_s=started_s, received_s=time.monotonic())


def _response(answer: requests.Response) -> Response:
    return Response(status=answer.status_code, headers=tuple(answer.headers.items()), body=answer.text)


def _status(exchange: Exchange) -> int:
    return exchange.response.status if exchange.response else 0


def _otherwise(then: Exchange, now: Exchange) -> str:
    said = [str(_status(each)) if _status(each) else "no answer" for each in (then, now)]
    return f"{then.operation}: {said[1]}" + (f", then it was {said[0]}" if said[0] != said[1] else ", as then")
