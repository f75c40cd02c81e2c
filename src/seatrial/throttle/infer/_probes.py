"""What is done to one client: use its quota up, ask until it is back, spread it over a window, leave it alone."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._bell import Bell
from seatrial.throttle.infer._lab import Client, Lab, Record
from seatrial.throttle.infer._told import expected_end_s, read_told

BEYOND = 2
MANY = 2
IN_A_ROW = 8
SPARE = 3
FIRST_POLL_S = 0.02
EARLY = (0.15, 0.3, 0.45, 0.6, 0.75, 0.88)
"""Few questions until quota is said to come back: it may come back sooner."""
COARSE, FINE, DOUBLING = 1.05, 0.02, 2.0
DENSE = 12
"""So many questions fit into the second that a header's whole number leaves open."""
RETURNS = 4
"""After so many returns of its quota a client has told what it can: little by little, or at two ends and more."""
LATE = 2.2
"""A sliding counter that counts refusals may need two windows; after that, questions become rare."""
WHOLE_S = 1.05
LONGEST = 1.35
AFTER, RARER = (1.1, 2.2), 2.5
"""A tenth of a window after its end, a sliding counter gives a tenth back."""


async def fill(lab: Lab, record: Record, *, most: int) -> int:
    """Ask until the first refusal, and return how many were admitted; raises SpentError, GoneError.

    Where several instances count for themselves, it takes refusals in a row to see that each of them is used up.
    """
    began, in_a_row = len(record.answers), 0
    enough = 1 if lab.replicas < MANY else IN_A_ROW * lab.replicas
    for _ in range(most * lab.replicas + enough):
        answer = await lab.ask(record, anew=lab.replicas >= MANY)
        in_a_row = in_a_row + 1 if lab.looks and lab.looks.refused(answer) else 0
        if in_a_row == enough:
            break
    found = record.answers[began:]
    record.answers[began:] = _in_order(lab, found)
    return sum(bool(lab.looks and lab.looks.admitted(answer)) for answer in found)


def _in_order(lab: Lab, answers: Sequence[Answer]) -> list[Answer]:
    """Return answers without refusals by one instance while another one still admitted."""
    admitted = [number for number, answer in enumerate(answers) if lab.looks and lab.looks.admitted(answer)]
    last = admitted[-1] if admitted and lab.replicas >= MANY else -1
    return [answer for number, answer in enumerate(answers) if number > last or number in admitted]


def moments(began_s: float, now_s: float, expected_s: float | None) -> Iterator[float]:
    """Return when to ask, on the steady clock: dense where quota is said to come back, ever rarer where nothing is."""
    at_s, wait_s = now_s, (expected_s or now_s) - began_s
    if expected_s and wait_s > 2 * FIRST_POLL_S:
        dense_s = max(expected_s - max(WHOLE_S, wait_s * 0.02), began_s + wait_s * 0.3)
        yield from (m for share in EARLY if now_s < (m := began_s + share * wait_s) < dense_s)
        at_s = max(at_s, dense_s)
        step_s = max(FIRST_POLL_S / 2, wait_s * FINE, (expected_s - dense_s) / DENSE)
        while at_s < expected_s + step_s * 5:
            yield at_s
            at_s += step_s
    while True:
        since_s = at_s - began_s
        late = bool(expected_s) and since_s > LATE * wait_s + 1
        at_s = began_s + max(since_s * (DOUBLING if late else COARSE), since_s + FIRST_POLL_S)
        yield at_s


async def poll(
    lab: Lab,
    record: Record,
    *,
    most: int,
    until: Callable[[], float] = lambda: math.inf,
    since_s: float | None = None,
) -> None:
    """Ask until the client is admitted again, then take what there is; raises SpentError, GoneError.

    Where nothing tells when that is, each question comes so much later than the one before, as seen from `since_s`: by
    default from when the quota was used up.
    """
    began_s, expected_s = since_s or _last_fill(lab, record.answers), expected_end_s(record.answers[-1:])
    if expected_s and expected_s > lab.deadline_s:
        expected_s = None  # it may still come sooner
    for moment_s in moments(began_s, time.monotonic(), expected_s):
        if not await _lasts(until, moment_s):
            return
        await sleep_until(moment_s)
        answer = await lab.ask(record)
        if lab.looks and lab.looks.admitted(answer):
            await fill(lab, record, most=most)
            return


async def _lasts(until: Callable[[], float], moment_s: float) -> bool:
    """Wait no longer than until the end as it is known then, and return whether that is after a moment."""
    while (end_s := until()) < moment_s:
        await sleep_until(end_s)
        if until() <= end_s:
            return False
    return True


def _last_fill(lab: Lab, answers: Sequence[Answer]) -> float:
    """Return when the client began to take the quota that it has used up."""
    admitted = [answer for answer in answers if lab.looks and lab.looks.admitted(answer)]
    return admitted[-1].sent.s if admitted else answers[0].sent.s


async def sleep_until(moment_s: float) -> None:
    """Sleep until a moment of the steady clock."""
    await asyncio.sleep(max(0.0, moment_s - time.monotonic()))


async def again_and_again(lab: Lab, record: Record, quota: int, bell: Bell, *, since_s: float | None = None) -> None:
    """Ask a client whose quota is used up until it is back, take it, and so on; ring each time.

    `since_s` is when it came, where nothing tells when a window ends: it asks by that, and for as long as it is let.
    """
    for _ in range(RETURNS) if since_s is None else itertools.count():
        await poll(lab, record, most=quota + BEYOND, since_s=since_s)
        bell.ring()


async def phase(lab: Lab, quota: int, window_s: float, wait_s: float) -> None:
    """Use another client's quota up in another part of the window, and ask until it is back."""
    async with lab.fresh() as client:
        await asyncio.sleep(wait_s)
        record = lab.record(client)
        await fill(lab, record, most=quota + BEYOND)
        began_s = time.monotonic()
        # How long a window is may be told only once the first client has met the end of one.
        await poll(lab, record, most=quota + BEYOND, until=lambda: began_s + LONGEST * max(window_s, lab.told_length()))


async def spread(lab: Lab, quota: int, window_s: float) -> None:
    """Take half the quota at first, half shortly before the window ends, and count what is there after it.

    A fixed window has all of it again then, a log only the first half, a bucket what flowed in. What is told is up to a
    second too much, and both halves have to be in one window all the same.
    """
    async with lab.fresh() as client:
        record = lab.record(client, plain=False)
        began_s = time.monotonic()
        for share, count in ((0.0, quota // 2), (0.8, quota - quota // 2), (1.08, quota + BEYOND)):
            await sleep_until(began_s + share * window_s)
            for _ in range(count):
                answer = await lab.ask(record)
                if share > 1 and lab.looks and lab.looks.refused(answer):
                    break


async def twin(lab: Lab, quota: int, waits: Callable[[Record], Iterable[float]]) -> None:
    """Use a client's quota up and leave it alone: it is admitted again even where refused requests count."""
    async with lab.fresh() as client:
        record, began_s = lab.record(client), time.monotonic()
        await fill(lab, record, most=quota + BEYOND)
        for wait_s in waits(record):
            await sleep_until(began_s + wait_s)
            answer = await lab.ask(record)
            if lab.looks and lab.looks.admitted(answer):
                await fill(lab, record, most=quota + BEYOND)
                return


def ladder(lab: Lab, window_s: float | None, record: Record) -> Iterator[float]:
    """Return after what times to ask a client that is left alone: rarely, as that may count.

    That is soon after one window or two, as long as they are said to be by what was told until then.
    """
    own_s, wait_s = read_told(record.answers[-1]).reset_s or 0.0, 0.0
    while True:
        lengths = (own_s, window_s or 0.0, lab.told_length())
        told = [times * length for length in lengths for times in AFTER if times * length > wait_s * AFTER[0]]
        wait_s = min(told, default=max(1.0, wait_s * RARER))
        yield wait_s


async def pipelined(lab: Lab, quota: int) -> tuple[int, list[Answer]]:
    """Ask for more than the quota in one write, and return how many were admitted; raises SpentError, WireError."""
    async with lab.fresh() as client:
        lab.spend(quota + 1)
        answers = await client.wire.pipeline(lab.task.method, lab.task.path, quota + 1)
    return sum(bool(lab.looks and lab.looks.admitted(answer)) for answer in answers), answers


async def burst(lab: Lab, count: int) -> list[Answer]:
    """Ask for much at once as a client that nobody used before; raises SpentError."""
    async with lab.fresh() as client:
        return await volley(lab, client, count)


async def used_up_to(lab: Lab, quota: int, rest: int, count: int) -> list[Answer]:
    """Ask as a client that nobody used before until a rest of its quota is left, then for much at once."""
    async with lab.fresh() as client:
        before = [await lab.send(client) for _ in range(quota - rest)]
        return [*before, *await volley(lab, client, count)]


async def volley(lab: Lab, client: Client, count: int) -> list[Answer]:
    """Ask for much at once over as many connections, opened before; raises SpentError."""
    lab.spend(count)
    again = [lab.again(client) for _ in range(count)]
    await asyncio.gather(*(one.wire.open() for one in again), return_exceptions=True)
    found = await asyncio.gather(
        *(one.wire.send(lab.task.method, lab.task.path) for one in again), return_exceptions=True
    )
    return [answer for answer in found if isinstance(answer, Answer)]
