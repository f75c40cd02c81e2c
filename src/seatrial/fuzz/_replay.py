"""A recorded finding, looked at once more: its requests are sent again, and the last answer is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import requests

from seatrial.core import Exchange, Finding, Request, Response
from seatrial.core.curl import MARK
from seatrial.core.recipes import put_in, put_into_body, swaps
from seatrial.fuzz._messages import CUT
from seatrial.fuzz._still import still

TIMEOUT_S = 10.0
LOST = "\N{REPLACEMENT CHARACTER}"
MADE_BY_CLIENTS = frozenset({"host", "content-length", "connection", "transfer-encoding"})
Secrets = Mapping[str, Mapping[str, str]]
"""Headers that authenticate, by the names of identities in the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of it: `still` is None where nothing can be said; `answers` are those of the requests so far."""

    still: bool | None
    reason: str
    exchanges: tuple[Exchange, ...] = ()


def unsendable(steps: Sequence[Exchange]) -> str:
    """Return why recorded requests cannot be sent again as they were, or nothing."""
    if not steps:
        return "the record has no requests that show it"
    for step in steps:
        body = step.request.body
        if step.request.size or CUT.search(body) or LOST in body:
            return "a body stands in the record only in part, or is no text"
        if MARK.search(step.request.url + body):
            return "a request holds a secret outside its headers, which the record does not keep"
    return ""


def replay(
    finding: Finding, steps: Sequence[Exchange], *, secrets: Secrets, document: Callable[[], Mapping[str, Any]]
) -> Replayed:
    """Send recorded requests, with new credentials and what the answers say, and judge the last answer."""
    if why := unsendable(steps):
        return Replayed(still=None, reason=why)
    swapped: dict[str, str] = {}
    done: list[Exchange] = []
    answer: requests.Response | None = None
    with requests.Session() as session:
        session.trust_env = False
        for step in steps:
            sent = _renewed(step, swapped)
            started_s = time.monotonic()
            answer = _send(session, sent.request, secrets.get(step.identity, {}))
            done.append(_exchange(sent, answer, started_s))
            if step is not steps[-1] and _status(done[-1]) != _status(step):
                return Replayed(still=None, reason=_otherwise(step, done[-1]), exchanges=tuple(done))
            swapped |= swaps(step.response.body if step.response else "", answer.text if answer is not None else "")
    found = still(finding, steps[-1], answer, document)
    return Replayed(still=found, reason=_otherwise(steps[-1], done[-1]), exchanges=tuple(done))


def _renewed(step: Exchange, swapped: Mapping[str, str]) -> Exchange:
    body = put_into_body(step.request.body.encode(), swapped).decode()
    return replace(step, request=replace(step.request, url=put_in(step.request.url, swapped), body=body))


def _send(session: requests.Session, request: Request, secret: Mapping[str, str]) -> requests.Response | None:
    """Send a request as it is written: preparing it anew would mend what a fuzzer broke."""
    known = {name.lower(): value for name, value in secret.items()}
    sent = requests.PreparedRequest()
    sent.method, sent.url, sent.body = request.method, request.url, request.body.encode() or None
    sent.hooks = requests.hooks.default_hooks()
    headers = {n: known.get(n.lower(), "") if MARK.fullmatch(v) else v for n, v in request.headers}
    kept = {name: value for name, value in headers.items() if name.lower() not in MADE_BY_CLIENTS}
    sent.headers = requests.structures.CaseInsensitiveDict(kept)
    if sent.body is not None:
        sent.headers["Content-Length"] = str(len(sent.body))
    try:
        return session.send(sent, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException:
        return None


def _exchange(sent: Exchange, answer: requests.Response | None, started_s: float) -> Exchange:
    response = None if answer is None else Response(status=answer.status_code, body=answer.text)
    return replace(sent, response=response, sent_s=started_s, received_s=time.monotonic())


def _status(exchange: Exchange) -> int:
    return exchange.response.status if exchange.response else 0


def _otherwise(then: Exchange, now: Exchange) -> str:
    said = [str(_status(each)) if _status(each) else "no answer" for each in (then, now)]
    return f"{then.operation}: {said[1]}" + (f", then it was {said[0]}" if said[0] != said[1] else ", as then")
