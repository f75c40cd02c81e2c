"""Where nothing tells when a window ends, others come at ever longer intervals while the first client waits for one.

    first    quota, asks on - - - - - - - - - - - - - - - - - - end, takes it, asks on - - - - -
    whole      quota, asks rarely - - - - - - - - - - - - - - - | and whenever the first one is served again
    begun          one request                                  | the rest, asks rarely - - - -
    whole                      quota, asks rarely - - - - - - - |

So clients began in each part of the window that ends first, whatever its length, and none has to begin in the next. Who
was there with one request before an end, and takes the rest after it, tells a window from a log.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seatrial.throttle.infer._bell import Bell
from seatrial.throttle.infer._lab import Lab, Record
from seatrial.throttle.infer._probes import BEYOND, fill, sleep_until
from seatrial.throttle.infer._seen import Interval, Segment

SOONEST_S, LATER = 0.3, 4.0
"""When somebody comes at the soonest after the first client, and how many times as late each one after that."""
RARELY, APART = 1.2, 0.05
"""By how much later each question comes, and the least between two, as a share of the time since the beginning."""
STALE = LATER**2 + 1
"""Who began so early, as a share of what the first client waited for, began with it; somebody else began later."""
STEP = 0.03
"""How far two questions are apart, in windows, where quota is due."""
AFTER_S = 0.01
FEWEST, MOST = 4, 12


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Clients that come while the first one, whose bell rings when it is served again, waits for that."""

    lab: Lab
    first: Record
    quota: int
    bell: Bell

    @property
    def began_s(self) -> float:
        """Return when the first client came."""
        return self.first.answers[0].sent.s

    @property
    def served(self) -> bool:
        """Return whether the first client was served again."""
        return math.isfinite(self._lasted()[1])

    def due(self, count: int) -> Iterator[float]:
        """Return when each of so many comes, on the steady clock."""
        after_s = max(SOONEST_S, 2 * (time.monotonic() - self.began_s))
        for _ in range(count):
            yield self.began_s + after_s
            after_s *= LATER

    async def come(self, due_s: float, *, whole: bool) -> None:
        """Use a quota up when it is time, or begin to: then the rest is taken once the first client is served again."""
        await sleep_until(due_s)
        async with self.lab.fresh() as client:
            whole = whole or self.bell.rung
            record = self.lab.record(client, plain=whole)
            if not whole:
                await self.lab.ask(record)
                await self.bell.wait()
                if time.monotonic() - self.began_s > STALE * (due_s - self.began_s):
                    return
            await fill(self.lab, record, most=self.quota + BEYOND)
            await self._until_served(record)

    async def sharpen(self, window: Callable[[], Interval]) -> None:
        """Use a quota up, and ask often when it is due: whole windows of a counter after the first client's was.

        How long these are may be known better meanwhile.
        """
        async with self.lab.fresh() as client:
            record = self.lab.record(client)
            await fill(self.lab, record, most=self.quota + BEYOND)
            asked_s, since_s = time.monotonic(), self.began_s + self._lasted()[1]
            number = math.floor((asked_s - since_s) / math.sqrt(math.prod(window()))) + 1
            while True:
                while time.monotonic() < (due_s := max(since_s + number * window()[0], asked_s + STEP * window()[0])):
                    await sleep_until(min(due_s, time.monotonic() + STEP * window()[0]))
                answer, asked_s = await self.lab.ask(record), time.monotonic()
                if self.lab.looks and self.lab.looks.admitted(answer):
                    await fill(self.lab, record, most=BEYOND)
                    return

    async def _until_served(self, record: Record) -> None:
        """Ask rarely, when the first client is served again, and as long after one's first request as that one was."""
        while True:
            await self._await_turn(record, time.monotonic())
            answer = await self.lab.ask(record)
            if self.lab.looks and self.lab.looks.admitted(answer):
                await fill(self.lab, record, most=BEYOND)
                return

    async def _await_turn(self, record: Record, asked_s: float) -> None:
        """Wait until it is time to ask again, or the bell rings, but no shorter than questions are apart."""
        since_s = asked_s - self.began_s
        moments = (*self._alike(record), self.began_s + since_s * RARELY)
        until_s = min(moment_s for moment_s in moments if moment_s > asked_s)
        await self.bell.wait(until_s - asked_s)
        await sleep_until(min(until_s, asked_s + since_s * APART))

    def _alike(self, record: Record) -> Interval:
        """Return between when a client is served again whose window lasts as long as that of the first one."""
        low, high = self._lasted()
        return record.answers[0].sent.s + low - AFTER_S, record.answers[0].received.s + high + AFTER_S

    def _lasted(self) -> Interval:
        """Return between what times the first client was served again."""
        first = Segment("", self.lab.hits(self.first.answers))
        began = first.hits[0]
        return next(
            ((low - began.received, high - began.sent) for low, high in first.recoveries()), (-math.inf, -math.inf)
        )
