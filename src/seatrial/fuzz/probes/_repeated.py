"""Whether PUT and DELETE may be sent twice: the second time leaves all as the first time did (RFC 9110, 9.2.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from seatrial.core.recipes import values_of
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._found import Seen, twice
from seatrial.fuzz.probes._gaps import left_out, look_at_each
from seatrial.fuzz.probes._ground import GONE, SUCCESS, Ground
from seatrial.fuzz.probes._kinds import Kind, Made, alike, kinds_of, read_of, served
from seatrial.openapi import Operation

IDEMPOTENT = frozenset({"PUT", "DELETE"})
NOTHING = "no operation is a PUT or DELETE of one resource"
SERVER_ERROR = 500
IN_LIST = re.compile(r"/\d+(/|$)")


def idempotent(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Send each PUT and DELETE of something new twice, and read it after either."""
    wanted = [each for each in ground.operations.values() if each.method in IDEMPOTENT and each.in_path]
    kinds = {each.label: kind for kind in kinds_of(ground.operations) for each in kind.changes}
    seen, unclear = look_at_each(
        ground,
        ((operation.label, partial(_tried, kinds.get(operation.label), operation, ground)) for operation in wanted),
    )
    return seen, left_out(unclear, "" if wanted else NOTHING)


def _tried(kind: Kind | None, operation: Operation, ground: Ground) -> list[Seen]:
    if kind is None:
        raise Unclear("no operation makes what it is about")
    attempt = _removed if operation.method == "DELETE" else _put
    return twice(partial(attempt, kind, operation, ground))


def _removed(kind: Kind, operation: Operation, ground: Ground) -> Seen | None:
    """Remove one of three once and one twice; the third shows that they can be read."""
    kept, once, made = alike(kind, ground, 3)
    served(kept, kind, ground)
    _done(ground.ask.ask(operation, once.url, once.owner))
    between = read_of(once, kind, ground)
    first = _done(ground.ask.ask(operation, made.url, made.owner))
    second = ground.ask.ask(operation, made.url, made.owner)
    after = read_of(made, kind, ground)
    if second.status >= SERVER_ERROR:
        return _seen(operation, f"a second DELETE is answered with {second.status}", [made.sent, first, second])
    if between.status not in GONE:
        raise Unclear(f"after it, {said(between)}")
    if after.status in SUCCESS:
        return _seen(operation, "a second DELETE brings back what the first removed", [made.sent, first, second, after])
    return None


def _put(kind: Kind, operation: Operation, ground: Ground) -> Seen | None:
    """Write to one of two once and to the other twice, and read both."""
    once, made = alike(kind, ground)
    sample = next(iter(ground.accepted(operation)), None)
    if sample is None:
        raise Unclear("nothing that it was sent was accepted")
    _done(_written(once, operation, sample, ground))
    wanted = _state(served(once, kind, ground), sample)
    first = _done(_written(made, operation, sample, ground))
    second = _written(made, operation, sample, ground)
    if second.status >= SERVER_ERROR:
        title = f"a second PUT of the same is answered with {second.status}"
        return _seen(operation, title, [made.sent, first, second])
    state = _state(served(made, kind, ground), sample)
    if not wanted:
        raise Unclear("nothing that it wrote is read where it was written")
    own = _own(once, made, wanted, sample)
    if any(wanted.get(place) != state.get(place) for place in {*wanted, *state} - own):
        return _seen(operation, "a second PUT of the same changes more", [made.sent, first, second])
    if second.status not in SUCCESS:  # it may say which state it is about: that is another one then
        raise Unclear(f"the second time, {said(second)}")
    return None


def _written(made: Made, operation: Operation, sample: Sent, ground: Ground) -> Sent:
    return ground.ask.ask(operation, made.url, made.owner, body=sample.body, headers=sample.request_headers)


def _own(one: Made, other: Made, state: Mapping[str, str], sample: Sent) -> set[str]:
    """Return what the service itself decides for each of two, as an id: not what was written, and not alike before."""
    wrote = values_of(sample.request_body)
    held, holds = values_of(one.sent.response_body), values_of(other.sent.response_body)
    alike_before = {place for place, text in held.items() if holds.get(place) == text}
    return {place for place, text in state.items() if place in wrote and text != wrote[place]} - alike_before


def _state(read: Sent, sample: Sent) -> Mapping[str, str]:
    """Return what a PUT is about: what it wrote, and how long lists are that it wrote; all else may go on."""
    held, wrote = values_of(read.response_body), values_of(sample.request_body)
    lists = {IN_LIST.sub("", place) for place in wrote if IN_LIST.search(place)}
    written = {place: text for place, text in held.items() if place in wrote}
    return written | {place: "" for place in held if place not in wrote and IN_LIST.sub("", place) in lists}


def _done(answer: Sent) -> Sent:
    if answer.status not in SUCCESS:
        raise Unclear(said(answer))
    return answer


def _seen(operation: Operation, title: str, steps: list[Sent]) -> Seen:
    cause = re.sub(r"\W+", "-", title.lower())
    return Seen(operation=operation.label, title=title, cause=cause, steps=steps)
