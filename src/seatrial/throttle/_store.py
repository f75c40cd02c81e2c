"""The store of the counts is restarted, freezes, and stops: afterwards limits hold as exactly as before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from seatrial.throttle._claims import Defect, judge_quota, turning
from seatrial.throttle._deep import TROUBLES
from seatrial.throttle._first import Ramp
from seatrial.throttle._keys import crowd
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import Turn
from seatrial.throttle._scene import Scene
from seatrial.throttle._wire import Answer, WireError

RECOVERY_S, POLL_S = 20.0, 1.0


async def store(scene: Scene, ramp: Ramp) -> None:
    """See that a fresh client gets exactly its quota after each trouble; raises UndecidedError, WireError."""
    for verb, back in TROUBLES:
        scene.progress(f"the store: {verb}")
        await _trouble(scene, verb, back)
        answers = await _until_exact(scene, ramp, verb)
        if answers is None:
            raise UndecidedError(f"nobody is served {RECOVERY_S:g} s after {scene.policy.settings.store}: {verb}")
        wrong = _wrong(scene, answers, ramp.kinds, verb)
        scene.ledger.journal.show("store-returns", answers[0], answers[-1])
        scene.ledger.judge("store-returns", wrong)
        if wrong:
            return


async def _trouble(scene: Scene, verb: str, back: str) -> None:
    """Bring the store into trouble, let some ask meanwhile, and end it."""
    control = scene.means.control
    if control is None:
        raise UndecidedError("nobody can stop the store of this target")
    await asyncio.to_thread(control, verb)
    try:
        await _ask_some(scene, verb)
    finally:
        if back:
            await asyncio.to_thread(control, back)


async def _ask_some(scene: Scene, verb: str) -> None:
    """Let clients ask; what they are told is the business of ratelimit.store-down."""
    try:
        await crowd(scene, scene.step.visit(f"during {verb}"))
    except UndecidedError:
        return


async def _until_exact(scene: Scene, ramp: Ramp, verb: str) -> Sequence[Answer] | None:
    """Fill the quota of ever new clients until one gets exactly that; return the last one's answers, None for none."""
    deadline_s, last = time.monotonic() + RECOVERY_S, None
    kind = scene.step.visit(f"after {verb}").client.kind
    while time.monotonic() < deadline_s:
        try:
            answers, _ = await scene.ramp(scene.wire(scene.another(kind)), anonymous=bool(scene.plan.no_users))
            ramp.kinds.count(answers)
        except (UndecidedError, WireError):
            answers = None
        last = answers or last
        if answers and exact(scene.policy, answers, ramp.kinds):
            break
        await asyncio.sleep(POLL_S)
    return last


def exact(policy: Policy, answers: Sequence[Answer], kinds: Kinds) -> bool:
    """Return whether a fresh client got its quota; whose window may have ended meanwhile, others show it instead."""
    return not judge_quota(policy, answers, kinds, how="", most=policy.quota if policy.renews else None)


def _wrong(scene: Scene, answers: Sequence[Answer], kinds: Kinds, verb: str) -> list[Defect]:
    if exact(scene.policy, answers, kinds):
        return []
    store = scene.policy.settings.store
    title = f"{RECOVERY_S:g} s after {store} ({verb}), {kinds.count(answers)} of {len(answers)} requests are admitted"
    turns = (
        Turn(told=f"{verb} {store}, let a few clients ask, have it work again and wait {RECOVERY_S:g} s"),
        Turn(answers=(answers[0],), times=len(answers)),
    )
    title = f"{title}, the quota is {scene.policy.quota}"
    return [Defect(f"inexact-after-{verb}", title, turning(answers, kinds), turns)]
