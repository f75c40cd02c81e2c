"""The first phase: one user's quota, one by one, and whether that costs others theirs."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, judge_order, judge_quota, judge_status, turning
from seatrial.throttle._headers import Truth, judge_headers
from seatrial.throttle._kinds import Kinds, UndecidedError, UnrefusedError
from seatrial.throttle._queue import queued
from seatrial.throttle._replicas import ask_anew, judge_replicas
from seatrial.throttle._scene import Scene
from seatrial.throttle._shapes import answered
from seatrial.throttle._shifted import settle
from seatrial.throttle._step import Kind
from seatrial.throttle._told import tell_headers
from seatrial.throttle._window import Edge, clock_stepped, end_of_window, inside, server_clocks
from seatrial.throttle._wire import Answer

WHOM = {"colleague": "a user of the same organisation", "user": "a user of another organisation"}
NOTHING_REJECTED = "ratelimit.quota-exact failed: nothing was rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """One user's requests of one window, one by one, and what they told; `anew` are those over new connections."""

    user: Identity
    answers: tuple[Answer, ...]
    anew: tuple[Answer, ...] = ()
    kinds: Kinds
    edge: Edge
    truth: Truth
    admitted: int

    @property
    def rejections(self) -> list[Answer]:
        """Return what was refused."""
        return [answer for answer in (*self.answers, *self.anew) if self.kinds.rejected(answer)]


async def fill_quota(scene: Scene) -> Ramp | None:
    """Fill a fresh user's quota, see that others still have theirs, and who counts; raises UndecidedError, WireError.

    Return None where requests wait instead of being refused: nothing else means anything then.
    """
    await scene.await_clock()
    user, *others = scene.cast()
    wire = scene.wire(user)
    try:
        answers, kinds = await scene.ramp(wire, anonymous=bool(scene.plan.no_users))
    except UnrefusedError:
        if await queued(scene, wire, others):
            return None
        raise
    edge = end_of_window(scene.policy, answers)
    await settle(scene, user, "quota-exact", answers, kinds)
    defects = await _isolation(scene, others, answers[-1], kinds, edge)
    scene.ledger.judge("isolation", defects)
    refused = kinds.rejected(answers[-1]) and not defects
    anew = await ask_anew(scene, user, kinds, edge) if refused else []
    clocks = server_clocks(answers, same_host=_is_here(scene.url))
    truth = Truth(None if scene.plan.no_edges else edge, clocks)
    admitted = 0 if defects else kinds.count(answers)
    return Ramp(
        user=user,
        answers=tuple(answers),
        anew=tuple(anew),
        kinds=kinds,
        edge=edge,
        truth=truth,
        admitted=admitted,
    )


def _is_here(url: str) -> bool:
    """Return whether a URL names this machine, whose containers share its clock."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _isolation(scene: Scene, others: Sequence[Identity], last: Answer, kinds: Kinds, edge: Edge) -> list[Defect]:
    """Ask as a user of another organisation, and as one of the same where users have buckets of their own."""
    defects: list[Defect] = []
    for client, other in zip(scene.step.clients[1:], others, strict=True):
        answers = await scene.probe(scene.wire(other))
        if not inside(edge, answers):
            raise UndecidedError("the window ended before others were asked")
        refused = [answer for answer in answers if kinds.rejected(answer)]
        if refused and not answered(refused[0]):
            raise UndecidedError("whoever else comes is hung up on too: one bucket for all, or a target that fails")
        if refused:
            defects.append(_shared((last, refused[0]), client.kind))
        kinds.count(answers)
        scene.own_quota([last, *answers], kinds)
        scene.ledger.journal.show("isolation", last, answers[0])
    return defects


def _shared(shown: tuple[Answer, ...], kind: Kind) -> Defect:
    title = f"{WHOM.get(kind, 'a client from another address')} is rejected once another's quota is used up"
    return Defect("shared-in-organisation" if kind == "colleague" else "global-bucket", title, shown)


def judge_ramp(scene: Scene, ramp: Ramp) -> None:
    """Judge what the first user's requests say about quota, status and headers."""
    policy, ledger, answers, kinds = scene.policy, scene.ledger, ramp.answers, ramp.kinds
    most = ledger.rollovers.most(policy, "quota-exact", answers)
    quota = judge_replicas(policy, answers, ramp.anew, kinds) or judge_quota(
        policy, answers, kinds, how="one after the other", most=most
    )
    ledger.judge("quota-exact", quota or judge_order(policy, answers, kinds))
    _judge_headers(scene, ramp)
    if ramp.rejections:
        ledger.judge("rejection-status", judge_status(policy, answers, kinds))
    else:
        ledger.block(("rejection-status", "window-resets"), NOTHING_REJECTED)
    ledger.admitted = ramp.admitted
    ledger.show(*turning(answers, kinds))
    for claim in ("quota-exact", "headers-truthful"):
        ledger.journal.show(claim, *turning(answers, kinds))
    ledger.journal.show("rejection-status", *ramp.rejections[:1])


def _judge_headers(scene: Scene, ramp: Ramp) -> None:
    policy, claim = scene.policy, "headers-truthful"
    scene.ledger.journal.headers = tell_headers(
        policy, ramp.answers, ramp.truth, kinds=ramp.kinds, admitted=ramp.admitted
    )
    scene.ledger.judge(claim, judge_headers(policy, ramp.answers, ramp.truth, admitted=ramp.admitted))
    if clock_stepped(ramp.answers):
        scene.ledger.leave_open([claim], "this machine's clock was set meanwhile")
    elif not ramp.truth.clocks and policy.settings.headers == "x-ratelimit-epoch":
        scene.ledger.leave_open([claim], "the server's clock cannot be told: its answers have no Date")
