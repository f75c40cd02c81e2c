"""How many count: each instance of a service that counts for itself admits a quota of its own.

After its first refusal a client asks over new connections, which a balancer spreads. Where every request of one
connection goes to another instance, no refusal comes in time; then what is said to remain does not fall with each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._conventions import read_figure
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._policy import ANEW, Policy
from seatrial.throttle._scene import Scene
from seatrial.throttle._window import Edge, inside
from seatrial.throttle._wire import Answer

CAUSE = "replicas"
APART = "as where several instances count apart"
BLOCKS = "ratelimit.quota-exact failed: several instances count apart"
EDGE = "after a refusal requests are admitted, as where a window ends just then, or where several instances count apart"
TWICE = 2
"""One window may end while a quota is taken, two do not."""


async def ask_anew(scene: Scene, user: Identity, kinds: Kinds, edge: Edge) -> list[Answer]:
    """Ask over new connections as a client that was refused, until it is refused; raises UndecidedError, WireError."""
    answers: list[Answer] = []
    for _ in range(ANEW):
        answers += await _until_refused(scene, user, kinds)
    kinds.count(answers)
    if not inside(edge, answers):
        raise UndecidedError("the window ended before it was seen how many instances count")
    # What a log has, or a bucket, whose windows end somewhere after all: that is another claim.
    silent = scene.policy.refills and not _told(scene.policy, answers, kinds)
    gained = (scene.policy.logs or silent) and _gained(scene.policy, answers[0], answers, kinds)
    if gained and scene.ledger.rollovers.doubts(scene.policy, CAUSE, answers):
        raise UndecidedError(EDGE)
    return answers


def judge_replicas(policy: Policy, answers: Sequence[Answer], anew: Sequence[Answer], kinds: Kinds) -> list[Defect]:
    """Return whether several count, by what was asked one by one, and over new connections after that."""
    every = [*answers, *anew]
    gained = _gained(policy, answers[-1], anew, kinds)
    if not (policy.lasting and gained) and kinds.count(every) <= policy.at_most(lasted_s(every)):
        return []
    told = _told(policy, anew, kinds) or not policy.refills
    if gained and (told or kinds.count(answers) <= policy.at_most(lasted_s(answers))):
        title = f"after a refusal {len(gained)} of {len(anew)} requests over new connections are admitted, {APART}"
        return [Defect(CAUSE, title, (answers[0], answers[-1], gained[0]))]
    kept = _kept(policy, answers)
    if len(kept) < TWICE + _back(policy, answers):
        return []
    title = f"{kinds.count(answers)} of {len(answers)} requests were admitted, {len(kept)} without that less remains"
    return [Defect(CAUSE, f"{title}, {APART}", (answers[0], *kept[0]))]


async def _until_refused(scene: Scene, user: Identity, kinds: Kinds) -> list[Answer]:
    """Ask over a new connection: once, or where something comes back until it is refused, or had a whole quota."""
    wire = scene.wire(user)
    answers = await scene.send(wire)
    while scene.policy.refills and not kinds.rejected(answers[-1]) and len(answers) < scene.policy.quota:
        answers += await scene.send(wire)
    await wire.close()
    return answers


def _gained(policy: Policy, before: Answer, anew: Sequence[Answer], kinds: Kinds) -> list[Answer]:
    """Return what was admitted after a refusal that one count would have refused.

    Where a quota that is used up does not stay so, something may have come back, by a rate that is wrong. Then it shows
    by what is said to remain, which is more than ever comes back meanwhile. Where nothing is said, it shows by as much
    that is admitted in a row: what comes back so fast would not have been refused before.
    """
    if policy.lasting:
        return [answer for answer in anew if kinds.admitted(answer)]
    back, told = _back(policy, [before, *anew]), _told(policy, anew, kinds)
    if told:
        return [answer for answer, left in told if left > back]
    runs = [list(run) for served, run in itertools.groupby(anew, kinds.admitted) if served]
    return [answer for run in runs if policy.refills and len(run) > back for answer in run]


def _told(policy: Policy, answers: Sequence[Answer], kinds: Kinds) -> list[tuple[Answer, int]]:
    """Return what was admitted with how much is said to remain."""
    found = [(answer, read_figure(policy, answer, "remaining")) for answer in answers if kinds.admitted(answer)]
    return [(answer, left) for answer, left in found if isinstance(left, int)]


def _back(policy: Policy, answers: Sequence[Answer]) -> int:
    """Return how many requests may have come back meanwhile, of one of which a part may have been there before."""
    return 1 + math.floor(policy.back(lasted_s(answers))) if policy.refills else 0


def _kept(policy: Policy, answers: Sequence[Answer]) -> list[tuple[Answer, Answer]]:
    """Return the answers that say that no less remains than the one before; none where it is always the same."""
    told = [(answer, read_figure(policy, answer, "remaining")) for answer in answers]
    known = [(answer, left) for answer, left in told if isinstance(left, int) and left > 0]
    if len({left for _, left in known}) <= TWICE:
        return []
    return [(one, other) for (one, before), (other, left) in itertools.pairwise(known) if left >= before]
