"""An inference in virtual time: its own code against a limiter, on a clock that passes only where something waits.

How many windows it takes is then a property of what it plans, not of the machine.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any

import pytest
from algorithms import Server

from seatrial.throttle._wire import Answer, Instant
from seatrial.throttle.infer import Found, Task, discover
from seatrial.throttle.infer import _lab as lab

EPOCH = 1_700_000_000.0


class Clock:
    """What every clock shows."""

    def __init__(self, at_s: float) -> None:
        self.s = at_s

    def monotonic(self) -> float:
        """Return the steady clock."""
        return self.s

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return EPOCH + self.s


class Selector(selectors.DefaultSelector):
    """Nobody is waited for: the clock is put forward instead."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready, or let the time pass."""
        found = super().select(0)
        self.clock.s += 0.0 if found else timeout or 0.0
        return found


class Loop(asyncio.SelectorEventLoop):
    """An event loop on that clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Selector(clock))
        self.clock = clock

    def time(self) -> float:
        """Return the time by which callbacks are due."""
        return self.clock.s


class Wire:
    """A client's connection to a server that is here."""

    server: Server
    random: random.Random
    takes_s = (0.0003, 0.001)

    def __init__(self, url: str, *, name: str, headers: Mapping[str, str], address: str = "") -> None:
        self.url, self.name, self.headers, self.address = url, name, headers, address

    def twin(self) -> Wire:
        """Return another connection."""
        return type(self)(self.url, name=self.name, headers=self.headers, address=self.address)

    async def open(self) -> None:
        """Be there."""

    async def close(self) -> None:
        """Be gone."""

    async def send(self, method: str, path: str, extra: tuple[tuple[str, str], ...] = ()) -> Answer:
        """Send one request; the server decides at some time between that and the answer."""
        sent = Instant(time.monotonic(), time.time())
        await asyncio.sleep(self.random.uniform(*self.takes_s))
        lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in (*self.headers.items(), *extra))]
        answer = await self.server.answer("\r\n".join(lines), self.address, self.server.limiters[0], 1)
        assert answer
        await asyncio.sleep(self.random.uniform(*self.takes_s))
        status, headers, body = answer
        return Answer(
            method=method,
            path=path,
            status=status,
            headers=(("Date", formatdate(time.time(), usegmt=True)), *headers.items()),
            sent=sent,
            received=Instant(time.monotonic(), time.time()),
            client=self.name,
            extra=extra,
            body=body,
        )

    async def pipeline(self, method: str, path: str, count: int) -> list[Answer]:
        """Send some, one after the other."""
        return [await self.send(method, path) for _ in range(count)]


async def directly(function: Callable[[], Any]) -> Any:
    """Call what would have a thread of its own."""
    return function()


def infer(  # noqa: PLR0913 - what there is to choose
    patch: pytest.MonkeyPatch, algorithm: str, *, headers: str, quota: int, window_s: float, seed: int, **task: Any
) -> Found:
    """Return what is found of a limiter that is asked at some time of its window."""
    source = random.Random(seed)  # noqa: S311 - repeatable on purpose
    clock = Clock(1000.0 + source.uniform(0, 3 * window_s))
    chosen = {"algorithm": algorithm, "headers": headers, "quota": quota, "window_s": window_s}
    kind = type("Wire", (Wire,), {"server": Server(chosen, frozenset({"retry-none"})), "random": source})
    with patch.context() as inside:
        inside.setattr(time, "monotonic", clock.monotonic)
        inside.setattr(time, "time", clock.time)
        inside.setattr(lab, "Wire", kind)
        inside.setattr(asyncio, "to_thread", directly)
        inside.setattr(asyncio, "run", lambda main: _run(main, clock))
        usual = {"address_pool": "127.31.0.0/16", "max_s": 30 * window_s, "seed": seed}
        return discover(Task(url="http://127.0.0.1:1/items/7", **{**usual, **task}))


def _run(main: Awaitable[Found], clock: Clock) -> Found:
    with asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner:
        return runner.run(main)  # type: ignore[arg-type]  # what is awaited is a coroutine
