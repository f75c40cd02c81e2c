"""Limiters that refuse nothing to a client that asks one by one: none, a queue, or a limit of what runs at once."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from itertools import pairwise

from seatrial.throttle._kinds import ERROR
from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._first import searched
from seatrial.throttle.infer._found import CONCURRENCY, NOT_LIMITED, QUEUE, Found
from seatrial.throttle.infer._lab import PAUSE_S, Client, Lab, Record
from seatrial.throttle.infer._probes import burst, volley

AT_ONCE = 64
OTHERS = 3
QUEUED = 3
"""So many of a client's requests must be overtaken by ones of another client that were sent after them."""
AGAIN = 2
"""A quota is used up by one burst; what runs at once is over after each."""


async def look_for_others(lab: Lab, found: Found, record: Record, *, finally_: bool) -> bool:
    """Ask for much at once, and tell from what is refused or late; raises SpentError.

    Returns whether that decided anything, or nothing can; `finally_` when nothing else will be tried.
    """
    before = [answer.received.s - answer.sent.s for answer in record.answers]
    async with lab.fresh() as client:
        served, refused = _parted(record, await volley(lab, client, AT_ONCE))
        took = [answer.received.s - answer.sent.s for answer in served]
        steps = [later.received.s - sooner.received.s for sooner, later in pairwise(served)] or [0.0]
        # What leaves a queue does so no faster when much is in it.
        steady = statistics.median(steps) > statistics.median(before[1:] or before) / 2
        waited = steady and sum(one > 2 * max(before[1:] or before) for one in took) >= QUEUED
        fewer = not waited and refused and 0 < len(served) < len(record.answers)
        again = await _again(lab, record, client) if fewer else []
    if waited and await _is_overtaken(lab, statistics.median(took)):
        _queue(found, served, refused)
    elif waited and not refused:
        found.close("answers come ever later: that may be a queue, or a server that is slow for everybody")
    elif again and all(2 * len(later) >= len(served) for later, _ in again):
        _at_once(found, record, [(served, refused), *again])
    elif finally_:
        _nothing(lab, found, record, refused)
    else:
        return False
    return True


Parted = tuple[list[Answer], list[Answer]]
"""What was served, in the order of receipt, and what was refused."""


def _parted(record: Record, answers: Sequence[Answer]) -> Parted:
    usual = record.answers[0].status
    served = sorted((answer for answer in answers if answer.status == usual), key=lambda answer: answer.received.s)
    return served, [answer for answer in answers if answer.status >= ERROR and answer.status != usual]


async def _again(lab: Lab, record: Record, client: Client) -> list[Parted]:
    """Ask for as much at once again as a client that was just refused: where a quota is used up, little is served."""
    return [_parted(record, await volley(lab, client, AT_ONCE)) for _ in range(AGAIN)]


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
    found.learn("algorithm", QUEUE, "fitted", proof=proof, answers=served)
    found.learn("refill_per_s", round(1 / pace_s, 3), "fitted", between=(1 / high, 1 / max(low, 1e-6)), proof=proof)
    found.show("refill_per_s", served)
    if refused:
        shown = [*served, *refused]
        found.learn("burst", len(served), "proved", proof=proof, answers=shown)
        found.learn("quota", len(served), "proved", proof=proof, answers=shown)
        found.learn("window_s", round(len(served) * pace_s, 3), "fitted", proof=proof, answers=shown)
        _status(found, refused)
    else:
        found.leave_open("quota", f"nothing was refused of {len(served)} at once: the queue is longer")
        found.leave_open("window_s", "a queue has a pace, no window")


def _at_once(found: Found, record: Record, bursts: Sequence[Parted]) -> None:
    """Note a limit of what runs at once: served again and again at once, more in all than a quota would be."""
    (served, refused), (later, _) = bursts[:2]
    apart_s = min(answer.sent.s for answer in later) - min(answer.sent.s for answer in served)
    proof = (
        f"{' and '.join(str(len(one)) for one, _ in bursts)} of {AT_ONCE} at once served, one burst after the other, "
        f"and one by one all of {len(record.answers)}: no quota of a window longer than {apart_s:.2f} s does that"
    )
    shown = [answer for some in bursts for part in some for answer in part]
    found.learn("algorithm", CONCURRENCY, "fitted", proof=proof, answers=shown)
    if all(_certain(*one) for one in bursts):
        found.learn("quota", len(served), "fitted", proof=proof, answers=shown)
    else:
        found.leave_open("quota", f"some of the {len(served)} that were served had ended before others were refused")
    found.learn(
        "window_s", None, "fitted", proof="what runs at once is limited, not what comes in a time", answers=shown
    )
    _status(found, refused)


def _certain(served: Sequence[Answer], refused: Sequence[Answer]) -> bool:
    """Return whether every refusal came before the first answer was done."""
    first_done_s = min((answer.received.s for answer in served), default=0.0)
    return all(answer.received.s < first_done_s for answer in refused)


def _status(found: Found, refused: Sequence[Answer]) -> None:
    status = refused[0].status
    found.learn("status", status, "proved", proof="refused at once", answers=refused[:1])
    if status != 429:  # noqa: PLR2004 - RFC 6585
        found.blame(f"status-{status}", f"a refusal has status {status}")


def _nothing(lab: Lab, found: Found, record: Record, refused: Sequence[Answer]) -> None:
    """Note that there is no limit where so many requests were sent that one would have shown, else that it is open."""
    answers = record.answers
    lasted_s = answers[-1].received.s - answers[0].sent.s
    proof = f"{len(answers)} requests in {lasted_s:.1f} s one by one: nothing was refused"
    if refused:
        found.close(
            f"{proof}; {len(refused)} of {AT_ONCE} at once were, once: a quota above that, or what runs at once"
        )
    elif len(answers) < searched(record):
        found.close(
            f"{proof}, and {lab.task.max_requests} requests in {lab.task.max_s:g} s allow no more: a larger quota "
            f"looks the same, and {searched(record)} would tell (--max-requests, --max-seconds)"
        )
    else:
        for name in ("algorithm", "quota", "window_s"):
            value = NOT_LIMITED if name == "algorithm" else None
            found.learn(
                name, value, "fitted", proof=f"{proof}, nor of {AT_ONCE} at once; a larger quota looks the same"
            )
        found.blame("unlimited", proof)
