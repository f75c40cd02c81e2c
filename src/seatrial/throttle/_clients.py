"""The phases about who is limited: exempt paths, and clients without a token."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._first import Ramp
from seatrial.throttle._handler import Handler
from seatrial.throttle._kinds import ERROR, Kinds, UndecidedError
from seatrial.throttle._replay import Turn
from seatrial.throttle._scene import Scene
from seatrial.throttle._shapes import shape
from seatrial.throttle._shifted import settle
from seatrial.throttle._window import Edge, end_of_window, inside
from seatrial.throttle._wire import Answer, Wire


async def exempt(scene: Scene, ramp: Ramp) -> None:
    """See that exempt paths are never limited, whoever asks, and use nothing up; raises UndecidedError, WireError."""
    user, other = scene.cast()
    parts = await asyncio.gather(_hammer_all(scene, user, ramp.kinds), _hammer_all(scene, other, ramp.kinds))
    limited = [defect for part in parts for defect in part[1]]
    (last,) = await scene.send(scene.wire(user))
    scene.ledger.judge("health-exempt", limited[:1] or _used_up(scene, ramp, parts[0][0], last))


async def _hammer_all(scene: Scene, client: Identity, kinds: Kinds) -> tuple[list[Answer], list[Defect]]:
    paths = scene.policy.settings.exempt
    parts = await asyncio.gather(*(_hammer(scene, scene.wire(client), path) for path in paths))
    answers = sorted((answer for part in parts for answer in part), key=lambda answer: answer.sent.s)
    if not inside(end_of_window(scene.policy, answers), answers):
        raise UndecidedError("more requests to exempt paths than the quota do not fit into one window here")
    return answers, [defect for part in parts for defect in _judge_exempt(scene, part, kinds)]


async def _hammer(scene: Scene, wire: Wire, path: str) -> list[Answer]:
    scene.spend(scene.policy.ramp)
    return [await wire.send("GET", path) for _ in range(scene.policy.ramp)]


def _judge_exempt(scene: Scene, answers: Sequence[Answer], kinds: Kinds) -> list[Defect]:
    """Return whether a path was limited; raises UndecidedError for one that does not serve."""
    usual, declared = answers[0].status, scene.policy.settings.rejection_status
    as_first = shape(answers[0])
    limited = [a for a in answers if a.status == declared or (kinds.rejected(a) and shape(a) != as_first)][:1]
    if not limited and usual >= ERROR:
        raise UndecidedError(f"the exempt path {answers[0].path} answers {usual} from the start")
    return [Defect("exempt-limited", f"{a.path} is limited: it answers {a.status}", (answers[0], a)) for a in limited]


def _used_up(scene: Scene, ramp: Ramp, hammered: Sequence[Answer], last: Answer) -> list[Defect]:
    if ramp.kinds.rejected(last):
        title = f"{len(hammered)} requests to exempt paths used a quota of {scene.policy.quota} up"
        each = {answer.path: answer for answer in hammered}.values()
        turns = (*(Turn(answers=(one,), times=scene.policy.ramp) for one in each), Turn(answers=(last,)))
        return [Defect("exempt-counted", title, (hammered[0], hammered[-1], last), turns)]
    if not inside(end_of_window(scene.policy, hammered), [last]):
        raise UndecidedError("the window ended before it was seen that exempt paths use nothing up")
    if scene.policy.refills and len(hammered) <= scene.policy.at_most(lasted_s([*hammered, last])):
        raise UndecidedError("too much comes back meanwhile here to see that exempt paths use nothing up")
    ramp.kinds.count([last])
    scene.ledger.journal.show("health-exempt", hammered[0], hammered[-1], last)
    return []


@dataclass(frozen=True, slots=True)
class UsedUp:
    """A client whose quota is used up, until an edge."""

    client: Identity
    wire: Wire
    answers: Sequence[Answer]
    kinds: Kinds
    edge: Edge

    @property
    def rejection(self) -> Answer | None:
        """Return the last answer if it is a rejection."""
        return self.answers[-1] if self.kinds.rejected(self.answers[-1]) else None

    @property
    def handler(self) -> Handler:
        """Return who served the client before."""
        return Handler(self.kinds, [answer for answer in self.answers if self.kinds.admitted(answer)])


async def use_up(scene: Scene, client: Identity, *, anonymous: bool) -> UsedUp:
    """Use a fresh client's quota up, one by one; raises UndecidedError, WireError."""
    await scene.await_clock()
    wire = scene.wire(client)
    answers, kinds = await scene.ramp(wire, anonymous=anonymous)
    return UsedUp(client, wire, answers, kinds, end_of_window(scene.policy, answers))


async def by_address(scene: Scene, ramp: Ramp) -> None:
    """See that clients without a token are limited, each address for itself; raises UndecidedError, WireError."""
    first, second = scene.cast()
    used = await use_up(scene, first, anonymous=True)
    if used.rejection is None:
        unlimited(scene, used)
        return
    others = await scene.probe(scene.wire(second))
    if not inside(used.edge, others):
        raise UndecidedError("the window ended before another address was tried")
    title = "a client is rejected once another address used up its quota"
    refused = [answer for answer in others if used.kinds.rejected(answer)]
    shared = [Defect("shared-by-addresses", title, (used.rejection, refused[0]))] if refused else []
    used.kinds.count(others)
    scene.own_quota([used.rejection, *others], used.kinds)
    scene.ledger.journal.show("anonymous-by-address", used.answers[0], used.rejection, others[0])
    scene.ledger.judge("anonymous-by-address", shared or await _same_quota(scene, ramp, used))


def unlimited(scene: Scene, used: UsedUp) -> None:
    """Note that a client without a token has no quota: one address is enough to see that."""
    title = f"{len(used.answers)} requests without a token from one address are all admitted"
    scene.ledger.judge("anonymous-by-address", [Defect("unlimited", title, (used.answers[-1],))])


async def _same_quota(scene: Scene, ramp: Ramp, used: UsedUp) -> list[Defect]:
    """Return whether an address gets the quota that is declared; one that is wrong for users too is another claim."""
    admitted = used.kinds.count(used.answers)
    if scene.plan.no_quota or admitted == ramp.admitted:
        return []
    most = await settle(scene, used.client, "anonymous-by-address", used.answers, used.kinds)
    if scene.policy.quota <= admitted <= most + scene.ledger.surplus(scene.policy.quota):
        return []
    title = f"{admitted} requests without a token are admitted from one address, the quota is {scene.policy.quota}"
    return [Defect("quota-differs", title, (used.answers[0], used.answers[-1]))]


async def control(scene: Scene, used: UsedUp) -> Answer:
    """Return a rejection of this moment; what came back is used up again."""
    for _ in range(scene.policy.ramp):
        (answer,) = await scene.send(used.wire)
        if used.kinds.rejected(answer) and inside(used.edge, [answer]):
            return answer
        if not (scene.policy.refills or scene.policy.shifted):
            break
    raise UndecidedError("the window ended before everything was tried")
