"""Sliding windows: how much is admitted in any stretch of time that is shorter than a window.

A log admits no more than its quota. A counter weighs what was admitted before the turn of its windows by how much of
that window is still within the last one: after a stretch of `s` seconds it may have given back `quota * s / window`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import LATE_S, Turn, Turns
from seatrial.throttle._scene import Scene
from seatrial.throttle._window import slack_s
from seatrial.throttle._wire import Answer, Wire


async def edge(scene: Scene, ramp: Ramp) -> None:
    """See that nothing is gained around a moment at which a window might end; raises UndecidedError, WireError."""
    (user,) = scene.cast()
    batches = await _ask(scene, scene.wire(user))
    answers = [answer for batch in batches for answer in batch]
    ramp.kinds.count(answers)
    quota = scene.policy.quota, ramp.admitted
    found = judge_stretches(scene.policy, answers, ramp.kinds, quota=max(quota))
    if not found and most_in(scene.policy, max(quota), lasted_s([*batches[-2], *batches[-1]])) >= 2 * max(quota) - 1:
        raise UndecidedError("requests around the edge of a window took too long here to tell what is too much")
    turns = _again(scene, batches)
    scene.ledger.judge("edge-bounded", [replace(defect, replay=turns) for defect in found])
    scene.ledger.journal.show("edge-bounded", batches[-2][0], batches[-2][-1], batches[-1][0], batches[-1][-1])
    if "window-resets" in scene.step.claims:
        late = judge_returns(scene.policy, answers, ramp.kinds, quota=min(quota))
        scene.ledger.judge("window-resets", [replace(defect, replay=turns) for defect in late])
        scene.ledger.journal.show("window-resets", batches[0][0], batches[-1][0], batches[-1][-1])


def _again(scene: Scene, batches: Sequence[Sequence[Answer]]) -> Turns:
    """Return the turns that send every batch again, each as long after the one before."""
    window_s, due = scene.policy.window_s, [visit.at for visit in scene.step.visits]
    waits = [0.0, *(window_s * (at - before) + LATE_S for before, at in pairwise(due))]
    return tuple(
        Turn(answers=(batch[0],), times=len(batch), after_s=wait_s)
        for batch, wait_s in zip(batches, waits, strict=True)
    )


async def _ask(scene: Scene, wire: Wire) -> list[list[Answer]]:
    """Send each batch when it is due, counted from the first answer, with which a window may begin."""
    batches: list[list[Answer]] = []
    since_s, first, window_s = time.monotonic(), scene.step.visits[0], scene.policy.window_s
    for visit in scene.step.visits:
        await scene.sleep_until(since_s + visit.at * window_s)
        batches.append(await scene.send(wire, visit.requests))
        since_s = batches[0][0].received.s + slack_s(scene.policy) - first.at * window_s
    return batches


def most_in(policy: Policy, quota: int, seconds: float) -> float:
    """Return how many requests may be admitted in so many seconds of whatever beginning."""
    short = seconds + slack_s(policy) < policy.window_s
    return replace(policy, quota=quota).at_most(seconds) if short else math.inf


def judge_stretches(policy: Policy, answers: Sequence[Answer], kinds: Kinds, *, quota: int) -> list[Defect]:
    """Return whether certainly too much was admitted between any two answers of one client, in order."""
    admitted = list(filter(kinds.admitted, answers))
    for number, first in enumerate(admitted):
        for count, last in enumerate(admitted[number + quota :], quota + 1):
            seconds = last.received.s - first.sent.s
            if count > most_in(policy, quota, seconds):
                title = f"{count} requests were admitted within {seconds:.2f} s, the quota of {quota} is one of any"
                return [Defect("edge-burst", f"{title} {policy.window_s:g} s", (first, admitted[number + quota], last))]
    return []


def judge_returns(policy: Policy, answers: Sequence[Answer], kinds: Kinds, *, quota: int) -> list[Defect]:
    """Return whether a log refused what was certainly within the quota: less was admitted in the window before it."""
    for number, refused in enumerate(answers):
        since_s = refused.sent.s - policy.window_s - slack_s(policy)
        within = [a for a in answers[:number] if kinds.admitted(a) and a.received.s >= since_s]
        if kinds.rejected(refused) and len(within) < quota:
            title = f"a request is refused although {len(within)} were admitted in the last {policy.window_s:g} s"
            return [Defect("window-too-long", title, (answers[0], refused))]
    return []
