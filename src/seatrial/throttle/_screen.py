"""Bypasses: a client whose quota is used up writes its request otherwise, and must stay refused.

drain --> | control, eight variants, control | ... --> each suspect again, by a fresh client, beyond its quota

One admission proves nothing: a window may end, a bucket refill, another path have a limit of its own. A bypass admits
a fresh client more than its quota when every request is written another way (field notes, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from seatrial.core import Identity
from seatrial.throttle._claims import Defect, lasted_s
from seatrial.throttle._clients import UsedUp, control, unlimited, use_up
from seatrial.throttle._first import Ramp
from seatrial.throttle._handler import Handler
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._policy import BEYOND
from seatrial.throttle._scene import Scene
from seatrial.throttle._variants import CHUNK, Shape, Variant, Who, Write, claims_of, variants
from seatrial.throttle._window import end_of_window, inside
from seatrial.throttle._wire import Answer, Wire, WireError

MANY = 3
"""So many quotas are asked for at the most, where a bucket refills meanwhile."""
ONE_MORE = 1
"""A bucket of its own may be off by one: that is no way round the limit."""
UNKNOWN = "and by what is not known: bodies vary here, also of the usual request"
UNLIMITED = "ratelimit.anonymous-by-address failed: nothing was rejected"


@dataclass(frozen=True, slots=True)
class Suspect:
    """A variant that was admitted between `refused` and another rejection of its client."""

    variant: Variant
    refused: Answer
    admitted: Answer
    handler: Handler


@dataclass(slots=True)
class Screening:
    """What is still to be tried and to be confirmed: an attempt goes on where the one before ended."""

    who: Who
    left: list[Variant]
    suspects: list[Suspect] = field(default_factory=list)

    @classmethod
    def of(cls, scene: Scene, who: Who) -> Self:
        """Return a screening of everything that such a client may write otherwise."""
        return cls(who, [variant for variant in variants(scene.policy) if variant.who == who])


async def screen(scene: Scene, screening: Screening) -> None:
    """See that no variant opens a new bucket; raises UndecidedError, WireError."""
    if screening.left and not await _try_all(scene, screening):
        return
    while screening.suspects:
        await confirm(scene, screening.suspects[0])
        screening.suspects.pop(0)
    for claim in claims_of(scene.policy, screening.who):
        scene.ledger.judge(claim, [])


async def _try_all(scene: Scene, screening: Screening) -> bool:
    """Send every variant that is left as a client whose quota is used up; return whether there is such a client."""
    who = screening.who
    used = await use_up(scene, scene.cast()[0], anonymous=who == "nobody" or bool(scene.plan.no_users))
    if used.rejection is None:
        if who == "nobody":
            unlimited(scene, used)
        scene.ledger.block(claims_of(scene.policy, who), UNLIMITED if who == "nobody" else "nothing was rejected")
        return False
    while screening.left:
        chunk = screening.left[:CHUNK]
        screening.suspects += await try_between(scene, used, chunk)
        del screening.left[: len(chunk)]
    return True


async def try_between(scene: Scene, used: UsedUp, chunk: Sequence[Variant]) -> list[Suspect]:
    """Send variants, between two rejections of the same window."""
    found, tried, refused, handler = [], [], await control(scene, used), used.handler
    for variant in chunk:
        answer = await _served(scene, used, variant)
        tried.append((variant, answer))
        if answer and handler.whose(variant, answer) != "another":
            found.append(Suspect(variant, refused, answer, handler))
    await control(scene, used)
    scene.ledger.journal.bracket(refused, tried, handler)
    return found


async def _served(scene: Scene, used: UsedUp, variant: Variant) -> Answer | None:
    """Send a variant on a connection of its own, which it may spoil; None where it is not answered, so not served."""
    try:
        return await send(scene, scene.wire(used.client), variant.write(scene.policy, scene.random))
    except WireError:
        return None


async def send(scene: Scene, wire: Wire, shape: Shape) -> Answer:
    """Send one request as it is written."""
    wire.carry(shape.body, shape.version)
    return await scene.ask(wire, shape.method, shape.path, shape.extra)


async def confirm(scene: Scene, suspect: Suspect, client: Identity | None = None) -> None:
    """Send more than a quota as a fresh client, each request another way; it is a defect if they are admitted.

    By default that is one like the first of the step. What another handler admitted counts for nothing, and what may be
    another's is left open.
    """
    variant = suspect.variant
    known = scene.ledger.defects.get(variant.claim, ())
    if any(defect.cause == variant.cause for defect in known):
        scene.ledger.journal.liken(variant)
        return
    answers = await rotate(scene, client or scene.another(), variant.write)
    whose = [suspect.handler.whose(variant, answer) for answer in answers]
    admitted, most = whose.count("same"), most_admitted(scene, answers) + ONE_MORE
    if admitted <= most < admitted + whose.count("unknown"):
        scene.ledger.journal.doubt(variant, admitted=len(whose) - whose.count("another"), asked=len(answers))
        scene.ledger.leave_open((variant.claim,), f"{variant.what} is admitted beyond a quota, {UNKNOWN}")
        return
    scene.ledger.journal.confirm(variant, admitted=admitted, asked=len(answers), bypass=admitted > most)
    if admitted <= most:
        scene.ledger.notes.append(f"{variant.what} has a bucket of its own, which is limited too")
        return
    title = f"{variant.what} opens a new bucket: {admitted} of {len(answers)} requests were admitted"
    shown = (suspect.refused, answers[-1], suspect.admitted)  # what repeats it is made of the first and the last
    scene.ledger.judge(variant.claim, [Defect(variant.cause, title, shown)])


async def rotate(scene: Scene, client: Identity, write: Write) -> list[Answer]:
    """Send more than a quota, each request written another way; raises UndecidedError beyond one window."""
    await scene.await_clock()
    wire = scene.wire(client)
    answers: list[Answer] = []
    while len(answers) < BEYOND or len(answers) < most_admitted(scene, answers) + BEYOND:
        if len(answers) > MANY * scene.policy.ramp:
            raise UndecidedError("too much comes back meanwhile here to ask for more than that")
        answers.append(await send(scene, wire, write(scene.policy, scene.random)))
    if not inside(end_of_window(scene.policy, answers), answers):
        raise UndecidedError(f"{len(answers)} requests do not fit into one window here")
    return answers


def most_admitted(scene: Scene, answers: Sequence[Answer]) -> int:
    """Return how many of a fresh client's requests are admitted at most: a quota that is wrong is another claim."""
    most = scene.policy.at_most(lasted_s(answers) if answers else 0.0)
    return most + scene.ledger.surplus(scene.policy.quota)


async def parameters(scene: Scene, ramp: Ramp) -> None:
    """See that resources share their client's quota, or one that is off by one; raises UndecidedError, WireError."""
    (variant,) = [variant for variant in variants(scene.policy) if variant.claim == "path-parameter-in-key"]
    (client,) = scene.cast()
    answers = await rotate(scene, client, variant.write)
    kinds = replace(ramp.kinds, usual=answers[0].status)
    admitted = kinds.count(answers)
    title = (
        f"{admitted} of {len(answers)} requests for as many resources were admitted, the quota is {scene.policy.quota}"
    )
    many = admitted > most_admitted(scene, answers) + ONE_MORE
    scene.ledger.journal.show(variant.claim, answers[0], answers[-1])
    defects = [Defect(variant.cause, title, (answers[0], answers[-1]))] if many else []
    scene.ledger.judge(variant.claim, defects)
