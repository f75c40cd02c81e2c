"""Asking for a quota many times over in one moment: in peace, and while the service has all it can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from seatrial.core import Identity, SeatrialError
from seatrial.throttle._claims import turning
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._means import Load
from seatrial.throttle._pressure import IN_FLIGHT, LOAD_PER_S, before
from seatrial.throttle._scene import Scene
from seatrial.throttle._waits import judge_burst
from seatrial.throttle._wire import Answer

TURNED_AWAY = 0.02
"""A larger part of the arrivals is turned away by a service that cannot keep up; a moment's hiccup does not do that."""

IDLE = f"the load does not saturate this service: of {{:,}} arrivals, {LOAD_PER_S} a second, {{:,}} were turned away"
NO_LOAD = "the load ended before every request was answered that came beside it"


async def volley(scene: Scene, ramp: Ramp) -> None:
    """See that exactly the quota is admitted of many times that; raises UndecidedError, WireError."""
    await _judge(scene, ramp, "burst-exact", "over as many connections in one moment")


async def under_load(scene: Scene, ramp: Ramp) -> None:
    """See the same while a load scenario is sent; raises UndecidedError, WireError."""
    scene.spend(scene.step.visit("hammer it").requests)
    scene.progress(f"sending [load.{scene.plan.load}], {LOAD_PER_S} arrivals a second")
    async with _load(scene) as load:
        how = f"in one moment, while {LOAD_PER_S} others came each second,"
        told = f"send [load.{scene.plan.load}], {LOAD_PER_S} arrivals a second"
        await _judge(scene, ramp, "load-exact", how, told=told)
        due, started, ended = load.due, load.started, load.ended
    scene.ledger.figures["load_started"] = started / max(1, due)
    if scene.ledger.defects["load-exact"]:
        return
    if ended:
        raise UndecidedError(NO_LOAD)
    if not saturated(due, started):
        # Asked again, it would have no more to do.
        scene.ledger.leave_open(scene.step.claims, IDLE.format(due, due - started))
        return
    scene.ledger.notes.append(
        f"the quota was asked for under load: of {due:,} arrivals {due - started:,} were turned away, "
        f"as {IN_FLIGHT} were always under way"
    )


@asynccontextmanager
async def _load(scene: Scene) -> AsyncIterator[Load]:
    """Send the load while its body runs; raises UndecidedError where that cannot be done."""
    if scene.means.load is None:
        raise UndecidedError("nobody can send load to this target")
    sending = scene.means.load()
    try:
        load = await asyncio.to_thread(sending.__enter__)
    except SeatrialError as error:
        raise UndecidedError(f"no load can be sent: {error}") from error
    try:
        yield load
    finally:
        await asyncio.to_thread(sending.__exit__, None, None, None)


def saturated(due: int, started: int) -> bool:
    """Return whether a service had all it could do: more came than it answered, whatever was under way already."""
    return due - started > TURNED_AWAY * due


async def _judge(scene: Scene, ramp: Ramp, claim: str, how: str, *, told: str = "") -> None:
    visit = scene.step.visit("all in one moment")
    user = scene.another(visit.client.kind)
    answers = await judge_burst(
        scene,
        ramp,
        user,
        how,
        lambda: _ask(scene, user, visit.requests),
        way="at once",
        alone=before(scene.policy.quota),
        told=told,
        claim=claim,
    )
    scene.ledger.journal.show(claim, *turning(answers, ramp.kinds))


async def _ask(scene: Scene, user: Identity, count: int) -> list[Answer]:
    """Use up what is too much to be asked for at once, then ask for the rest, many times over."""
    first: Sequence[Answer] = await scene.send(scene.wire(user), before(scene.policy.quota))
    return [*first, *await scene.volley(user, count)]
