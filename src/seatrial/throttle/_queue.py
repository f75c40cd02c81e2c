"""Requests that wait for their quota instead of being refused: told by how long they take, and others do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from seatrial.core import Identity
from seatrial.throttle._claims import Defect
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._patience import LONGER, took_s
from seatrial.throttle._replay import Turn, Turns
from seatrial.throttle._scene import Scene
from seatrial.throttle._wire import Answer, Wire

PAIRS = 8
REASON = "ratelimit.quota-exact failed: requests beyond the quota wait, none is refused"


async def queued(scene: Scene, wire: Wire, others: Sequence[Identity]) -> bool:
    """Return whether a client that nobody refuses is made to wait, and judge that; raises UndecidedError, WireError.

    Each of its requests is compared with the first one of somebody else, sent just after it: a service that is slow for
    everybody makes nobody wait for his quota.
    """
    pairs = [await _pair(scene, wire, other) for other in _strangers(scene, others)]
    if not all(took_s(own) > LONGER * took_s(other) for own, other in pairs):
        return False
    waited_s, served_s = (median(took_s(pair[n]) for pair in pairs) for n in (0, 1))
    title = (
        f"requests beyond the quota of {scene.policy.quota} wait instead of being refused: "
        f"they take {waited_s:.3f} s, those of others {served_s:.3f} s"
    )
    scene.ledger.judge("isolation", [])
    scene.ledger.judge("quota-exact", [Defect("queued", title, pairs[-1], _again(scene, *pairs[-1]))])
    scene.ledger.block(sorted(scene.schedule.claims - {"isolation", "quota-exact"}), REASON)
    return True


def _again(scene: Scene, own: Answer, other: Answer) -> Turns:
    """Return the turns that show how long a client waits beyond its quota, and somebody else does not."""
    return Turn(answers=(own,), times=scene.policy.ramp, way="timed"), Turn(answers=(other,), way="timed")


def _strangers(scene: Scene, others: Sequence[Identity]) -> Iterator[Identity]:
    """Yield those of the step, and further ones."""
    yield from others
    for _ in range(PAIRS - len(others)):
        yield scene.another()


async def _pair(scene: Scene, wire: Wire, other: Identity) -> tuple[Answer, Answer]:
    (own,) = await scene.send(wire)
    (fresh,) = await scene.send(scene.wire(other))
    if own.status != fresh.status:
        raise UndecidedError(f"one client is answered {own.status}, another one {fresh.status}")
    return own, fresh
