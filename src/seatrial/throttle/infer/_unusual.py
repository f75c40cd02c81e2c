"""Limiters that refuse nothing to a client that asks one by one: none, a queue, or a limit of what runs at once."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from itertools import pairwise

from seatrial.throttle._kinds import ERROR
from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._found import CONCURRENCY, NOT_LIMITED, QUEUE, Found
from seatrial.throttle.infer._lab import PAUSE_S, Lab, Record
from seatrial.throttle.infer._probes import burst

AT_ONCE = 64
OTHERS = 3
QUEUED = 3
"""So many of a client's requests must be overtaken by ones of another client that were sent after them."""


async def look_for_others(lab: Lab, found: Found, record: Record, *, finally_: bool) -> bool:
    """Ask for much at once, and tell from what is refused or late; raises SpentError.

    Returns whether that decided anything; `finally_` when nothing else will be tried.
    """
    before = [answer.received.s - answer.sent.s for answer in record.answers]
    answers = await burst(lab, AT_ONCE)
    usual = record.answers[0].status
    refused = [answer for answer in answers if answer.status >= ERROR and answer.status != usual]
    served = sorted((answer for answer in answers if answer.status == usual), key=lambda answer: answer.received.s)
    took = [answer.received.s - answer.sent.s for answer in served]
    steps = [later.received.s - sooner.received.s for sooner, later in pairwise(served)] or [0.0]
    # What leaves a queue does so no faster when much is in it.
    steady = statistics.median(steps) > statistics.median(before[1:] or before) / 2
    waited = steady and sum(one > 2 * max(before[1:] or before) for one in took) >= QUEUED
    if waited and await _is_overtaken(lab, statistics.median(took)):
        _queue(found, served, refused)
    elif waited and not refused:
        found.close("answers come ever later: that may be a queue, or a server that is slow for everybody")
    elif refused:
        _at_once(found, served, refused)
    elif finally_:
        _unlimited(found, record)
    else:
        return False
    return True


async def _is_overtaken(lab: Lab, usual_s: float) -> bool:
    """Tell whether another client is served sooner while one asks for much; False where there is nobody else."""
    if len(lab.clients) < OTHERS:
        return False
    _, took_s = await asyncio.gather(burst(lab, AT_ONCE), _beside(lab))
    return took_s < usual_s


async def _beside(lab: Lab) -> float:
    async with lab.fresh() as client:
        await asyncio.sleep(PAUSE_S)
        answer = await lab.send(client)
    return answer.received.s - answer.sent.s


def _queue(found: Found, served: Sequence[Answer], refused: Sequence[Answer]) -> None:
    """Note a queue: answers leave it at a steady pace, and what does not fit in is refused."""
    steps = [later.received.s - sooner.received.s for sooner, later in pairwise(served)]
    pace_s = statistics.median(steps)
    low, high = min(steps[1:] or steps), max(steps)
    proof = f"{len(served)} of {len(served) + len(refused)} at once served, one every {pace_s:.3f} s"
    found.learn("algorithm", QUEUE, "fitted", proof=proof)
    found.learn("refill_per_s", round(1 / pace_s, 3), "fitted", between=(1 / high, 1 / max(low, 1e-6)), proof=proof)
    if refused:
        found.learn("burst", len(served), "proved", proof=proof)
        found.learn("quota", len(served), "proved", proof=proof)
        found.learn("window_s", round(len(served) * pace_s, 3), "fitted", proof=proof)
        _status(found, refused)
    else:
        found.leave_open("quota", f"nothing was refused of {len(served)} at once: the queue is longer")
        found.leave_open("window_s", "a queue has a pace, no window")


def _at_once(found: Found, served: Sequence[Answer], refused: Sequence[Answer]) -> None:
    """Note a limit of what runs at once: every refusal came before the first answer was done."""
    first_done_s = min(answer.received.s for answer in served) if served else 0.0
    certain = all(answer.received.s < first_done_s for answer in refused)
    proof = f"{len(served)} of {len(served) + len(refused)} at once served, one by one all of them"
    found.learn("algorithm", CONCURRENCY, "proved" if certain else "fitted", proof=proof)
    if certain:
        found.learn("quota", len(served), "proved", proof=proof)
    else:
        found.leave_open("quota", f"some of the {len(served)} that were served had ended before others were refused")
    found.learn("window_s", None, "proved", proof="what runs at once is limited, not what comes in a time")
    _status(found, refused)


def _status(found: Found, refused: Sequence[Answer]) -> None:
    status = refused[0].status
    found.learn("status", status, "proved", proof="refused at once")
    if status != 429:  # noqa: PLR2004 - RFC 6585
        found.blame(f"status-{status}", f"a refusal has status {status}")


def _unlimited(found: Found, record: Record) -> None:
    answers = record.answers
    lasted_s = answers[-1].received.s - answers[0].sent.s
    proof = f"{len(answers)} requests in {lasted_s:.1f} s one by one, and {AT_ONCE} at once: nothing was refused"
    found.learn("algorithm", NOT_LIMITED, "proved", proof=proof)
    for name in ("quota", "window_s"):
        found.learn(name, None, "proved", proof=proof)
    found.blame("unlimited", proof)
