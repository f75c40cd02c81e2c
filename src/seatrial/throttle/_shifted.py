"""Windows that are shifted for each key: one may end while a quota is taken, which then is there once more.

Whether that is why more than the quota was admitted is certain later: if so, nothing is admitted until a window after
the first request, as no window of this client ends before that.
"""

from __future__ import annotations

from collections.abc import Sequence

from seatrial.core import Identity
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._rollover import Stretch
from seatrial.throttle._scene import Scene
from seatrial.throttle._window import slack_s
from seatrial.throttle._wire import Answer

LATE = 0.9
ENDED = "more than the quota is admitted, as where a window ends meanwhile that is shifted for its key"


async def settle(scene: Scene, user: Identity, claim: str, answers: Sequence[Answer], kinds: Kinds) -> int:
    """Return how many of a fresh client's requests may be admitted; raises UndecidedError where nothing tells."""
    policy, admitted = scene.policy, kinds.count(answers)
    if not policy.renews or not policy.quota < admitted <= policy.at_most(0.0):
        return scene.ledger.rollovers.settle(policy, claim, answers, admitted)
    if not await _served_again(scene, user, answers, kinds):
        raise UndecidedError(ENDED)
    scene.ledger.rollovers.unturned.append(Stretch.of(answers))
    return policy.quota


async def _served_again(scene: Scene, user: Identity, answers: Sequence[Answer], kinds: Kinds) -> bool:
    """Return whether a client is served again before a window can have ended twice; it uses up what there is first."""
    wire, began_s, window_s = scene.wire(user), Stretch.of(answers).since_s, scene.policy.window_s
    left = scene.policy.at_most(0.0) - kinds.count(answers)
    for _ in range(left + 1):
        (answer,) = await scene.send(wire)
        if kinds.rejected(answer):
            break
    else:
        return True  # more than two quotas
    await scene.sleep_until(began_s + LATE * window_s)
    (late,) = await scene.send(wire)
    kinds.count([late])
    return kinds.admitted(late) and late.received.s < began_s + window_s - slack_s(scene.policy)
