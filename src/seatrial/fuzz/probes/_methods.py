"""Whether HEAD and OPTIONS say the same as GET does (RFC 9110, 9.3.2 and 10.2.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import msgspec

from seatrial.core import FindingStatus
from seatrial.fuzz._looked import Gap, proper
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._found import Seen, confirmed
from seatrial.fuzz.probes._gaps import left_out, look_at_each
from seatrial.fuzz.probes._ground import SUCCESS, Ground
from seatrial.fuzz.probes._values import header_of
from seatrial.openapi import Operation

NOTHING = "no operation is a GET"
NOT_THERE = frozenset({405, 501})
NOT_ALLOWED = 405
ENDLESS = "text/event-stream"
TRIES = 5
"""How many requests are tried: what some were about may have been removed since."""


def methods_agree(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Ask for each GET that was answered again, and then with HEAD and OPTIONS."""
    wanted = [each for each in ground.operations.values() if each.method == "GET"]
    seen, unclear = look_at_each(
        ground, ((operation.label, partial(_tried, operation, ground)) for operation in wanted)
    )
    return seen, left_out(unclear, "" if wanted else NOTHING)


@dataclass(frozen=True, slots=True)
class Asked:
    """One address, asked in three ways."""

    get: Sent
    head: Sent
    options: Sent


def _tried(operation: Operation, ground: Ground) -> Iterator[Seen]:
    sample = _standing(operation, ground)
    first = _asked(sample, operation, ground)
    second = cache(partial(_asked, sample, operation, ground))
    for cause, seen in dict(_differences(operation, first, ground)).items():
        status = confirmed(partial(_again, cause, first, second, operation, ground))
        if cause != "length" or status is not FindingStatus.FLAKY:
            yield replace(seen, status=status)


def _again(cause: str, first: Asked, second: Callable[[], Asked], operation: Operation, ground: Ground) -> bool:
    """Return whether there is the same difference again; what always changes has no length that HEAD could tell."""
    told = cause != "length" or _length(first.get) == _length(second().get)
    return told and cause in dict(_differences(operation, second(), ground))


def _standing(operation: Operation, ground: Ground) -> Sent:
    """Return a request that is answered as it was before; raises Unclear where none of some is."""
    why = ""
    for sample in _samples(operation, ground):
        answer = ground.ask.again(sample, operation)
        if answer.status == sample.status:
            return sample
        why = why or f"{said(answer)} where it answered {sample.status} before"
    raise Unclear(why)


def _samples(operation: Operation, ground: Ground) -> list[Sent]:
    """Return requests that went through, or else that were answered: some of the fuzzer's, then some of probes."""
    mine = [sent for sent in ground.answers if sent.operation == operation.label and proper(sent, operation)]
    usable = [sent for sent in mine if sent.status not in ground.limited and not sent.cut]
    if not usable:
        raise Unclear("no request was answered")
    through = [sent for sent in usable if sent.status in SUCCESS] or usable
    if any(header_of(sample, "content-type").startswith(ENDLESS) for sample in through):
        raise Unclear("its answer has no end")
    ours = {sent.number for sent in ground.ask.kept}
    return [
        sample for probes in (False, True) for sample in _newest(s for s in through if (s.number in ours) is probes)
    ]


def _newest(sent: Iterable[Sent]) -> list[Sent]:
    """Return one request of each of the shortest addresses, the newest: what others were about may be gone."""
    by_url = {each.url: each for each in sorted(sent, key=lambda each: each.at_s)}
    return sorted(by_url.values(), key=lambda each: (len(each.url), -each.at_s))[:TRIES]


def _asked(sample: Sent, operation: Operation, ground: Ground) -> Asked:
    """Ask in each way; raises Unclear where the answer is another one by now: then nothing is compared."""
    asked = (msgspec.structs.replace(sample, method=method, body=b"") for method in ("GET", "HEAD", "OPTIONS"))
    answers = Asked(*(ground.ask.again(each, operation) for each in asked))
    if answers.get.status != sample.status:
        raise Unclear(f"{said(answers.get)} where it answered {sample.status} before")
    return answers


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
            yield "allow", _seen(operation, "allow", title, [asked.get, answer])


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
