"""Which statuses count: requests that end in a declared one use the quota up, or use nothing up.

Those that count are sent in turn with usual ones, as one client, who has one quota for all of them. Only where that
admits too much is each tried alone. Those that are free are sent beyond a quota, each as a client of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle

from seatrial.config import CostSettings
from seatrial.core import Identity
from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import Kinds, UndecidedError, said
from seatrial.throttle._replay import Turn as Again
from seatrial.throttle._scene import Scene
from seatrial.throttle._screen import most_admitted, rotate, send
from seatrial.throttle._variants import Shape
from seatrial.throttle._window import end_of_window, inside
from seatrial.throttle._wire import Answer

CLAIM = "statuses-counted"
Turn = tuple[Shape, int]
"""What is written, and the status that it ends in."""


async def counted(scene: Scene, ramp: Ramp) -> None:
    """See that requests that end in a declared status use the quota up; raises UndecidedError, WireError."""
    (client,) = scene.cast()
    settings, turns = scene.policy.settings, [_turn(cost) for cost in scene.policy.costs(counts=True)]
    usual = (Shape(settings.method, settings.path), ramp.kinds.usual)
    answers, admitted = await _in_turn(scene, ramp.kinds, client, [usual, *turns])
    scene.ledger.judge(CLAIM, _too_few(scene, ramp, answers, admitted, kinds=1 + len(turns)))
    if admitted > most_admitted(scene, answers):
        for turn in turns:
            scene.ledger.judge(CLAIM, await _alone(scene, ramp.kinds, turn))
    scene.ledger.journal.show(CLAIM, *answers[: len(turns) + 1], answers[-1])


def _turn(cost: CostSettings) -> Turn:
    return Shape(cost.method, cost.path, body=json.dumps(cost.body).encode() if cost.body else b""), cost.status


async def _in_turn(scene: Scene, kinds: Kinds, client: Identity, turns: Sequence[Turn]) -> tuple[Sequence[Answer], int]:
    """Send more than a quota, a request of each in turn; return how many were not refused."""
    shapes = cycle(shape for shape, _ in turns)
    answers = await rotate(scene, client, lambda *_: next(shapes))
    return answers, _count(kinds, answers, turns)


def _count(kinds: Kinds, answers: Sequence[Answer], turns: Sequence[Turn]) -> int:
    """Return how many were let through; raises UndecidedError where one ends otherwise than declared."""
    admitted = 0
    for answer, (_, status) in zip(answers, cycle(turns), strict=False):
        if status in kinds.rejections:
            raise UndecidedError(f"a request that ends in {status} cannot be told from one that is refused")
        if kinds.rejected(answer):
            continue
        if answer.status != status:
            raise UndecidedError(f"{answer.method} {answer.path} {said(answer)}, not {status}: see [[limits.costs]]")
        admitted += 1
    return admitted


def _too_few(scene: Scene, ramp: Ramp, answers: Sequence[Answer], admitted: int, *, kinds: int) -> list[Defect]:
    """Return whether one costs more than a usual request; a quota that is too small is another claim."""
    if scene.plan.no_quota or admitted >= min(scene.policy.quota, ramp.admitted):
        return []
    title = f"{admitted} requests are admitted where some end in an error, {ramp.admitted} where none does"
    turns = (Again(answers=tuple(answers[:kinds]), times=-(-scene.policy.shows // kinds)),)
    return [Defect("error-costs-more", title, (answers[0], answers[1], answers[-1]), turns)]


async def _alone(scene: Scene, kinds: Kinds, turn: Turn) -> list[Defect]:
    """Send nothing else as a fresh client: it is a defect if more than a quota is let through."""
    answers, admitted = await _in_turn(scene, kinds, scene.another(), [turn])
    if admitted <= most_admitted(scene, answers):
        scene.ledger.notes.append(f"requests that end in {turn[1]} have a bucket of their own, which is limited too")
        return []
    title = f"{admitted} of {len(answers)} requests that end in {turn[1]} were not refused, declared is that they count"
    return [Defect(f"uncounted-{turn[1]}", title, (answers[0], answers[-1]))]


async def free(scene: Scene, ramp: Ramp) -> None:
    """See that requests that end in a status that is declared free cost nothing; raises UndecidedError, WireError."""
    for cost, client in zip(scene.policy.costs(counts=False), scene.cast(), strict=True):
        scene.ledger.judge(CLAIM, await _charged(scene, ramp.kinds, client, _turn(cost)))


async def _charged(scene: Scene, kinds: Kinds, client: Identity, turn: Turn) -> list[Defect]:
    """Return whether more requests than a quota are refused, or the usual one that follows them."""
    await scene.await_clock()
    wire = scene.wire(client)
    answers = [await send(scene, wire, turn[0]) for _ in range(scene.policy.beyond)]
    wire.carry(None)
    (last,) = await scene.send(wire)
    if not inside(end_of_window(scene.policy, answers), [*answers, last]):
        raise UndecidedError(f"{len(answers)} requests do not fit into one window here")
    if len(answers) <= scene.policy.at_most(lasted_s([*answers, last])):
        raise UndecidedError("too much comes back meanwhile here to see that nothing is used up")
    if _count(kinds, answers, [turn]) == len(answers) and not kinds.rejected(last):
        kinds.count([last])
        scene.ledger.journal.show(CLAIM, answers[0], answers[-1], last)
        return []
    title = f"a client is refused after requests that end in {turn[1]}, declared is that they are free"
    return [Defect(f"counted-{turn[1]}", title, (answers[0], answers[-1], last))]
