"""The phases that see the whole quota come back: once nothing counts any more, and at an end that is met."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, judge_again, lasted_s
from seatrial.throttle._clients import UsedUp, use_up
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import LATE_S, Turn
from seatrial.throttle._returns import ASKS
from seatrial.throttle._scene import Scene
from seatrial.throttle._window import slack_s
from seatrial.throttle._wire import Answer

CLAIM = "window-resets"
REMEMBERED = 2
"""Windows that a counter remembers."""


async def whole(scene: Scene, _ramp: Ramp) -> None:
    """See that no more is back than may be, and everything once nothing counts; raises UndecidedError, WireError."""
    (client,) = scene.cast()
    first, again = scene.step.visits
    await scene.sleep_until(time.monotonic() + first.at * scene.policy.window_s)
    used = await _used_up(scene, client)
    waited = again.at - first.at
    await scene.sleep_until(
        _last(used).received.s + waited * scene.policy.window_s + REMEMBERED * slack_s(scene.policy)
    )
    answers = await scene.send(used.wire, again.requests)
    scene.ledger.journal.show(CLAIM, used.answers[0], answers[0], answers[-1])
    scene.ledger.judge(
        CLAIM, judge_whole(scene.policy, used, answers, surplus=scene.ledger.surplus(scene.policy.quota))
    )


async def _used_up(scene: Scene, client: Identity) -> UsedUp:
    used = await use_up(scene, client, anonymous=bool(scene.plan.no_users))
    if used.rejection is None:
        raise UndecidedError("nothing was rejected")
    return used


def _last(used: UsedUp) -> Answer:
    """Return the last answer that was admitted."""
    return [answer for answer in used.answers if used.kinds.admitted(answer)][-1]


def judge_whole(policy: Policy, used: UsedUp, answers: Sequence[Answer], *, surplus: int) -> list[Defect]:
    """Return whether too much came back, or too little once nothing counts; a wrong quota is another claim."""
    admitted, every = used.kinds.count(answers), [*used.answers, *answers]
    waited_s, since_s = answers[0].sent.s - _last(used).received.s, answers[0].sent.s - every[0].sent.s
    again = Turn(answers=(answers[0],), times=len(answers), after_s=since_s + LATE_S)
    turns, shown = (Turn(answers=(every[0],), times=policy.shows), again), (every[0], answers[0], answers[-1])
    title = f"{admitted} of {len(answers)} requests are admitted {waited_s:.2f} s after a quota was used up"
    if used.kinds.count(every) > policy.at_most(lasted_s(every)) + surplus:
        return [Defect("window-too-short", f"{title}, the window is {policy.window_s:g} s", shown, turns)]
    windows = REMEMBERED if policy.weighs else 1
    # What came back while it was used up does so again, or not.
    wanted = min(policy.quota, used.kinds.count(used.answers) - math.floor(policy.back(lasted_s(used.answers))))
    if waited_s > windows * policy.window_s and admitted < wanted:
        return [Defect("window-too-long", f"{title}, though no more than {windows} counts", shown, turns)]
    return []


async def two_ends(scene: Scene, ramp: Ramp) -> None:
    """See that a client's windows end a window apart, each with the whole quota; raises UndecidedError, WireError."""
    (client,) = scene.cast()
    used, window_s, slack = await _used_up(scene, client), scene.policy.window_s, slack_s(scene.policy)
    last, met = await _meet(scene, used)
    if met is None:
        scene.ledger.judge(CLAIM, [_too_long(scene.policy, _last(used), last)])
        return
    again = [met, *await scene.send(used.wire, scene.policy.ramp - 1)]
    early_s = last.sent.s + window_s - slack
    await scene.sleep_until(last.sent.s + (scene.step.visit("just before the end").at - 1) * window_s)
    (early,) = await scene.send(used.wire)
    if early.received.s >= early_s:
        raise UndecidedError("the second window's requests did not fit into one window here")
    scene.ledger.judge(CLAIM, judge_again(scene.policy, again, ramp.kinds, before=ramp.admitted, waited_s=window_s))
    if ramp.kinds.admitted(early) and ramp.kinds.rejected(again[-1]):
        scene.ledger.judge(CLAIM, [_too_short(scene.policy, met, early)])
        return
    await scene.sleep_until(met.received.s + window_s + slack)
    (late,) = await scene.send(used.wire)
    ramp.kinds.count([early, late])
    scene.ledger.journal.show(CLAIM, last, met, early, late)
    scene.ledger.judge(CLAIM, [_too_long(scene.policy, met, late)] if ramp.kinds.rejected(late) else [])


async def _meet(scene: Scene, used: UsedUp) -> tuple[Answer, Answer | None]:
    """Ask until a client is served again, and return the refusal before, and that; None where it never is in time."""
    last, window_s = used.answers[-1], scene.policy.window_s
    # A window may have ended while the quota was taken: what was admitted last is in the one that ends now.
    until_s = _last(used).received.s + window_s + slack_s(scene.policy)
    while last.sent.s <= until_s:
        await scene.sleep_until(min(time.monotonic() + window_s / ASKS, until_s))
        (answer,) = await scene.send(used.wire)
        used.kinds.count([answer])
        if used.kinds.admitted(answer):
            return last, answer
        last = answer
    return last, None


def _too_long(policy: Policy, admitted: Answer, refused: Answer) -> Defect:
    waited_s = refused.sent.s - admitted.sent.s
    title = f"nothing is admitted {waited_s:.2f} s after a request that was admitted, a window is {policy.window_s:g} s"
    once = Turn(answers=(admitted,), times=policy.shows)
    return Defect(
        "window-too-long", title, (admitted, refused), (once, Turn(answers=(refused,), after_s=waited_s + LATE_S))
    )


def _too_short(policy: Policy, first: Answer, early: Answer) -> Defect:
    lasted_s = early.received.s - first.sent.s
    title = f"a window lasted less than {lasted_s:.2f} s, declared are {policy.window_s:g} s"
    once = Turn(answers=(first,), times=policy.shows)
    return Defect("window-too-short", title, (first, early), (once, replace(once, times=1, after_s=lasted_s)))
