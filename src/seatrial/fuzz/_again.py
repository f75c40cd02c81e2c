"""Failing requests, sent once more: whether they fail again, and the smallest that does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import requests
from schemathesis.core.transport import Response
from schemathesis.engine.recorder import Request, ScenarioRecorder

from seatrial.core.recipes import put_in, put_into_body, swaps
from seatrial.fuzz._bounds import LONGEST_S
from seatrial.fuzz._cause import MOST_CAUSES, detail_of, held_by, said_in
from seatrial.fuzz._conforms import failures
from seatrial.fuzz._messages import NO_ANSWER, TIMED, Order, Repeated, Sent, Verdict
from seatrial.fuzz._minimise import minimised, rebuilt, tree_of
from seatrial.fuzz._turns import Turns

GRACE_S = 15.0
"""How long failing requests are still sent once more when the time is up: what was found is not to stay open."""

MOST_SLOW = 3
"""After so many answers that took long, or timeouts, no failing request is sent any more: a service may hang."""

NEWEST = 2
"""How many further requests of a failure are kept, to be sent once more if the shortest does not fail again."""

LED = 6
"""How many of the requests that led to a failure are sent before it, at most: each from the last answer's values."""

ABSENT = frozenset({401, 404, 409, 410})
"""What is answered when something that a request needs is there no longer, or is already: that decides nothing."""

TRIES, ALL_TRIES = 40, 400
"""How many requests may be sent to make one failing request smaller, and all of them."""

PLENTY = 400
"""So many requests in a window nobody comes near who sends without credentials."""

SLOW_S = 1.0
"""A request whose answer takes longer is shown as it is."""

BREAKS = "not_a_server_error"
BY_ANSWER = frozenset(
    {BREAKS, NO_ANSWER, "status_code_conformance", "content_type_conformance", "response_schema_conformance"}
    | {"response_headers_conformance"}
)
"""Checks that find fault with an answer, whatever was asked."""

Key = tuple[str, str, str, str]
Answer = requests.Response | None
Looked = tuple[bool | None, Answer]
"""Whether a request failed again, and its answer; None where that cannot be said."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A request that a check failed for, to be sent once more; `led` are those that led to it, with their answers."""

    sent: Sent
    verdict: Verdict
    case: Any
    request: Request
    recorder: ScenarioRecorder
    led: tuple[Any, ...] = ()

    @property
    def size(self) -> int:
        """Return how much there is to read."""
        return len(self.request.body or b"") + len(self.request.uri)

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of its request."""
        return {name: values[0] for name, values in self.request.headers.items()}


class Again:
    """Keep some requests of each failure; send them once more, as the same identity, to be judged by the same check."""

    def __init__(self, turns: Turns, order: Order) -> None:
        self._turns = turns
        self._order = order
        self._limited = set(order.limited)
        self._suspects: dict[Key, list[Suspect]] = {}
        self._sure: list[Suspect] = []
        self._slow = 0

    def suspect(self, found: Suspect) -> None:
        """Take in a failure; where those of a title are told apart in too many ways, in none."""
        verdict = found.verdict
        key = (found.sent.operation, verdict.name, verdict.title, verdict.detail)
        alike = sum(known[:3] == key[:3] for known in self._suspects)
        key = key if key in self._suspects or alike < MOST_CAUSES else (*key[:3], "")
        self._suspects[key] = selected([*self._suspects.get(key, []), found])

    def repeat(self) -> Iterator[Repeated]:
        """Send requests of each failure once more.

        One that does not fail again is followed by others with the same failure: what one needs may be gone by now.
        """
        until_s = self._turns.until_s + GRACE_S
        seen: set[Key] = set()
        with _session() as session:
            for key, suspect in in_rounds(self._suspects):
                if time.monotonic() > until_s or self._slow >= MOST_SLOW:
                    return
                same = None if key in seen else self._fails(suspect, session)
                if same is not None:
                    verdict, number = suspect.verdict, suspect.sent.number
                    yield Repeated(number=number, name=verdict.name, title=verdict.title, same=same)
                if same:
                    seen.add(key)

    def smallest(self) -> Iterator[tuple[Suspect, Request, Answer]]:
        """Make what came again smaller, and yield the smallest request that still shows it, with its answer.

        Only where the answer alone is the failure: whether input is valid or not changes with what is left of it.
        """
        left = ALL_TRIES
        with _session() as session:
            for suspect in self._sure:
                if left >= TRIES and suspect.verdict.name in BY_ANSWER and suspect.sent.elapsed_s < SLOW_S:
                    left -= TRIES
                    shown: list[tuple[Request, Answer]] = []
                    tree = tree_of(suspect.request.uri, suspect.headers, suspect.request.body or b"")
                    minimised(tree, self._shows(suspect, session, shown), most=TRIES // (1 + len(suspect.led)))
                    yield from ((suspect, *each) for each in shown[-1:])

    def _shows(
        self, suspect: Suspect, session: requests.Session, shown: list[tuple[Request, Answer]]
    ) -> Callable[[Any], bool]:
        """Return what tries what is left of a request, and keeps what shows the very same failure."""
        verdict = suspect.verdict

        def shows(tree: Any) -> bool:
            over = time.monotonic() > self._turns.until_s or self._slow >= MOST_SLOW
            if over or self._would_wait(suspect):
                return False
            smaller = replace(suspect, request=_left(suspect, tree))
            same, answer = self._look(smaller, session)
            alike = same and (answer is None or (verdict.title, verdict.detail) in kinds(smaller, answer))
            shown.extend([(smaller.request, answer)] if alike else [])
            return bool(alike)

        return shows

    def _would_wait(self, suspect: Suspect) -> bool:
        """Return whether a limiter may be near: making a request smaller is not worth a window."""
        if urlsplit(suspect.request.uri).path in self._order.narrow:
            return True
        spare = self._order.uses * max(1, len(self._order.addresses))
        waits = self._turns.wait_s(suspect.headers, 1 + len(suspect.led)) > 0
        return waits or (not suspect.sent.identity and spare < PLENTY)

    def _fails(self, suspect: Suspect, session: requests.Session) -> bool | None:
        """Return whether a request fails again by itself, or else after what led to it.

        What is said of a resource's life is said of the one that was: a new one is too young to be missed.
        """
        alone = replace(suspect, led=())
        same, _ = self._look(alone, session)
        if same or not suspect.led or suspect.verdict.name in TIMED:
            self._sure += [alone] if same else []
            return same
        chained, _ = self._look(suspect, session)
        self._sure += [suspect] if chained else []
        return same if chained is None else chained

    def _look(self, suspect: Suspect, session: requests.Session) -> Looked:
        """Send what led to a failure and then its request, with what the answers say now.

        It cannot be said where a limiter answered, or where what the request needs was not there.
        """
        swapped: dict[str, str] = {}
        for led in suspect.led[-LED:]:
            answer = self._once_more(led.request, swapped, session)
            if answer is None or led.response is None or answer.status_code != led.response.status_code:
                return None, None
            swapped |= swaps(text_of(led.response.content), answer.text)
        answer = self._once_more(suspect.request, swapped, session)
        if suspect.verdict.name == NO_ANSWER:
            return answer is None, answer
        silent = self._limited | (set() if suspect.verdict.name in TIMED else ABSENT - {suspect.sent.status})
        if answer is None or answer.status_code in silent:
            return None, answer
        return suspect.verdict.title in {title for title, _ in kinds(suspect, answer)}, answer

    def _once_more(self, request: Request, swapped: Mapping[str, str], session: requests.Session) -> Answer:
        began_s = time.monotonic()
        try:
            return session.send(prepared(request, swapped), timeout=LONGEST_S, allow_redirects=False)
        except requests.RequestException:
            return None
        finally:
            self._slow += time.monotonic() - began_s > LONGEST_S / 2


def selected(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Return the shortest, which people read, and then the newest: what those need is there most likely."""
    shortest = min(suspects, key=lambda suspect: suspect.size)
    others = [suspect for suspect in suspects if suspect is not shortest]
    return [shortest, *others[-NEWEST:]]


def in_rounds(suspects: Mapping[Key, Sequence[Suspect]]) -> Iterator[tuple[Key, Suspect]]:
    """Yield the first of each failure, and then their others, the newest first."""
    for number in range(1 + NEWEST):
        for key, found in suspects.items():
            ordered = [found[0], *found[:0:-1]]
            if number < len(ordered):
                yield key, ordered[number]


def kinds(suspect: Suspect, answer: requests.Response) -> set[tuple[str, str]]:
    """Return how the suspect's check fails for an answer: titles and details."""
    name, response = suspect.verdict.name, Response.from_requests(answer, verify=True)
    found = failures(suspect.case, [name], answer, recorder=suspect.recorder)
    return {(failure.title, detail_in(failure, name, suspect.request, response)) for failure in found}


def detail_in(failure: Any, check: str, request: Request, response: Response) -> str:
    """Return what tells a failure apart from others of its title, which may be what the answer says."""
    said = said_in(text_of(response.content), held_by(request.uri, request.body or b"")) if check == BREAKS else ""
    return detail_of(failure, status=response.status_code, said=said)


def text_of(content: bytes | None) -> str:
    """Return a body as text."""
    return (content or b"").decode("utf-8", "replace")


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def prepared(request: Request, swapped: Mapping[str, str]) -> requests.PreparedRequest:
    """Return a recorded request, byte for byte but for these values: preparing it anew would mend what was broken."""
    again = requests.PreparedRequest()
    body = put_into_body(request.body, swapped) if swapped and request.body else request.body
    again.method, again.url, again.body = request.method, put_in(request.uri, swapped), body
    again.headers = requests.structures.CaseInsensitiveDict({name: v[0] for name, v in request.headers.items()})
    if body is not None and body is not request.body:
        again.headers["Content-Length"] = str(len(body))
    again.hooks = requests.hooks.default_hooks()
    return again


def _left(suspect: Suspect, tree: Any) -> Request:
    """Return what is left of a suspect's request."""
    asked = suspect.request
    uri, headers, body = rebuilt(tree, asked.uri, suspect.headers, asked.body or b"")
    return Request(asked.method, uri, body, len(body), {name: [value] for name, value in headers.items()})
