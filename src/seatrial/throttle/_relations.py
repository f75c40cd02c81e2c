"""Who shares a bucket with whom: one user by two ways has one, and a stranger who claims to be him has none of his.

The addresses of one IPv6 network are one client's, too: whoever has one has them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seatrial.core import Identity
from seatrial.throttle._claims import Defect
from seatrial.throttle._clients import UsedUp, control, use_up
from seatrial.throttle._conventions import read_figure
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import UndecidedError, tell_kinds
from seatrial.throttle._networks import fresh_address, of_network
from seatrial.throttle._promises import WAYS
from seatrial.throttle._scene import Scene
from seatrial.throttle._screen import confirm, most_admitted, rotate, try_between
from seatrial.throttle._step import Kind
from seatrial.throttle._variants import Shape
from seatrial.throttle._wire import Answer

APART = "users-apart"
JUNK = (("Authorization", "Bearer not.a.token"),)


async def one_user(scene: Scene, _ramp: Ramp) -> None:
    """See that a user has one bucket, whatever token and address he comes with; raises UndecidedError, WireError.

    Where it is his organisation's, a colleague has it too.
    """
    user, *ways = scene.cast()
    used = await use_up(scene, user, anonymous=False)
    if used.rejection is None:
        raise UndecidedError("nothing was rejected")
    for client, way in zip(scene.step.clients[1:], ways, strict=True):
        scene.ledger.judge(WAYS[client.kind], await _shares(scene, used, client.kind, way))


async def _shares(scene: Scene, used: UsedUp, kind: Kind, way: Identity) -> list[Defect]:
    """Return whether a way to a quota that is used up is refused, as its user is before and after."""
    before = await control(scene, used)
    answers = await scene.probe(scene.wire(way))
    used.kinds.count(answers)
    own = scene.own_quota([before, *answers], used.kinds)
    if own and scene.policy.renews:
        await _still_used_up(scene, used)
    await control(scene, used)
    if not own:
        scene.ledger.journal.show(WAYS[kind], before, answers[-1])
        return []
    title = f"a user whose quota is used up is admitted again with {WAYS[kind].replace('-', ' ')}"
    if kind == "colleague":
        return [Defect(APART, "a user is admitted once his organisation's quota is used up", (before, answers[0]))]
    return [Defect(WAYS[kind], title, (before, answers[0]))]


async def _still_used_up(scene: Scene, used: UsedUp) -> None:
    """See that no window ended while another way was tried; raises UndecidedError where one may have.

    Of a quota of one request the way itself would have taken what was there again.
    """
    (answer,) = await scene.send(used.wire)
    if scene.policy.quota == 1 or not used.kinds.rejected(answer):
        raise UndecidedError("a window that is shifted for its key may have ended just then")


async def refused_counted(scene: Scene, _ramp: Ramp) -> None:
    """See that requests with a bad token count for their address; raises UndecidedError, WireError.

    Guessing tokens (or passwords) is what a limit of strangers is for.
    """
    settings = scene.policy.settings
    (client,) = scene.cast()
    answers = await rotate(scene, client, lambda *_: Shape(settings.method, settings.path, JUNK))
    kinds = tell_kinds(answers, declared=settings.rejection_status, anonymous=True, window_s=scene.policy.window_s)
    admitted = kinds.count(answers)
    many = admitted > most_admitted(scene, answers)
    scene.ledger.journal.show("refused-counted", answers[0], answers[-1])
    title = f"{admitted} requests with a bad token from one address were answered {answers[0].status}, none refused"
    scene.ledger.judge("refused-counted", [Defect("uncounted", title, (answers[0], answers[-1]))] if many else [])


async def network(scene: Scene, _ramp: Ramp) -> None:
    """See that the addresses of one IPv6 network share a bucket, whichever proxy says so, until one is seen not to.

    Raises UndecidedError, WireError.
    """
    clients = scene.cast()
    for first, stranger in zip(clients[::2], clients[1::2], strict=True):
        defects = await _network(scene, first, stranger)
        scene.ledger.judge("network-bounded", defects)
        if scene.ledger.defects["network-bounded"]:
            return


async def _network(scene: Scene, first: Identity, stranger: Identity) -> list[Defect]:
    """Use the quota of one client of a proxy up, and ask as others; what is a bypass is judged already."""
    used = await use_up(scene, first, anonymous=True)
    if used.rejection is None:
        title = f"{len(used.answers)} requests of one IPv6 address, as a proxy says, are all admitted"
        return [Defect("unlimited", title, (used.answers[-1],))]
    if not await _believed(scene, used, used.rejection, stranger):
        why = f"clients of different networks share a quota, as if nobody believed the proxy at {first.address}"
        scene.ledger.leave_open(scene.step.claims, why)
        return []
    another = of_network(first.reported)
    for suspect in await try_between(scene, used, [another]):
        variant = of_network(fresh_address())
        await confirm(scene, replace(suspect, variant=variant), scene.reported(first.address))
    (way,) = scene.ledger.journal.matrix([another])
    if way.came in {"no answer", "not served", "another handler"}:
        raise UndecidedError(f"{another.what} is not served, nor refused: it got {way.status or way.came}")
    return []


async def _believed(scene: Scene, used: UsedUp, rejection: Answer, stranger: Identity) -> bool:
    """Return whether a client of another network has a quota of its own, while the first one's is used up."""
    answers = await scene.probe(scene.wire(stranger))
    used.kinds.count(answers)
    scene.ledger.journal.show("network-bounded", rejection, answers[0])
    return scene.own_quota([rejection, *answers], used.kinds)


async def victim(scene: Scene, ramp: Ramp) -> None:
    """See that forged tokens of a user cost him nothing; raises UndecidedError, WireError."""
    stranger, user = scene.cast()
    sent = await scene.send(scene.wire(stranger), scene.policy.ramp)
    (answer,) = await scene.send(scene.wire(user))
    scene.ledger.judge("victim-unharmed", _harmed(scene, ramp, sent, answer))


def _harmed(scene: Scene, ramp: Ramp, sent: Sequence[Answer], answer: Answer) -> list[Defect]:
    if ramp.kinds.rejected(answer):
        title = f"a user is refused after {len(sent)} requests with forged tokens of his"
        return [Defect("locked-out", title, (sent[0], sent[-1], answer))]
    ramp.kinds.count([answer])
    left, fresh = (read_figure(scene.policy, one, "remaining") for one in (answer, ramp.answers[0]))
    if isinstance(left, int) and isinstance(fresh, int) and left < fresh:
        title = f"forged tokens of a user cost him quota: {left} remain, of a fresh user {fresh}"
        return [Defect("charged", title, (sent[0], sent[-1], answer))]
    scene.ledger.journal.show("victim-unharmed", sent[0], sent[-1], answer)
    return []
