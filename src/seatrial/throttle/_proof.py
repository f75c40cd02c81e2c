"""The proof: clients that nobody saw before, phases that overlap, one window in all.

ramp (one user, one by one), isolation -> burst -> | window's end | Retry-After | exempt paths | anonymous | forged |
A global bucket shows in the isolation; nothing else means anything then, and it is not tried.
"""

from __future__ import annotations

import asyncio

from seatrial.throttle._clients import by_address, exempt
from seatrial.throttle._first import NOTHING_REJECTED, Ramp, fill_quota, judge_ramp
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._ledger import Ledger
from seatrial.throttle._relations import one_user, refused_counted, victim
from seatrial.throttle._scene import Scene
from seatrial.throttle._screen import Screening, claims_of, parameters, screen
from seatrial.throttle._variants import Who
from seatrial.throttle._waits import burst, one_write, retry_after, window_end
from seatrial.throttle._wire import WireError

FIRST = ("isolation", "quota-exact", "rejection-status", "headers-truthful")


class Proof:
    """One policy against one target."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._settings = scene.policy.settings
        self._burst_done = asyncio.Event()
        self._ramps: list[Ramp] = []

    async def run(self) -> Ledger:
        """Prove every claim that the plan allows; raises TimeoutError when the budget ends."""
        try:
            async with asyncio.timeout(self._scene.plan.budget_s):
                await self._run()
        finally:
            await self._scene.close()
        return self._scene.ledger

    async def _run(self) -> None:
        self._scene.progress("filling one user's quota")

        async def first(_number: int) -> None:
            self._ramps.append(await fill_quota(self._scene))

        decided = await self._scene.attempt(FIRST, first)
        if decided and not self._scene.ledger.defects["isolation"]:
            judge_ramp(self._scene, self._ramps[-1])
            phases = (
                self._windows,
                self._one_write,
                self._retry_after,
                self._exempt,
                self._anonymous,
                self._variants,
                self._relations,
            )
            await asyncio.gather(*(phase(self._ramps[-1]) for phase in phases))

    async def _windows(self, ramp: Ramp) -> None:
        """Ask for everything at once, and again when the window has ended."""
        scene, claims = self._scene, ["quota-exact", "window-resets"]

        async def phase(_number: int) -> None:
            first = await burst(scene, ramp)
            claims[:] = ["window-resets"]
            self._burst_done.set()
            if ramp.rejections and not (scene.plan.no_window or scene.plan.no_edges):
                scene.progress(f"waiting for a window of {scene.policy.window_s:g} s to end")
                await window_end(scene, ramp, first)

        try:
            await scene.attempt(claims, phase)
        finally:
            self._burst_done.set()

    async def _one_write(self, ramp: Ramp) -> None:
        await self._burst_done.wait()
        try:
            await one_write(self._scene, ramp)
        except (UndecidedError, WireError) as error:
            # Taking requests in one write is nothing that a policy promises.
            self._scene.ledger.notes.append(f"the quota was not asked for in one write: {error}")

    async def _retry_after(self, ramp: Ramp) -> None:
        if self._settings.retry_after and ramp.rejections and not self._scene.plan.no_window:
            await self._scene.attempt(("retry-after-honoured",), lambda _: retry_after(self._scene, ramp))

    async def _exempt(self, ramp: Ramp) -> None:
        await self._burst_done.wait()
        if self._settings.exempt:
            await self._scene.attempt(("health-exempt",), lambda _: exempt(self._scene, ramp))

    async def _anonymous(self, _ramp: Ramp) -> None:
        await self._burst_done.wait()
        if self._settings.anonymous_by == "address":
            await asyncio.gather(self._by_address(), self._screen("nobody"))

    async def _by_address(self) -> None:
        """See that addresses are limited, then that bad tokens do not change that."""
        scene = self._scene
        if scene.plan.no_addresses:
            return
        await scene.attempt(("anonymous-by-address",), lambda _: by_address(scene, self._ramps[-1]))
        if scene.ledger.defects.get("anonymous-by-address"):
            scene.ledger.block(("refused-counted",), "ratelimit.anonymous-by-address failed")
        else:
            await scene.attempt(("refused-counted",), lambda _: refused_counted(scene))

    async def _variants(self, ramp: Ramp) -> None:
        await self._burst_done.wait()
        if not ramp.rejections:
            self._scene.ledger.block((*claims_of(self._scene, "user"), "path-parameter-in-key"), NOTHING_REJECTED)
            return
        await self._screen("user")
        if self._settings.path_template:
            rejections = ramp.kinds.rejections
            await self._scene.attempt(("path-parameter-in-key",), lambda _: parameters(self._scene, rejections))

    async def _relations(self, ramp: Ramp) -> None:
        scene = self._scene
        await self._burst_done.wait()
        if not ramp.rejections:
            scene.ledger.block(("another-token", "another-address"), NOTHING_REJECTED)
        elif not scene.plan.no_users and "user" in self._settings.authenticated_by:
            ways = ("another-token",) if scene.plan.no_addresses else ("another-token", "another-address")
            await scene.attempt(ways, lambda _: one_user(scene))
        if not (scene.plan.no_users or scene.plan.no_addresses):
            await scene.attempt(("victim-unharmed",), lambda _: victim(scene, ramp))

    async def _screen(self, who: Who) -> None:
        screening = Screening.of(self._scene, who)
        await self._scene.attempt(claims_of(self._scene, who), lambda _: screen(self._scene, screening))
