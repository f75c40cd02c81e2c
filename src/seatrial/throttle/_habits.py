"""What a client's habits cost it: a request late in its window, and asking on while it is refused."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from seatrial.throttle._claims import Defect
from seatrial.throttle._clients import UsedUp, use_up
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._replay import LATE_S, Turn, Turns
from seatrial.throttle._scene import Scene
from seatrial.throttle._window import Edge, end_of_window, inside
from seatrial.throttle._wire import Answer, Wire

SILENT = "a client that waits silently gets nothing back either"


async def use(scene: Scene, ramp: Ramp) -> None:
    """See that a window goes by its first request, not by the last one; raises UndecidedError, WireError."""
    (user,) = scene.cast()
    await scene.await_clock()
    wire = scene.wire(user)
    began = await scene.send(wire, scene.policy.quota - 1)
    edge = end_of_window(scene.policy, began)
    await scene.sleep_until(scene.moment_s(edge, "one late"))
    late = await scene.send(wire)
    if not inside(edge, [*began, *late]):
        raise UndecidedError("a request late in a window did not come before its end")
    await scene.sleep_until(edge.latest_s)
    (answer,) = await scene.send(wire)
    ramp.kinds.count([*began, *late, answer])
    shown = (began[0], late[0], answer)
    scene.ledger.journal.show("window-resets", *shown)
    scene.ledger.judge("window-resets", _prolonged(scene, ramp, shown))


def _prolonged(scene: Scene, ramp: Ramp, shown: tuple[Answer, Answer, Answer]) -> list[Defect]:
    first, late, answer = shown
    if not ramp.kinds.rejected(answer) or ramp.kinds.rejected(late):
        return []
    after_s, late_s = answer.sent.s - first.sent.s, late.sent.s - first.sent.s
    title = (
        f"a client is refused {after_s:.2f} s after its first request because it asked once more after {late_s:.2f} s"
    )
    turns = (
        Turn(answers=(first,), times=scene.policy.quota - 1),
        Turn(answers=(late,), after_s=late_s),
        Turn(answers=(answer,), after_s=after_s - late_s + LATE_S),
    )
    return [Defect("window-prolonged", f"{title}; the window is {scene.policy.window_s:g} s", shown, turns)]


async def refusals(scene: Scene, _ramp: Ramp) -> None:
    """See that a client that goes on asking gets its quota back as one that waits; raises UndecidedError, WireError."""
    anonymous = bool(scene.plan.no_users)
    silent, loud = await asyncio.gather(*(use_up(scene, client, anonymous=anonymous) for client in scene.cast()))
    if silent.rejection is None or loud.rejection is None:
        raise UndecidedError("nothing was rejected")
    asked = await _go_on(scene, loud.wire, _ends_s(scene, loud))
    await scene.sleep_until(
        max(_over(scene, used).latest_s for used in (silent, loud)) if scene.policy.lasting else 0.0
    )
    waited, after = [await scene.probe(used.wire) for used in (silent, loud)]
    silent.kinds.count(waited)
    loud.kinds.count([*asked, *after])
    if not any(map(silent.kinds.admitted, waited)):
        scene.ledger.block(scene.step.claims, SILENT)
        return
    scene.ledger.journal.show("refusals-free", waited[0], *asked[-1:], after[0])
    scene.ledger.judge("refusals-free", _costly(scene, loud, asked, after, waited))


def _ends_s(scene: Scene, loud: UsedUp) -> float:
    """Return until when somebody goes on asking."""
    over_s = scene.step.visit("goes on asking").over * scene.policy.window_s
    return _over(scene, loud).earliest_s if scene.policy.lasting else time.monotonic() + over_s


def _over(scene: Scene, used: UsedUp) -> Edge:
    """Return when nothing counts any more of what used a quota up: a log forgets one request after the other."""
    return end_of_window(scene.policy, used.answers[-1:]) if scene.policy.logs else used.edge


async def _go_on(scene: Scene, wire: Wire, until_s: float) -> list[Answer]:
    """Ask again and again, evenly."""
    began_s, count = time.monotonic(), scene.step.visit("goes on asking").requests
    answers: list[Answer] = []
    for number in range(count):
        await scene.sleep_until(began_s + number * (until_s - began_s) / count)
        answers += await scene.send(wire)
    return answers


def _costly(
    scene: Scene, loud: UsedUp, asked: Sequence[Answer], after: Sequence[Answer], waited: Sequence[Answer]
) -> list[Defect]:
    if any(map(loud.kinds.admitted, [*asked, *after])):
        return []
    waited_s = after[-1].sent.s - loud.answers[0].sent.s
    who = f"a client that asked {len(asked)} times while it was refused"
    title = f"{who} is still refused {waited_s:.2f} s after its first request, one that waited is admitted"
    shown = (loud.answers[-1], asked[-1], after[-1], waited[0])
    return [Defect("refusals-cost", title, shown, _again(scene, loud, asked, after, waited_s))]


def _again(scene: Scene, loud: UsedUp, asked: Sequence[Answer], after: Sequence[Answer], waited_s: float) -> Turns:
    """Return the turns that use a quota up, go on asking while a window lasts, and ask once it is over."""
    began_s, ended_s = asked[0].sent.s, asked[-1].sent.s
    on = Turn(
        answers=(loud.answers[-1],),
        times=scene.policy.shows,
        way="going on",
        lasts_s=ended_s - loud.answers[0].sent.s,
        pause_s=(ended_s - began_s) / len(asked),
    )
    return on, Turn(answers=(after[-1],), times=len(after), after_s=waited_s + LATE_S)
