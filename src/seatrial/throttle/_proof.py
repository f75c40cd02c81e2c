"""The proof follows its schedule: each step begins when the one that it waits for lets it, as clients of its own.

A global bucket shows in the first step; nothing else means anything then, and it is not tried. Several instances that
count apart show there too: whoever is refused by one is admitted by another, so that no refusal means anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from seatrial.throttle._clients import by_address, exempt
from seatrial.throttle._comparing import cost, noise
from seatrial.throttle._costs import counted, free
from seatrial.throttle._deep import WATCHES
from seatrial.throttle._edges import QUARTERS
from seatrial.throttle._first import NOTHING_REJECTED, Ramp, fill_quota, judge_ramp
from seatrial.throttle._habits import refusals, use
from seatrial.throttle._keys import keys, watch
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._relations import network, one_user, refused_counted, victim
from seatrial.throttle._replicas import BLOCKS, CAUSE
from seatrial.throttle._returns import MOST
from seatrial.throttle._scene import Scene, SpentError
from seatrial.throttle._screen import Screening, parameters, screen
from seatrial.throttle._sliding import edge
from seatrial.throttle._step import Step
from seatrial.throttle._store import store
from seatrial.throttle._variants import Who
from seatrial.throttle._volley import under_load, volley
from seatrial.throttle._waits import burst, one_write, retry_after, window_end
from seatrial.throttle._whole import two_ends, whole
from seatrial.throttle._wire import WireError

ALONE = frozenset({"exempt", "addresses"})
"""Steps that mean something also where several instances count apart."""

Phase = Callable[[Scene, Ramp], Awaitable[None]]


class Proof:
    """One policy against one target."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ramps: list[Ramp] = []

    async def run(self) -> Ledger:
        """Prove every claim of the schedule; raises TimeoutError or SpentError when a budget ends."""
        try:
            async with asyncio.timeout(self._scene.plan.budget_s):
                await self._run()
        finally:
            await self._scene.close()
        return self._scene.ledger

    async def _run(self) -> None:
        first, *rest = self._scene.schedule.steps
        scene = self._scene.at(first)
        scene.progress("filling one user's quota")

        async def fill() -> None:
            self._ramps += filter(None, [await fill_quota(scene)])

        decided = await scene.attempt(first.claims, fill)
        scene.go_on()
        if decided and self._ramps and not scene.ledger.defects["isolation"]:
            judge_ramp(scene, self._ramps[-1])
            await self._follow([step for step in rest if self._means_something(step)])

    def _means_something(self, step: Step) -> bool:
        """Return whether a step does; block what it would decide where several instances count apart."""
        ledger = self._scene.ledger
        apart = any(defect.cause == CAUSE for defect in ledger.defects["quota-exact"])
        if not apart or step.name in ALONE:
            return True
        ledger.block(step.claims, BLOCKS)
        self._scene.at(step).go_on()
        return False

    async def _follow(self, steps: list[Step]) -> None:
        """Take every step when its time has come; what ends one of them early ends all."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for step in steps:
                    tasks.create_task(self._take(step))
        except* SpentError as group:
            raise SpentError from group

    async def _take(self, step: Step) -> None:
        scene, ramp = self._scene.at(step), self._ramps[-1]
        await scene.begin()
        try:
            if step.refusals and not ramp.rejections:
                scene.ledger.block(step.claims, NOTHING_REJECTED)
            else:
                await JOBS[step.name](scene, ramp)
        finally:
            scene.go_on()


def attempted(phase: Phase) -> Phase:
    """Return a job that makes a phase decide the claims of its step."""

    async def job(scene: Scene, ramp: Ramp) -> None:
        await scene.attempt(scene.step.claims, partial(phase, scene, ramp))

    return job


async def _window(scene: Scene, ramp: Ramp) -> None:
    """Ask for everything at once, and again when the window has ended."""
    claims = list(scene.step.claims)

    async def phase() -> None:
        first = await burst(scene, ramp)
        claims[:] = claims[-1:] if len(scene.step.claims) > 1 else []
        scene.go_on()
        if ramp.rejections and len(scene.step.claims) > 1:
            scene.progress(f"waiting for a window of {scene.policy.window_s:g} s to end")
            await window_end(scene, ramp, first)

    await scene.attempt(claims, phase)


async def _one_write(scene: Scene, ramp: Ramp) -> None:
    try:
        await one_write(scene, ramp)
    except (UndecidedError, WireError) as error:
        # Taking requests in one write is nothing that a policy promises.
        scene.ledger.notes.append(f"the quota was not asked for in one write: {error}")


def _of_addresses(phase: Phase) -> Phase:
    """Return a job for a phase that means nothing where addresses are not limited each for itself."""

    async def job(scene: Scene, ramp: Ramp) -> None:
        if scene.ledger.defects.get("anonymous-by-address"):
            scene.ledger.block(scene.step.claims, "ratelimit.anonymous-by-address failed")
        else:
            await attempted(phase)(scene, ramp)

    return job


def _screen(who: Who) -> Phase:
    async def job(scene: Scene, _ramp: Ramp) -> None:
        screening = Screening.of(scene, who)
        await scene.attempt(scene.step.claims, partial(screen, scene, screening))

    return job


JOBS: Mapping[str, Phase] = {
    "window": _window,
    "one write": _one_write,
    "use": attempted(use),
    **{f"edge {number}": attempted(edge) for number in range(QUARTERS + 1)},
    **{f"again {number}": attempted(whole) for number in range(1, MOST + 1)},
    "two ends": attempted(two_ends),
    "Retry-After": attempted(retry_after),
    "refusals": attempted(refusals),
    "exempt": attempted(exempt),
    "statuses that count": attempted(counted),
    "free statuses": attempted(free),
    "addresses": attempted(by_address),
    "bad tokens": _of_addresses(refused_counted),
    "network": _of_addresses(network),
    "screen nobody": _screen("nobody"),
    "screen user": _screen("user"),
    "resources": attempted(parameters),
    "one user": attempted(one_user),
    "victim": attempted(victim),
    "cost": attempted(cost),
    "noise": attempted(noise),
    "volley": attempted(volley),
    "load": attempted(under_load),
    "refusals in two windows": attempted(refusals),
    **{f"watch {number}": attempted(watch) for number in range(1, WATCHES + 1)},
    "keys": attempted(keys),
    "store": attempted(store),
}
"""What each step but the first does."""
