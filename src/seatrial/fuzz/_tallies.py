"""What the fuzzer's requests fill of the contract's matrix: answers, and the sides of inputs that they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from seatrial.core import Tally, caller_of, media_type
from seatrial.fuzz._looked import proper
from seatrial.fuzz._messages import Sent
from seatrial.openapi import Operation

SUCCESS = range(200, 300)
CLIENT_ERROR = range(400, 500)
_Kind = tuple[str, int, str, tuple[str, ...], tuple[str, ...], str]
NOT_ABOUT_INPUT = frozenset({401, 403, 405, 408, 429})


def tallies_of(operations: Mapping[str, Operation], sent: Iterable[Sent]) -> tuple[Tally, ...]:
    """Return how often each operation was answered how; a request with another method than documented is none of it."""
    own = (s for s in sent if s.status and s.operation in operations and proper(s, operations[s.operation]))
    counts = Counter(_kind(each, operations[each.operation]) for each in own)
    return tuple(
        Tally(operation=operation, status=status, media=media, valid=valid, invalid=invalid, count=count, caller=caller)
        for (operation, status, media, valid, invalid, caller), count in counts.items()
    )


def _kind(sent: Sent, operation: Operation) -> _Kind:
    asked, answered = _media(sent.request_headers), _media(sent.response_headers)
    accepted, refused = (
        operation.told(names, asked) for names in (_accepted(sent, operation), _refused(sent, operation))
    )
    caller = caller_of(sent.request_headers, sent.url)
    return sent.operation, sent.status, answered, accepted, refused, caller


def _media(headers: Iterable[tuple[str, str]]) -> str:
    return media_type(next((value for name, value in headers if name.lower() == "content-type"), ""))


def _accepted(sent: Sent, operation: Operation) -> tuple[str, ...]:
    """Return the inputs that a valid request held, if it was served."""
    if sent.mode != "positive" or sent.status not in SUCCESS:
        return ()
    held = {name.lower() for name in sent.held}
    return tuple(name for name in operation.inputs if name.lower() in held)


def _refused(sent: Sent, operation: Operation) -> tuple[str, ...]:
    """Return the inputs that were invalid in a request, if it was refused for what it held."""
    if sent.status not in CLIENT_ERROR or sent.status in NOT_ABOUT_INPUT:
        return ()
    places = set(sent.negated)
    return tuple(name for name in operation.inputs if places & {name, name.partition(":")[0]})
