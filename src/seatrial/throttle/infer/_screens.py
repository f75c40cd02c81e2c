"""Ways round a limit, tried on a client whose quota is used up, and confirmed with one that is fresh.

A request that is refused is its own control: the quota is still used up. One that is admitted stands between refusals,
and counts only when a fresh client gets more than its quota and one in that way.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seatrial.throttle._answers import Headers
from seatrial.throttle._variants import TENANTS, TRAITS, address_claims
from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._lab import Lab, OpenError, Record


@dataclass(frozen=True, slots=True)
class Variant:
    """One request that may be counted elsewhere; `alternates` where there are few of its kind, not any number."""

    defect: str
    path: str = ""
    method: str = ""
    extra: Headers = ()
    alternates: bool = False


Maker = Callable[[], Variant]
"""Makes a variant that was not sent before."""


def makers(lab: Lab, source: random.Random) -> Iterator[Maker]:
    """Return every way that is tried, each as something that makes requests of its kind."""
    task = lab.task
    own = {name.lower() for client in lab.clients[:1] for name in (*task.headers, *client.person.headers)}
    for cause, make in address_claims():
        yield lambda cause=cause, make=make: Variant(cause, extra=make(source))  # type: ignore[misc]
    for cause, names in (("tenant-header", TENANTS), ("client-trait", TRAITS)):
        for name in names:
            if name.lower() not in own:
                yield lambda cause=cause, name=name: Variant(cause, extra=((name, _word(source)),))  # type: ignore[misc]
    if "authorization" not in own:
        yield lambda: Variant("junk-token", extra=(("Authorization", f"Bearer {_word(source)}"),))
    yield lambda: Variant("query-in-key", path=_with_query(task.path, source))
    if task.template:
        yield lambda: Variant("path-parameter-in-key", path=task.template.replace("{i}", str(source.randrange(10**9))))
    yield from _spellings(task.path)
    if task.method == "GET" and not (lab.looks and lab.looks.by_body):
        yield lambda: Variant("method", method="HEAD", alternates=True)


def _word(source: random.Random) -> str:
    return f"seatrial{source.randrange(10**9)}"


def _with_query(path: str, source: random.Random) -> str:
    return f"{path}{'&' if '?' in path else '?'}seatrial={source.randrange(10**9)}"


def _spellings(whole: str) -> Iterator[Maker]:
    path, mark, query = whole.partition("?")
    last = path.rstrip("/").rpartition("/")[2]
    encoded = f"{path[: len(path.rstrip('/')) - len(last)]}%{ord(last[0]):02X}{last[1:]}" if last else ""
    found = (f"{path}/", f"/{path}", f"/.{path}", path.upper(), path.lower(), encoded, f"{path};a=b", f"{path}%20")
    for spelling in dict.fromkeys(found):
        if spelling and spelling != path:
            text = spelling + mark + query
            yield lambda text=text: Variant("path-spelling", path=text, alternates=True)  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A way that seems to work, and what was admitted that way: elsewhere if it does."""

    maker: Maker
    answers: tuple[Answer, ...]


async def screen(lab: Lab, record: Record) -> list[Suspect]:
    """Try every way on a client whose quota is used up, and return those that seem to work; raises SpentError."""
    suspects: dict[str, Suspect] = {}
    record.screened = True
    for maker in makers(lab, lab.random):
        if maker().defect not in suspects and (answers := await _works(lab, record, maker)):
            suspects[maker().defect] = Suspect(maker, answers)
    return list(suspects.values())


async def _works(lab: Lab, record: Record, maker: Maker) -> tuple[Answer, ...]:
    """Return what is admitted twice, with refusals before, between and after; else nothing."""
    admitted: list[Answer] = []
    for _ in range(2):
        answer = await _try(lab, record, maker())
        if not _same_handler(lab, record, answer):
            break
        admitted.append(answer)
        control = await lab.ask(record)
        if lab.looks and not lab.looks.refused(control):
            break
    else:
        return tuple(admitted)
    record.answers += admitted  # quota came back by itself, and was taken
    return ()


async def _try(lab: Lab, record: Record, variant: Variant) -> Answer:
    answer = await lab.send(record.client, path=variant.path, method=variant.method, extra=variant.extra)
    if lab.looks and lab.looks.refused(answer):
        record.answers.append(answer)  # it was counted like any other
    return answer


def _same_handler(lab: Lab, record: Record, answer: Answer) -> bool:
    """Tell whether an answer is what this client had before it was refused, not another page or an error."""
    if lab.looks is None or not lab.looks.admitted(answer):
        return False
    first = record.answers[0]
    kinds = [one.values("Content-Type")[:1] for one in (first, answer)]
    # Bodies may carry what was asked for, so that their kind has to do: to the letter, as a page from a file may lack
    # the charset that a handler names. A proof looks at bodies too, so that media types do there (`_handler.alike`).
    return kinds[0] == kinds[1]


async def confirm(lab: Lab, maker: Maker, quota: int, *, refill_per_s: float) -> tuple[int, int]:
    """Go that way as a fresh client, and return how many were admitted, of how many that it may be.

    Raises OpenError where neither is certain.
    """
    async with lab.fresh() as client:
        record = lab.record(client)
        record.left_out = True
        answers: list[Answer] = []
        for number in itertools.count():
            variant = maker()
            plain = variant.alternates and number % 2 == 0
            answers.append(
                await lab.send(client)
                if plain
                else await lab.send(client, path=variant.path, method=variant.method, extra=variant.extra)
            )
            admitted = sum(bool(lab.looks and lab.looks.admitted(answer)) for answer in answers)
            lasted_s = answers[-1].received.s - answers[0].sent.s
            most = quota + 1 + int(refill_per_s * lasted_s + 1) * (refill_per_s > 0)
            if admitted > most or number > 4 * quota + 20:
                return admitted, most
            if not variant.alternates and lab.looks and lab.looks.refused(answers[-1]):
                return admitted, most
            if lab.looks and all(lab.looks.refused(answer) for answer in answers[-4:]):
                return admitted, most
    raise OpenError("no fresh client")
