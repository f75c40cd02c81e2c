"""From what was documented and never came to requests that may bring it about.

what was sent --operations that nobody was served by--> what the configuration knows, and where links lead
--answers that never came--> tries
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from seatrial.core import Identity, Tally
from seatrial.fuzz.directed._aim import SUCCESS, Aim
from seatrial.fuzz.directed._follow import follow
from seatrial.fuzz.directed._known import Directions, Known
from seatrial.fuzz.directed._requests import Asked
from seatrial.fuzz.directed._tries import JSON, Try, tries_for
from seatrial.openapi import Operation, finder

SAMPLES = 3
"""So many requests of an operation are sent again where its state decides, those first that were served."""

UNAUTHENTICATED = "401"


def direct(aim: Aim, directions: Directions) -> tuple[Tally, ...]:
    """Send what may bring about answers that never came, and return what came."""
    for known in directions.known:
        _serve(aim, known)
    follow(aim)
    for operation in aim.operations.values():
        for status in sorted(aim.unseen(operation)):
            _try(aim, operation, status, tries_for(operation.path, directions.body_bytes).get(status, ()))
    return tuple(aim.found)


def _serve(aim: Aim, known: Known) -> None:
    """Send a request that is known to be served, where nobody was, and what follows from its answer."""
    operation = finder(aim.operations)(known.method, known.path.partition("?")[0])
    if operation is None or aim.late:
        return
    body = b"" if known.body is None else json.dumps(known.body).encode()
    asked = Asked(method=known.method, target=known.path, headers={"Content-Type": JSON} if body else {}, body=body)
    if known.then or not aim.is_served(operation):
        answer = aim.ask(operation, asked, known.identity, valid=operation.told(["body"], JSON) if body else ())
        following = known.then(answer.data) if known.then and answer.status in SUCCESS else None
        if following:
            _serve(aim, following)
    if known.identity.headers and UNAUTHENTICATED in aim.unseen(operation):  # strangers may not get as far as its door
        aim.ask(operation, asked, replace(known.identity, headers={}))


def _try(aim: Aim, operation: Operation, status: str, tries: Sequence[Try]) -> None:
    """Try one way after the other until the status comes."""
    for attempt, asked, who in _requests(aim, operation, tries):
        for _ in range(attempt.times):
            if aim.late or status not in aim.unseen(operation):
                return
            aim.ask(operation, asked, who)


def _requests(aim: Aim, operation: Operation, tries: Iterable[Try]) -> Iterator[tuple[Try, Asked, Identity]]:
    for attempt in tries:
        if attempt.of_body and "body" not in operation.inputs:
            continue
        for asked, sender in aim.samples(operation, SAMPLES if attempt.by_state else 1):
            who = aim.senders.fresh(secured=bool(operation.secured or sender.name)) if attempt.anew else sender
            yield attempt, attempt.change(asked), who
