"""Clients by the thousand, each seen once: their buckets must be forgotten in time, and must not crowd others' out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from seatrial.core import Identity
from seatrial.throttle._claims import Defect
from seatrial.throttle._clients import UsedUp, use_up
from seatrial.throttle._deep import GAP
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._policy import Policy
from seatrial.throttle._replay import Turn, Turns
from seatrial.throttle._scene import Scene
from seatrial.throttle._step import Visit
from seatrial.throttle._window import end_of_window, inside
from seatrial.throttle._wire import Answer, WireError

AT_ONCE = 32
A_KEY = 64
"""Bytes that a client which is remembered costs at the least: its key, and an entry in a table."""

TWICE = 2
ALIKE = 3
"""Batches of equally many clients cost much the same to remember: none more than so many times another."""


async def keys(scene: Scene, _ramp: Ramp) -> None:
    """See that what new clients cost comes to an end, and that none is refused; raises UndecidedError, WireError."""
    warm, first, second = scene.step.visits
    held, answers = [], await crowd(scene, warm)
    for number, batch in enumerate((first, second, second)):
        held.append(await _held(scene))
        if number == 2 and not growing(held, batch.requests):  # noqa: PLR2004 - a third batch confirms what two showed
            break
        if number:
            await scene.sleep_until(time.monotonic() + GAP * scene.policy.window_s)
        answers = await crowd(scene, batch)
        scene.progress(f"{scene.ledger.sent[scene.step.name]:,} clients came once each")
    else:
        held.append(await _held(scene))
    _judge_newcomers(scene, answers)
    if "memory-bounded" in scene.step.claims:
        _judge_memory(scene, held, first.requests, (answers[0], answers[-1]))


async def _held(scene: Scene) -> Mapping[str, int]:
    """Return how many bytes each service holds."""
    memory = scene.means.memory
    return await asyncio.to_thread(memory) if memory else {}


async def crowd(scene: Scene, visit: Visit) -> list[Answer]:
    """Send one request each as so many clients whom nobody saw before; raises UndecidedError where too few answer."""
    asked: Iterator[int] = iter(range(visit.requests))
    answers: list[Answer] = []

    async def ask() -> None:
        for _ in asked:
            try:
                answers.append(await scene.ask_once())
            except WireError:
                continue

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
    if len(answers) < visit.requests * 0.99:
        raise UndecidedError(f"of {visit.requests:,} clients {len(answers):,} got an answer")
    return answers


def _judge_newcomers(scene: Scene, answers: Sequence[Answer]) -> None:
    refused = [answer for answer in answers if answer.status == scene.policy.settings.rejection_status]
    title = f"{len(refused):,} of {len(answers):,} clients that nobody saw before are refused"
    if "buckets-kept" in scene.step.claims:
        scene.ledger.judge("buckets-kept", _turned_away(title, refused[:1], len(answers)))


def _turned_away(title: str, refused: Sequence[Answer], came: int) -> list[Defect]:
    told = f"let {came:,} other clients ask once each"
    return [
        Defect("newcomers-refused", title, (answer,), (Turn(told=told), Turn(answers=(answer,)))) for answer in refused
    ]


def growing(held: Sequence[Mapping[str, int]], count: int) -> dict[str, list[int]]:
    """Return the services that grew with each batch by as much as remembering its clients takes, with the bytes."""
    grown = {
        service: [after.get(service, 0) - before.get(service, 0) for before, after in pairwise(held)]
        for service in held[0]
    }
    return {service: by for service, by in grown.items() if min(by) >= max(A_KEY * count, max(by) / ALIKE)}


def _judge_memory(scene: Scene, held: Sequence[Mapping[str, int]], count: int, shown: tuple[Answer, Answer]) -> None:
    found = growing(held, count)
    scene.ledger.growth = {service: held[2][service] - held[1][service] for service in held[0]}
    defects = [
        Defect(f"memory-grows:{service}", _grows(service, by, count), shown, _once_more(service, count, shown[1]))
        for service, by in found.items()
    ]
    scene.ledger.journal.show("memory-bounded", *shown)
    scene.ledger.judge("memory-bounded", defects)


def _once_more(service: str, count: int, newcomer: Answer) -> Turns:
    told = f"see how much memory {service} takes, let {count:,} other clients ask, each once, and see again"
    return Turn(answers=(newcomer,), told=told), Turn(
        told=f"let as many new ones ask, and see again: {service} grows on"
    )


def _grows(service: str, by: Sequence[int], count: int) -> str:
    sizes = " and ".join(f"{each // 1024:,} KiB" for each in by)
    return f"{service} grows by {sizes} with {len(by)} batches of {count:,} clients that never come again"


async def watch(scene: Scene, ramp: Ramp) -> None:
    """See that a client whose quota is used up stays refused, whoever else comes; raises UndecidedError, WireError."""
    used_up, looked = scene.step.visits
    await scene.sleep_until(time.monotonic() + used_up.at * scene.policy.window_s)
    (client,) = scene.cast()
    used = await _drained(scene, client, ramp.kinds)
    if used.rejection is None:
        raise UndecidedError(f"of {len(used.answers)} requests of one client none was rejected")
    before = scene.ledger.sent.get("keys", 0)
    await scene.sleep_until(looked_s(scene.policy, used, looked.at - used_up.at))
    refills = scene.policy.refills
    answers = await (scene.burst(client) if refills else scene.send(used.wire, looked.requests))
    if not inside(used.edge, answers):
        raise UndecidedError("the window ended before it was seen whether a client stays refused")
    came = scene.ledger.sent.get("keys", 0) - before
    scene.ledger.journal.show("buckets-kept", used.rejection, answers[-1])
    scene.ledger.judge("buckets-kept", _dropped(scene, used.answers, answers, ramp, came))


async def _drained(scene: Scene, client: Identity, kinds: Kinds) -> UsedUp:
    """Use a quota up, at once where something comes back: as fast, while thousands come, as one asks one by one.

    In a window at most a quota comes back: whoever is not refused after twice as many will not be.
    """
    if not scene.policy.refills:
        return await use_up(scene, client, anonymous=bool(scene.plan.no_users))
    answers, wire = await scene.burst(client), scene.wire(client)
    edge = end_of_window(scene.policy, answers)
    most = TWICE * scene.policy.ramp
    while not kinds.rejected(answers[-1]) and len(answers) < most and inside(edge, answers):
        answers += await scene.send(wire)
    return UsedUp(client, wire, answers, kinds, edge)


def looked_s(policy: Policy, used: UsedUp, late: float) -> float:
    """Return when to look, in windows after one's beginning, or after the first request where something comes back."""
    began_s = used.answers[0].sent.s if policy.refills else used.edge.earliest_s - policy.window_s
    return began_s + late * policy.window_s


def _dropped(scene: Scene, drained: Sequence[Answer], answers: Sequence[Answer], ramp: Ramp, came: int) -> list[Defect]:
    admitted = ramp.kinds.count(answers)
    elapsed_s = answers[-1].received.s - drained[0].sent.s
    if admitted <= scene.policy.back(elapsed_s) + (1 if scene.policy.refills else 0):
        return []
    title = f"a client whose quota is used up is admitted again {elapsed_s:.1f} s after its first request"
    told = Turn(told=f"let {came:,} other clients ask within the window")
    turns = (Turn(answers=(drained[-1],), times=scene.policy.shows), told, Turn(answers=(answers[0],)))
    return [Defect("bucket-dropped", f"{title}, while {came:,} others came", (drained[-1], answers[0]), turns)]
