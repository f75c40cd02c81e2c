"""What refusals cost: the service in comparison with answers, and others while somebody goes on asking.

Each figure is the time from the sending of a request to its answer, less what this process itself worked meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from seatrial.core import Identity
from seatrial.throttle._claims import Defect
from seatrial.throttle._clients import UsedUp, use_up
from seatrial.throttle._first import Ramp
from seatrial.throttle._kinds import Kinds, UndecidedError
from seatrial.throttle._paired import Compared
from seatrial.throttle._policy import READING_S
from seatrial.throttle._pressure import LOUD, NOISE, NOISY_PAIRS, PAIRS
from seatrial.throttle._replay import Turn, Turns
from seatrial.throttle._scene import Scene
from seatrial.throttle._wire import Answer, Wire

Timed = tuple[Answer, float]


async def cost(scene: Scene, ramp: Ramp) -> None:
    """See that a refusal takes less time than an answer; raises UndecidedError, WireError."""
    refused, served = await Refused.used_up(scene), Served(scene, ramp.kinds)
    pairs: list[tuple[float, float]] = []
    shown: list[Answer] = []
    for _ in range(PAIRS):
        (refusal, refusal_s), (answer, answer_s) = await _in_any_order(scene, refused.ask, served.ask)
        pairs.append((refusal_s, answer_s))
        shown = [refusal, answer]
    _judge_cost(scene, Compared(pairs), shown)


def _judge_cost(scene: Scene, found: Compared, shown: Sequence[Answer]) -> None:
    took = f"a refusal takes {1000 * found.ours_s:.2f} ms, an answer {1000 * found.other_s:.2f} ms"
    scene.ledger.figures["refusal_cost"] = found.factor
    scene.ledger.journal.show("refusals-cheap", *shown)
    if found.longer():
        turns = (Turn(answers=(shown[0],), times=4 * scene.policy.quota, way="timed"),)
        defect = Defect("refusals-dear", f"to refuse costs more than to answer: {took}", tuple(shown), turns)
        scene.ledger.judge("refusals-cheap", [defect])
    elif found.shorter():
        scene.ledger.judge("refusals-cheap", [])
    else:
        raise UndecidedError(f"neither is certainly dearer: {took}")


async def noise(scene: Scene, ramp: Ramp) -> None:
    """See that one who goes on asking does not slow the others; raises UndecidedError, WireError."""
    refused, quiet = await Refused.used_up(scene), Served(scene, ramp.kinds)
    pairs: list[tuple[float, float]] = []
    shown: list[Answer] = []
    noisy = Noise(scene, refused.client)

    async def disturbed() -> Timed:
        async with noisy.on():
            found = await quiet.ask()
        await quiet.ask()  # what noise left behind is over once somebody else is served
        return found

    try:
        await noisy.begin()
        while len(pairs) < NOISY_PAIRS and not noisy.spent:
            (answer, loud_s), (_, alone_s) = await _in_any_order(scene, disturbed, quiet.ask)
            pairs.append((loud_s, alone_s))
            shown = [refused.last, answer]
    finally:
        await noisy.close()
    _judge_noise(scene, Compared(pairs), shown)


def _judge_noise(scene: Scene, found: Compared, shown: Sequence[Answer]) -> None:
    most = scene.policy.settings.noisy_factor
    took = f"{1000 * found.ours_s:.2f} ms while another one goes on asking, {1000 * found.other_s:.2f} ms otherwise"
    scene.ledger.figures["noise_factor"] = found.factor
    scene.ledger.journal.show("noise-bounded", *shown)
    if found.longer(most, READING_S):
        title = f"a client waits {took}; more than {most:g} times as long is not promised"
        scene.ledger.judge("noise-bounded", [Defect("slows-others", title, tuple(shown), _again(scene, *shown))])
    elif found.shorter(most, READING_S):
        scene.ledger.judge("noise-bounded", [])
    else:
        raise UndecidedError(f"a client waits {took}: neither certainly more than {most:g} times as long, nor less")


def _again(scene: Scene, noisy: Answer, quiet: Answer) -> Turns:
    """Return the turns that time a client's requests alone, and then while another one goes on asking."""
    few = max(1, (scene.policy.quota - 1) // 2)
    return (
        Turn(answers=(quiet,), times=few, way="timed"),
        Turn(answers=(noisy, quiet), times=few, way="beside"),
    )


async def _in_any_order(
    scene: Scene, first: Callable[[], Awaitable[Timed]], second: Callable[[], Awaitable[Timed]]
) -> tuple[Timed, Timed]:
    """Do both, in an order that is drawn: what comes later is as often the one as the other."""
    if scene.random.random() < 0.5:  # noqa: PLR2004 - one of two
        return await first(), await second()
    found = await second()
    return await first(), found


async def _timed(scene: Scene, wire: Wire) -> Timed:
    """Send one request; what this process worked meanwhile, also for others, is not the service's time."""
    own_s = time.thread_time()
    (answer,) = await scene.send(wire)
    own_s = time.thread_time() - own_s
    return answer, max(0.0, answer.received.s - answer.sent.s - own_s)


class Served:
    """Requests that are admitted: each client stays within its quota, and then another one comes."""

    def __init__(self, scene: Scene, kinds: Kinds) -> None:
        self._scene, self._kinds = scene, kinds
        self._kind = scene.step.clients[0].kind
        self._wire: Wire | None = None
        self._left = 0

    async def ask(self) -> Timed:
        """Send one request; raises UndecidedError where it is refused."""
        wire = self._wire if self._wire and self._left else await self._next()
        self._left -= 1
        found = await _timed(self._scene, wire)
        if not self._kinds.admitted(found[0]):
            raise UndecidedError("a client within its quota is not served")
        return found

    async def _next(self) -> Wire:
        """Return a new client's connection; its first request is another matter, and is not compared."""
        if self._wire:
            await self._wire.close()
        quota = self._scene.policy.quota
        self._wire, self._left = self._scene.wire(self._scene.another(self._kind)), max(1, quota - 1)
        await self._scene.send(self._wire, 1 if quota > 1 else 0)
        return self._wire


class Refused:
    """Requests of a client that are refused; quota that comes back meanwhile is used up again."""

    def __init__(self, scene: Scene, used: UsedUp, last: Answer) -> None:
        self._scene, self._wire, self._kinds = scene, used.wire, used.kinds
        self.client, self.last = used.client, last

    @classmethod
    async def used_up(cls, scene: Scene) -> Refused:
        """Use up the quota of a client that nobody saw before; raises UndecidedError, WireError."""
        client = scene.another(scene.step.clients[0].kind)
        used = await use_up(scene, client, anonymous=bool(scene.plan.no_users))
        if used.rejection is None:
            raise UndecidedError("nothing was rejected")
        return cls(scene, used, used.rejection)

    async def ask(self) -> Timed:
        """Send requests until one is refused; raises UndecidedError where none is."""
        for _ in range(self._scene.policy.shows):
            answer, took_s = await _timed(self._scene, self._wire)
            if self._kinds.rejected(answer):
                self.last = answer
                return answer, took_s
        raise UndecidedError("a client whose quota is used up is not refused")


class Noise:
    """A client that goes on asking as fast as its answers come, whenever it is told to."""

    def __init__(self, scene: Scene, client: Identity) -> None:
        self._scene = scene
        self._wire = scene.unheard(client)
        self._left = NOISE * NOISY_PAIRS - LOUD
        self._on, self._heard = False, asyncio.Event()

    @property
    def spent(self) -> bool:
        """Return whether it may send no more."""
        return self._left <= 0

    async def begin(self) -> None:
        """Ask on for a while; raises WireError."""
        await self._scene.send(self._wire, LOUD)

    async def close(self) -> None:
        """Hang up."""
        await self._wire.close()

    @asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """Go on asking while the body runs, which begins once an answer came; raises WireError."""
        self._on = True
        self._heard.clear()
        asking = asyncio.create_task(self._ask_on())
        try:
            await self._heard.wait()
            yield
        finally:
            self._on = False
            await asking

    async def _ask_on(self) -> None:
        try:
            while self._on and not self.spent:
                self._left -= 1
                await self._scene.send(self._wire)
                self._heard.set()
        finally:
            self._heard.set()
