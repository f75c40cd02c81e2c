"""Whether HEAD and OPTIONS say the same as GET does (RFC 9110, 9.3.2 and 10.2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from seatrial.fuzz._looked import Gap, proper
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear
from seatrial.fuzz.probes._found import Seen, confirmed
from seatrial.fuzz.probes._gaps import left_out
from seatrial.fuzz.probes._ground import SUCCESS, Ground
from seatrial.fuzz.probes._values import header_of
from seatrial.openapi import Operation

NOTHING = "no operation is a GET"
NOT_THERE = frozenset({405, 501})
NOT_ALLOWED = 405
ENDLESS = "text/event-stream"


def methods_agree(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Ask for each GET that was answered again, and then with HEAD and OPTIONS."""
    wanted = [each for each in ground.operations.values() if each.method == "GET"]
    seen, unclear = list[Seen](), list[str]()
    for operation in wanted:
        try:
            seen += _tried(operation, ground)
        except Unclear as why:
            unclear.append(f"{operation.label} ({why})")
    return seen, left_out(unclear, "" if wanted else NOTHING)


@dataclass(frozen=True, slots=True)
class Asked:
    """One address, asked in three ways."""

    get: Sent
    head: Sent
    options: Sent


def _tried(operation: Operation, ground: Ground) -> Iterator[Seen]:
    sample = _sample(operation, ground)
    first = _asked(sample, operation, ground)
    found = dict(_differences(operation, first, ground))
    if not found:
        return
    second = _asked(sample, operation, ground)
    again = dict(_differences(operation, second, ground))
    if _length(first.get) != _length(second.get):
        found.pop("length", None)  # what changes all the time has no length that HEAD could tell
    yield from (replace(seen, status=confirmed(again.get(cause))) for cause, seen in found.items())


def _sample(operation: Operation, ground: Ground) -> Sent:
    """Return a request that went through, or else one that was answered."""
    mine = [sent for sent in ground.sent if sent.operation == operation.label and proper(sent, operation)]
    usable = [sent for sent in mine if sent.status and sent.status not in ground.limited and not sent.cut]
    if not usable:
        raise Unclear("no request was answered")
    sample = min(usable, key=lambda sent: (sent.status not in SUCCESS, len(sent.url), sent.number))
    if header_of(sample, "content-type").startswith(ENDLESS):
        raise Unclear("its answer has no end")
    return sample


def _asked(sample: Sent, operation: Operation, ground: Ground) -> Asked:
    asked = (msgspec.structs.replace(sample, method=method, body=b"") for method in ("GET", "HEAD", "OPTIONS"))
    return Asked(*(ground.ask.again(each, operation) for each in asked))


def _differences(operation: Operation, asked: Asked, ground: Ground) -> Iterator[tuple[str, Seen]]:
    """Yield what HEAD and OPTIONS say otherwise, by its cause; a HEAD that is not allowed says nothing else."""
    if asked.head.status not in NOT_THERE:
        for cause, title in _of_head(asked.get, asked.head):
            yield cause, _seen(operation, cause, title, [asked.get, asked.head])
    documented = {each.method for each in ground.operations.values() if each.path == operation.path}
    for answer in (asked.options, asked.head):
        listed = _allowed(answer)
        if listed and (missing := documented - listed):
            title = f"Allow of a {answer.status} to {answer.method} does not list {', '.join(sorted(missing))}"
            yield "allow", _seen(operation, "allow", title, [answer])


def _of_head(get: Sent, head: Sent) -> Iterator[tuple[str, str]]:
    if head.status != get.status:
        yield "status", f"HEAD answers {head.status} where GET answers {get.status}"
        return
    kinds = [header_of(each, "content-type").partition(";")[0].strip().lower() for each in (get, head)]
    if all(kinds) and kinds[0] != kinds[1]:
        yield "media-type", f"HEAD announces {kinds[1]} where GET sends {kinds[0]}"
    lengths = [_length(each) for each in (get, head)]
    if all(lengths) and lengths[0] != lengths[1]:
        yield "length", f"HEAD announces {lengths[1]} bytes where GET sends {lengths[0]}"


def _length(answer: Sent) -> str:
    return header_of(answer, "content-length")


def _allowed(answer: Sent) -> set[str]:
    """Return the methods that an answer lists as those that are allowed, none where it lists none."""
    if answer.status not in {NOT_ALLOWED, *SUCCESS}:
        return set()
    return {name.upper() for name in re.split(r"\s*,\s*", header_of(answer, "allow").strip()) if name}


def _seen(operation: Operation, cause: str, title: str, steps: list[Sent]) -> Seen:
    return Seen(operation=operation.label, title=title, cause=cause, steps=steps)
