"""A small real server behind a limiter of any algorithm, with defects that can be switched on; and the limiters alone.

    python algorithms.py '{"algorithm": "token-bucket", "quota": 10, "window_s": 2.0, "traits": ["status-503"]}'

It prints its port, and serves until its standard input ends. `Authorization: Bearer TOKEN.USER.ORGANISATION` names who
asks; `key` says which of these, or `address`, has a bucket.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

HOUR_S = 3600.0


@dataclass
class Limiter:
    """What every algorithm has: a quota in a window, and something kept for each key."""

    quota: int
    window_s: float
    refused_count: bool = False
    kept: dict[str, Any] = field(default_factory=dict)

    def admit(self, key: str, now_s: float) -> tuple[bool, int, float]:
        """Return whether a request is admitted, what remains, and after how many seconds there is more."""
        raise NotImplementedError


class Fixed(Limiter):
    """A fixed window from the first request on, by the clock, or by the clock with a phase of each key."""

    anchor = "first-request"

    def begins(self, key: str, now_s: float) -> float:
        """Return when the window of now began."""
        began_s: float = self.kept.get(key, (-math.inf, 0))[0]
        if self.anchor == "first-request":
            return began_s if now_s < began_s + self.window_s else now_s
        phase_s = 0.0 if self.anchor == "clock" else random.Random(key).uniform(0, self.window_s)  # noqa: S311
        return now_s - (now_s - phase_s) % self.window_s

    def admit(self, key: str, now_s: float) -> tuple[bool, int, float]:
        """Count in the window of now."""
        began_s = self.begins(key, now_s)
        before_s, used = self.kept.get(key, (began_s, 0))
        used = used if abs(before_s - began_s) < self.window_s / 2 else 0
        admitted = used < self.quota
        self.kept[key] = (began_s, used + admitted)
        return admitted, self.quota - used - admitted, began_s + self.window_s - now_s


class Clock(Fixed):
    """Windows at whole multiples of their length."""

    anchor = "clock"


class PerKey(Fixed):
    """Windows with a phase of each key's own."""

    anchor = "per-key"


class Log(Limiter):
    """A sliding log."""

    def admit(self, key: str, now_s: float) -> tuple[bool, int, float]:
        """Count what lies less than a window back."""
        times = self.kept[key] = [at for at in self.kept.get(key, []) if at > now_s - self.window_s]
        admitted = len(times) < self.quota
        if admitted or self.refused_count:
            times.append(now_s)
        return admitted, max(0, self.quota - len(times)), times[0] + self.window_s - now_s


class Counter(Limiter):
    """A sliding counter by the clock."""

    def admit(self, key: str, now_s: float) -> tuple[bool, int, float]:
        """Weigh the window before by how much of it is still in view."""
        number, share = divmod(now_s / self.window_s, 1)
        counts = self.kept.setdefault(key, {})
        seen = counts.get(number - 1, 0) * (1 - share) + counts.get(number, 0)
        admitted = seen + 1 <= self.quota
        if admitted or self.refused_count:
            counts[number] = counts.get(number, 0) + 1
        return admitted, max(0, int(self.quota - seen - admitted)), (1 - share) * self.window_s


class Bucket(Limiter):
    """A token bucket that starts full."""

    def admit(self, key: str, now_s: float) -> tuple[bool, int, float]:
        """Take a token if one is there."""
        rate = self.quota / self.window_s
        tokens, at_s = self.kept.get(key, (float(self.quota), now_s))
        tokens = min(self.quota, tokens + (now_s - at_s) * rate)
        admitted = tokens >= 1
        self.kept[key] = (tokens - admitted, now_s)
        return admitted, int(tokens - admitted), max(0.0, (1 - tokens + admitted) / rate)


ALGORITHMS: dict[str, type[Limiter]] = {
    "fixed-window": Fixed,
    "clock": Clock,
    "per-key": PerKey,
    "sliding-log": Log,
    "sliding-counter": Counter,
    "token-bucket": Bucket,
}
SPOOFABLE = {"trusts-forwarded-for": "x-forwarded-for", "trusts-real-ip": "x-real-ip", "keys-by-agent": "user-agent"}
Answer = tuple[int, dict[str, str], str]
RETRY: dict[str, Callable[[float], str]] = {
    "retry-soon": lambda _: "soon",
    "retry-negative": lambda _: "-3",
    "retry-huge": lambda _: "86400",
    "retry-none": lambda _: "",
    "retry-zero": lambda _: "0",
    "retry-twice": lambda wait_s: f"{math.ceil(wait_s)}\r\nRetry-After: {math.ceil(wait_s) + 1}",
}


@dataclass
class Server:
    """One endpoint, `/items/ANYTHING`."""

    settings: dict[str, Any]
    traits: frozenset[str]
    served: int = 0
    running: int = 0

    def __post_init__(self) -> None:
        """Make as many limiters as there are instances."""
        kind = ALGORITHMS.get(self.settings["algorithm"], Fixed)
        made = (self.settings["quota"], self.settings["window_s"], "refused-count" in self.traits)
        self.limiters = [kind(*made) for _ in range(self.settings.get("replicas", 1))]
        self.free_s: dict[str, float] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection; what one read brings is one tick."""
        rest, address, limiter = b"", writer.get_extra_info("peername")[0], random.choice(self.limiters)  # noqa: S311
        try:
            while data := await reader.read(65536):
                *heads, rest = (rest + data).split(b"\r\n\r\n")
                for head in heads:
                    answer = await self.answer(head.decode("latin-1"), address, limiter, len(heads))
                    if answer is None:
                        return
                    whole = not head.startswith(b"HEAD")
                    writer.write(render(answer, HOUR_S if "clock-ahead" in self.traits else 0.0, whole=whole))
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def answer(self, head: str, address: str, limiter: Limiter, tick: int) -> Answer | None:
        """Return the answer to one request, None where the connection just ends."""
        self.served += 1
        if "dies" in self.traits and self.served > 2 * self.settings["quota"]:
            os._exit(0)
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        for status in (404, 307):
            if f"answers-{status}" in self.traits:
                return status, {}, "no"
        if not self.routed(path):
            return 404, {}, "no such page"
        return await self.limited(limiter, self.key(method, path, headers, address), tick)

    def routed(self, path: str) -> bool:
        """Tell whether a path leads to the endpoint, as forgiving as the traits say."""
        path = path.partition("?")[0]
        if "spelling-escapes" in self.traits:
            path = unquote(path).rstrip("/")
        return path.startswith("/items")

    def key(self, method: str, path: str, headers: dict[str, str], address: str) -> str:
        """Return whose bucket a request counts in."""
        token, _, rest = headers.get("authorization", "").removeprefix("Bearer ").partition(".")
        user, _, organisation = rest.partition(".")
        who = {"token": token, "user": user, "organisation": organisation, "global": "all"}
        spoofed = [headers[name] for trait, name in SPOOFABLE.items() if trait in self.traits and name in headers]
        parts = [*spoofed[:1]] if spoofed else [who.get(self.settings.get("key", "address")) or address]
        plain, _, query = path.partition("?")
        odd = "spelling-escapes" in self.traits and plain != unquote(plain).rstrip("/")
        parts += [plain] if odd or "path-in-key" in self.traits else []
        parts += [query] if "query-in-key" in self.traits else []
        return "|".join([*parts, *([method] if "method-in-key" in self.traits else [])])

    async def limited(self, limiter: Limiter, key: str, tick: int) -> Answer | None:
        """Return the answer of the limiter that is chosen."""
        algorithm = self.settings["algorithm"]
        if algorithm == "none":
            return 200, {}, "ok"
        if algorithm == "concurrency":
            return await self.at_once()
        if algorithm == "leaky-queue":
            return await self.queued(key)
        if "race" in self.traits:
            before = limiter.kept.get(key, (time.time(), 0))
            await asyncio.sleep(0.02)
            limiter.kept[key] = before
        if "slow" in self.traits:
            await asyncio.sleep(0.05)
        return self.decide(limiter, key, tick)

    def decide(self, limiter: Limiter, key: str, tick: int) -> Answer | None:
        """Count a request and return its answer."""
        admitted, left, wait_s = limiter.admit(key, time.time())
        if "same-tick" in self.traits and tick > limiter.quota:
            admitted = False
        if not admitted and "resets-connection" in self.traits:
            return None
        statuses = [status for status in (200, 403, 503) if f"status-{status}" in self.traits]
        status = 200 if admitted else next(iter(statuses), 429)
        return status, self.headers(limiter, admitted=admitted, left=left, wait_s=wait_s), "ok" if admitted else "full"

    def headers(self, limiter: Limiter, *, admitted: bool, left: int, wait_s: float) -> dict[str, str]:
        """Return the headers of the convention that is chosen."""
        whole = max(1, math.ceil(wait_s))
        ahead_s = HOUR_S if "clock-ahead" in self.traits else 0.0
        figures = {
            "epoch": {"X-RateLimit-Reset": str(math.ceil(time.time() + ahead_s + wait_s))},
            "delta": {"X-RateLimit-Reset": str(whole)},
            "limit": {"X-RateLimit-Limit": str(limiter.quota)},
            "draft": {
                "RateLimit-Policy": f'"default";q={limiter.quota};w={math.ceil(limiter.window_s)}',
                "RateLimit": f'"default";r={left};t={whole}',
            },
        }
        found = dict(figures.get(self.settings.get("headers", "none"), {}))
        if "X-RateLimit-Reset" in found:
            more = "limit-untrue" in self.traits
            found |= {"X-RateLimit-Limit": str(limiter.quota + more), "X-RateLimit-Remaining": str(left)}
            found |= {"X-RateLimit-Reset": "soon"} if "reset-soon" in self.traits else {}
        said = next((make(wait_s) for trait, make in RETRY.items() if trait in self.traits), str(whole))
        return found | ({} if admitted or not said else {"Retry-After": said})

    async def at_once(self) -> Answer:
        """Answer slowly, and no more than the quota at once."""
        if self.running >= self.settings["quota"]:
            return 503, {}, "busy"
        self.running += 1
        await asyncio.sleep(0.15)
        self.running -= 1
        return 200, {}, "ok"

    async def queued(self, key: str) -> Answer:
        """Let requests through at a steady pace; only so many may wait."""
        pace_s, now_s = self.settings["window_s"] / self.settings["quota"], time.monotonic()
        turn_s = max(now_s, self.free_s.get(key, 0.0))
        if turn_s - now_s > pace_s * self.settings["quota"]:
            return 503, {}, "queue full"
        self.free_s[key] = turn_s + pace_s
        await asyncio.sleep(turn_s - now_s)
        return 200, {}, "ok"


def render(answer: Answer, ahead_s: float, *, whole: bool) -> bytes:
    """Return an answer's bytes."""
    status, headers, body = answer
    lines = [f"HTTP/1.1 {status} Answer", f"Date: {formatdate(time.time() + ahead_s, usegmt=True)}"]
    lines += [*(f"{name}: {value}" for name, value in headers.items()), f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body * whole]).encode()


async def main(settings: dict[str, Any]) -> None:
    """Serve until standard input ends."""
    serving = Server(settings, frozenset(settings.pop("traits", ())))
    server = await asyncio.start_server(serving.serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the test learns the port
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
