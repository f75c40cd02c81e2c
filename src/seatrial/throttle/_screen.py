"""Bypasses: a client whose quota is used up writes its request otherwise, and must stay refused.

drain --> variant, variant, ... --> control (still refused?) --> each suspect again, by a fresh client, beyond its quota

One admission proves nothing: a window may end, a bucket refill, another path have a limit of its own. A bypass admits
a fresh client more than its quota when every request is written another way (field notes, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._clients import UsedUp, control, nobody, use_up
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._policy import BEYOND
from seatrial.throttle._scene import Scene
from seatrial.throttle._variants import Shape, Variant, Who, Write, variants
from seatrial.throttle._window import end_of_window, inside
from seatrial.throttle._wire import Answer, Wire, WireError

MANY = 3
"""So many quotas are asked for at the most, where a bucket refills meanwhile."""
UNLIMITED = "ratelimit.anonymous-by-address failed: nothing was rejected"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A variant that was admitted although its client's quota was used up."""

    variant: Variant
    answer: Answer


def claims_of(scene: Scene, who: Who) -> tuple[str, ...]:
    """Return the claims that a screen of such a client decides."""
    return tuple(dict.fromkeys(variant.claim for variant in _of(scene, who)))


def _of(scene: Scene, who: Who) -> list[Variant]:
    return [variant for variant in variants(scene.policy) if variant.who == who]


async def screen(scene: Scene, who: Who) -> None:
    """See that no variant opens a new bucket; raises UndecidedError, WireError."""
    used = await use_up(scene, _client(scene, who), anonymous=who == "nobody" or not scene.has_users)
    if used.rejection is None:
        scene.ledger.block(claims_of(scene, who), UNLIMITED if who == "nobody" else "nothing was rejected")
        return
    suspects = await _try_all(scene, used, _of(scene, who))
    defects = [await _confirm(scene, used, suspect) for suspect in _one_of_each(suspects)]
    for claim in claims_of(scene, who):
        scene.ledger.judge(claim, [defect for named, defect in filter(None, defects) if named == claim])


def _client(scene: Scene, who: Who) -> Identity:
    return nobody(scene) if who == "nobody" else scene.user()


async def _try_all(scene: Scene, used: UsedUp, tried: Sequence[Variant]) -> list[Suspect]:
    """Send every variant, then see that the quota was used up all the while."""
    found = []
    for variant in tried:
        answer = await _served(scene, used, variant)
        if answer and used.kinds.admitted(answer):
            found.append(Suspect(variant, answer))
    await control(scene, used)
    return found


async def _served(scene: Scene, used: UsedUp, variant: Variant) -> Answer | None:
    """Send a variant on a connection of its own, which it may spoil; None where it is not answered, so not served."""
    try:
        return await send(scene, scene.wire(used.client), variant.write(scene.policy, scene.random))
    except WireError:
        return None


async def send(scene: Scene, wire: Wire, shape: Shape) -> Answer:
    """Send one request as it is written."""
    scene.ledger.requests += 1
    return await wire.send(shape.method, shape.path, shape.extra)


def _one_of_each(suspects: Sequence[Suspect]) -> list[Suspect]:
    """Return one suspect of each cause: confirming costs a whole quota."""
    return list({suspect.variant.cause: suspect for suspect in reversed(suspects)}.values())


async def _confirm(scene: Scene, used: UsedUp, suspect: Suspect) -> tuple[str, Defect] | None:
    """Send more than a quota as a fresh client, each request another way; return the defect if they are admitted."""
    variant = suspect.variant
    answers = await rotate(scene, _client(scene, variant.who), variant.write)
    admitted = sum(used.kinds.admitted(answer) for answer in answers)
    if admitted <= most_admitted(scene, answers):
        scene.ledger.notes.append(f"{variant.what} has a bucket of its own, which is limited too")
        return None
    title = f"{variant.what} opens a new bucket: {admitted} of {len(answers)} requests were admitted"
    shown = tuple(filter(None, (used.rejection, suspect.answer, answers[-1])))
    return variant.claim, Defect(variant.cause, title, shown)


async def rotate(scene: Scene, client: Identity, write: Write) -> list[Answer]:
    """Send more than a quota, each request written another way; raises UndecidedError beyond one window."""
    await scene.await_clock()
    wire = scene.wire(client)
    answers: list[Answer] = []
    while len(answers) < BEYOND or len(answers) < most_admitted(scene, answers) + BEYOND:
        if len(answers) > MANY * scene.policy.ramp:
            raise UndecidedError("a bucket refills too quickly here to ask for more than it holds")
        answers.append(await send(scene, wire, write(scene.policy, scene.random)))
    if not inside(end_of_window(scene.policy, answers), answers):
        raise UndecidedError(f"{len(answers)} requests do not fit into one window here")
    return answers


def most_admitted(scene: Scene, answers: Sequence[Answer]) -> int:
    """Return how many of a fresh client's requests are admitted at most: a quota that is wrong is another claim."""
    return max(scene.policy.at_most(lasted_s(answers) if answers else 0.0), scene.ledger.admitted or 0)


async def parameters(scene: Scene, rejections: frozenset[int]) -> None:
    """See that resources share their client's quota; raises UndecidedError, WireError."""
    (variant,) = [variant for variant in variants(scene.policy) if variant.claim == "path-parameter-in-key"]
    answers = await rotate(scene, scene.user(), variant.write)
    kinds = Kinds(answers[0].status, rejections)
    admitted = kinds.count(answers)
    title = (
        f"{admitted} of {len(answers)} requests for as many resources were admitted, the quota is {scene.policy.quota}"
    )
    many = admitted > most_admitted(scene, answers)
    defects = [Defect(variant.cause, title, (answers[0], answers[-1]))] if many else []
    scene.ledger.judge(variant.claim, defects)
