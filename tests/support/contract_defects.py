"""The defects that the service for tests can be given, each in one operation.

One that answers for the operation is a function here. The others change what the service does itself: it asks for them
by their names, and here stands what each is.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

LONG = 12
WITHIN = {
    "lenient": "POST /lenient takes any JSON",
    "headers": "GET /headers forgets its header",
    "status": "GET /status answers with a status that is not documented",
    "media": "GET /media answers with another media type",
    "open": "GET /open lets anybody in",
    "bogus": "GET /bogus lets in who holds any token",
    "method": "every method of /method is answered",
    "allow": "a method that is not allowed at /allow is refused without a list of those that are",
    "limited": "GET /limited is always over its limit",
    "locked": "GET /locked lets nobody in",
    "undead": "an item that is removed is served on",
    "schema": "GET /items/{id} answers with a number for a name",
    "forgetful": "GET /pages does not take the cursor that it handed out",
    "vanish": "an item that is made is not kept",
    "clinging": "no item can be removed",
    "timed": "no defect: a refusal of the limiter says how long it lasts, in seconds",
    "dated": "no defect: a refusal of the limiter says until when it lasts, as a date",
    "shared": "everybody reads and removes everybody's items",
    "brittle": "an item that was removed makes the service break",
}


class Request(Protocol):
    """A request that is let in, as far as a defect needs it."""

    close_connection: bool

    @property
    def seen(self) -> Counter[str]:
        """Return how often each operation without a body was asked."""

    def say(self, status: int, body: object) -> None:
        """Answer with JSON."""


Instead = Callable[[Request, str], bool]
"""Answers for the operation, given a name in the body or nothing; False where the operation shall answer."""

INSTEAD: dict[tuple[str, str], Instead] = {}


def instead(defect: str, name: str) -> Callable[[Instead], Instead]:
    """Register what answers in place of the operation at `/name`."""

    def register(function: Instead) -> Instead:
        INSTEAD[defect, name] = function
        return function

    return register


@instead("crash", "crash")
def crash(request: Request, given: str) -> bool:
    """Break over a long name."""
    if len(given) > LONG:
        request.say(500, {"error": "oops"})
    return len(given) > LONG


@instead("crashes", "crash")
def crash_in_two_ways(request: Request, given: str) -> bool:
    """Break over a long name in one way, and over one of a single letter in another; both tell what they were given."""
    if len(given) > LONG:
        request.say(500, {"error": f"disk full at {given}", "id": f"{request.seen['crashes']:08}"})
    elif len(given) == 1:
        request.say(500, {"error": f"'{given}' is no key"})
    request.seen["crashes"] += 1
    return len(given) > LONG or len(given) == 1


@instead("drop", "drop")
def drop(request: Request, given: str) -> bool:
    """End the connection over a long name."""
    if len(given) > LONG:
        request.close_connection = True
    return len(given) > LONG


@instead("strict", "strict")
def strict(request: Request, given: str) -> bool:
    """Refuse a long name that the document allows."""
    if len(given) > LONG:
        request.say(422, {"error": "too long for me"})
    return len(given) > LONG


@instead("once", "once")
def once(request: Request, given: str) -> bool:
    """Break at the first request alone."""
    del given
    if request.seen["once"] == 1:
        request.say(500, {"error": "only once"})
    return request.seen["once"] == 1


@instead("hang", "hang")
def hang(request: Request, given: str) -> bool:
    """Let everybody wait."""
    del request, given
    time.sleep(60)
    return False


KNOWN = {*WITHIN, *(defect for defect, _ in INSTEAD)}
