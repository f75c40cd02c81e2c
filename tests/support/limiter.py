"""A small real server behind a fixed window or a token bucket, with defects and awkward habits that can be switched on.

    python limiter.py '{"quota": 8, "window_s": 1.0, "traits": ["off-by-one"]}'

It prints its port, and serves until its standard input ends. `Authorization: Bearer
USER.ORGANISATION/NUMBER/valid` names a user.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import math
import os
import random
import re
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

HEALTH = "/health"
HOUR_S = 3600.0
MANY = 500
PATIENCE = 20
"""So many refusals does a limiter bear that bans whoever goes on asking."""

AGAIN, CROWD = 100, 200
"""So often is a client refused before a limiter loses its patience, and so many requests under way are too many."""

QUEUE, QUEUED_S = 8, 0.2
"""So many requests under way make a further one wait, and how long: a crowd is one though it takes long to come."""

WORK_S, LOCKED_S, BUSY_S, HARD_S = 0.002, 0.02, 0.5, 0.004
BUSY_PATH = "/a/99"

PROXY, SECOND_PROXY = "127.0.0.9", "127.0.0.10"
"""The proxies that it trusts: the address that one reports is the client's."""

NETWORKS = {"ipv6-by-address": 128, "ipv6-by-link": 96, "ipv6-by-site": 48, "ipv6-in-one": 8}
"""How many bits of an IPv6 address are its client's, where it is not the usual 64."""

IN_KEY = {
    "agent-in-key": "user-agent",
    "by-token": "authorization",
    "user-and-address": "address",
    "fragment-in-key": "path",
}
"""What some limiters take for another client."""

KEYS = {"hidden": "c2hhZG93", "address": "MTkyLjAuMi43"}
"""What a policy of the IETF says of whose quota it is, in Base64: a word, or an address."""

QUERY = " with a query"
"""The end of the key of a bucket that admits one more than others."""

QUEUES = {"queues", "queues-all"}
SPOOFABLE = {
    "forwarded-for-trusted": "x-forwarded-for",
    "real-ip-trusted": "x-real-ip",
    "forwarded-trusted": "forwarded",
    "forwarded-quoted-trusted": "forwarded",
}


@dataclass(slots=True)
class Bucket:
    """A client's window."""

    began_s: float
    used: int = 0
    number: int = 1
    refused: int = 0
    longer_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens to one request."""

    admitted: bool
    used: int
    ends_s: float


@dataclass(slots=True)
class Request:
    """A parsed request."""

    method: str
    path: str
    headers: dict[str, str]
    address: str
    body: str = ""
    instance: int = 0

    def said(self, what: str) -> str:
        """Return what a request says of something: its address, its path, or a header."""
        return {"address": self.address, "path": self.path}.get(what, self.headers.get(what, ""))

    @property
    def user(self) -> str:
        """Return who asks, empty without a token that holds."""
        user, _, rest = self.headers.get("authorization", "").removeprefix("Bearer ").partition("/")
        return user if rest.endswith("/valid") else ""


@dataclass(slots=True)
class Limiter:
    """A fixed window from a client's first request."""

    quota: int
    window_s: float
    traits: frozenset[str]
    convention: str = "x-ratelimit-epoch"
    buckets: dict[str, Bucket] = field(default_factory=dict)
    poured: dict[str, tuple[float, float]] = field(default_factory=dict)
    logs: dict[str, list[float]] = field(default_factory=dict)
    slots: dict[str, float] = field(default_factory=dict)
    served: int = 0

    def key(self, request: Request) -> str:
        """Return whose bucket a request counts in, and of which instance, where several count apart."""
        apart = f" at {request.instance}" if request.instance else ""
        return f"{self.whose(request)}{apart}"

    def whose(self, request: Request) -> str:
        """Return whose bucket a request counts in."""
        return " ".join([self.client(request), *(request.said(name) for name in self.more())]) + self.apart(request)

    def more(self) -> Iterator[str]:
        """Yield what else of a request counts as another client."""
        return (said for trait, said in IN_KEY.items() if trait in self.traits)

    def apart(self, request: Request) -> str:
        """Return what tells requests with any query from the others, where those have a bucket of their own."""
        return QUERY if "query-apart" in self.traits and "?" in request.path else ""

    def client(self, request: Request) -> str:
        """Return who asks."""
        if "global" in self.traits:
            return "everybody"
        address = self.address(request)
        if "field-in-key" in self.traits and request.body:
            return f"{request.user or address} as {json.loads(request.body)['login']}"
        if "body-in-key" in self.traits and request.body:
            return f"{request.user or address} with {request.body}"
        if request.user:
            return request.user.rpartition(".")[2] if "shared-in-organisation" in self.traits else request.user
        if "addresses-share" in self.traits:
            return "anonymous"
        trusted = [name for trait, name in SPOOFABLE.items() if trait in self.traits and address == request.address]
        said = (request.headers[name] for name in trusted if name in request.headers)
        return next((one for one in said if '"' in one or "forwarded-quoted-trusted" not in self.traits), address)

    def address(self, request: Request) -> str:
        """Return whose address counts: the one from which a request came, or that which the proxy reports."""
        ignored = {"proxy-ignored": PROXY, "second-proxy-ignored": SECOND_PROXY}
        trusted = {PROXY, SECOND_PROXY} - {proxy for trait, proxy in ignored.items() if trait in self.traits}
        if request.address not in trusted:
            return request.address
        if request.address == SECOND_PROXY and "ipv6-by-address-behind-second" in self.traits:
            return request.headers["x-forwarded-for"]
        return self.reported(request.headers["x-forwarded-for"].rpartition(",")[2].strip())

    def reported(self, address: str) -> str:
        """Return the bucket of a client whom the proxy reports, and who has a whole IPv6 network."""
        length = next((length for trait, length in NETWORKS.items() if trait in self.traits), 64)
        return str(ipaddress.ip_network((address, length), strict=False))

    def bucket(self, key: str, now_s: float) -> Bucket:
        """Return a client's window, a new one when the last has ended."""
        if len(self.buckets) > MANY:
            self.tidy(now_s)
        found = self.buckets.get(key)
        if "by-clock" in self.traits:
            now_s -= now_s % self.window_s
        if "by-key" in self.traits:
            now_s -= (now_s - zlib.crc32(key.encode()) / 2**32 * HOUR_S) % self.length()
        if found is None:
            self.buckets[key] = found = Bucket(now_s, used=-key.endswith(QUERY))
        if now_s >= found.began_s + self.length() + found.longer_s:
            self.buckets[key] = found = Bucket(now_s, number=found.number + 1)
        return found

    def tidy(self, now_s: float) -> None:
        """Drop the buckets whose windows are over, now that there are many."""
        if "remembers" in self.traits:
            return
        over = {k for k, bucket in self.buckets.items() if now_s >= bucket.began_s + self.length() + bucket.longer_s}
        for key in list(self.buckets) if "drops-all" in self.traits else over:
            del self.buckets[key]

    def turn(self) -> None:
        """Admit twice as much from now on, as a stand-in does for a store that failed."""
        self.traits |= {"double"}

    def prolong(self, bucket: Bucket, now_s: float, *, admitted: bool) -> None:
        """Let a window last longer than its length, where that goes by what comes late in it."""
        bucket.refused += not admitted
        banned = "refusals-prolong" in self.traits and bucket.refused > PATIENCE
        if banned or ("extends" in self.traits and admitted and now_s - bucket.began_s > self.window_s / 2):
            bucket.longer_s = now_s - bucket.began_s

    def length(self) -> float:
        """Return how long a window lasts."""
        factors = {"window-short": 0.5, "window-long": 1.5, "never-resets": 1000.0}
        return self.window_s * next((factor for trait, factor in factors.items() if trait in self.traits), 1.0)

    def allowed(self, bucket: Bucket) -> int:
        """Return how many requests a window admits."""
        more = {"off-by-one": 1, "one-too-few": -1, "double": self.quota}
        later = {"later-one-more": 1, "later-one-fewer": -1, "later-double": self.quota}
        found = self.quota + sum(n for trait, n in more.items() if trait in self.traits)
        return found + (bucket.number > 1) * sum(n for trait, n in later.items() if trait in self.traits)

    async def hit(self, key: str, *, tick: int) -> Decision:
        """Count one request of a read of `tick` requests, and decide."""
        if self.traits & QUEUES:
            return await self.queue(key, time.time())
        if "log" in self.traits:
            return await self.log(key, time.time())
        if "counter" in self.traits:
            return await self.weigh(key, time.time())
        if "bucket" in self.traits:
            return self.pour(key, time.time())
        bucket = self.bucket(key, time.time())
        used = bucket.used
        await self.race()
        admitted = used < self.allowed(bucket)
        if "same-tick" in self.traits:
            admitted = used + tick <= self.allowed(bucket)
        bucket.used = used + 1 if admitted else max(used, bucket.used)
        self.prolong(bucket, time.time(), admitted=admitted)
        return Decision(admitted, bucket.used, bucket.began_s + self.window_s)

    async def race(self) -> None:
        """Let others in between what is read and what is written, where nothing keeps them out."""
        if "race" in self.traits:
            await asyncio.sleep(0.004)

    async def queue(self, key: str, now_s: float) -> Decision:
        """Let a request wait until it is its turn: a quota at once and then evenly, or evenly from the start."""
        gap_s = self.window_s / self.quota
        idle_s = now_s - gap_s * (self.quota if "queues" in self.traits else 1)
        self.slots[key] = max(self.slots.get(key, idle_s), idle_s) + gap_s
        await asyncio.sleep(max(0.0, self.slots[key] - now_s))
        return Decision(admitted=True, used=1, ends_s=now_s + gap_s)

    async def log(self, key: str, now_s: float) -> Decision:
        """Count what was admitted in the last window; one that forgets all at once has edges after all."""
        entries = self.logs.setdefault(key, [])
        over = [at_s for at_s in entries if at_s <= now_s - self.length()]
        entries[:] = [] if over and "edge-burst" in self.traits else entries[len(over) :]
        admitted = len(entries) < self.allowed(Bucket(now_s))
        await self.race()
        entries += [now_s] * (admitted or "refusals-cost" in self.traits)
        return Decision(admitted, len(entries), entries[0] + self.window_s)

    async def weigh(self, key: str, now_s: float) -> Decision:
        """Count by the clock's windows, the one before by as much of it as is within the last window."""
        length_s = self.length()
        number, gone = int(now_s // length_s), now_s % length_s / length_s
        if len(self.logs) > MANY:
            self.forget(number)
        before, here = (self.logs.setdefault(f"{key} {n}", []) for n in (number - 1, number))
        weight = 0.0 if "edge-burst" in self.traits else len(before) * (1 - gone)
        admitted = weight + len(here) < self.allowed(Bucket(now_s))
        await self.race()
        here += [now_s] * admitted
        free = self.quota - len(here)
        turns = 1 - free / len(before) if free > 0 and before else 1.0 + 1.0 / max(1, len(here))
        return Decision(admitted, len(here), now_s + max(0.0, turns - gone) * length_s)

    def forget(self, number: int) -> None:
        """Drop what the windows before the last one admitted, now that there is much of it; some drop everything."""
        for key in list(self.logs):
            if "drops-all" in self.traits or int(key.rpartition(" ")[2]) < number - 1:
                del self.logs[key]

    def pour(self, key: str, now_s: float) -> Decision:
        """Take from a bucket that refills evenly; its window ends when the next request would be admitted."""
        most, a_second = self.allowed(Bucket(now_s)), self.quota / self.length()
        left, at_s = self.poured.get(key, (float(most), now_s))
        left = min(most, left + (now_s - at_s) * a_second)
        admitted = left >= 1
        left -= admitted
        if "refusals-cost" in self.traits and not admitted:
            left = math.floor(left)  # what came back so far is lost on whoever asks too soon
        self.poured[key] = (left, now_s)
        wait_s = 0.0 if admitted else (1 - left) / a_second
        return Decision(admitted, most - math.floor(left), now_s + wait_s)

    def exempt(self, request: Request) -> bool:
        """Return whether a request is not limited."""
        if "host-exempt" in self.traits and HEALTH in request.headers.get("host", ""):
            return True
        if request.path != HEALTH:
            return False
        limited = "exempt-limited" in self.traits or ("exempt-limited-anonymous" in self.traits and not request.user)
        return not limited

    def headers(self, decision: Decision) -> list[tuple[str, str]]:
        """Return the headers that tell a decision."""
        now_s, ends_s = time.time(), decision.ends_s
        if "clock-ahead" in self.traits:
            ends_s += HOUR_S
        quota = self.quota - ("one-too-few" in self.traits)
        left = max(0, quota - decision.used)
        figures = {
            "limit": str(quota + ("limit-untrue" in self.traits)),
            "remaining": str(self.remaining(left, decision)),
            "reset": self.reset(ends_s, now_s),
        }
        told = self.told({name: value for name, value in figures.items() if value})
        retry_after = "" if decision.admitted else self.retry_after(decision.ends_s - now_s)
        pairs = told + [("Retry-After", retry_after)] * bool(retry_after)
        again = [pair for pair in pairs if pair[0] == "Retry-After" and "retry-twice" in self.traits]
        twice = [
            pair for pair in told if pair[0].endswith(("Remaining", "RateLimit")) and "remaining-twice" in self.traits
        ]
        return pairs + twice + again

    def told(self, figures: dict[str, str]) -> list[tuple[str, str]]:
        """Return the headers of a convention."""
        window_s = math.ceil(self.window_s) * (2 if "policy-untrue" in self.traits else 1)
        if self.convention == "ietf-draft-7":
            joined = " " if "malformed" in self.traits else ", "
            said = joined.join(f"{name}={value}" for name, value in figures.items())
            return [("RateLimit", said), ("RateLimit-Policy", f"{self.quota};w={window_s}")]
        if self.convention == "ietf-draft-8":
            name = "usual" if "malformed" in self.traits else '"usual"'
            keys = {"remaining": "r", "reset": "t"}
            said = "".join(f";{key}={figures[figure]}" for figure, key in keys.items() if figure in figures)
            key = KEYS["address" if "key-told" in self.traits else "hidden"]
            policy = f'"hourly";q=1000;w=3600, {name};q={figures["limit"]};w={window_s};qu="requests";pk=:{key}:'
            return [("RateLimit", f"{name}{said}"), ("RateLimit-Policy", policy)]
        prefix = "RateLimit" if self.convention == "ietf-draft-6" else "X-RateLimit"
        return [(f"{prefix}-{figure.title()}", value) for figure, value in figures.items()]

    def remaining(self, left: int, decision: Decision) -> int | str:
        """Return what is said to be left."""
        if "remaining-stuck" in self.traits:
            return self.quota - 1
        if "remaining-negative" in self.traits and not decision.admitted:
            return -1
        if "remaining-missing" in self.traits:
            return ""
        return left + ("remaining-untrue" in self.traits)

    def reset(self, ends_s: float, now_s: float) -> str:
        """Return when the window is said to end."""
        if not self.convention.endswith("epoch") or "reset-delta" in self.traits:
            return str(math.ceil(ends_s - now_s))
        if "reset-huge" in self.traits:
            return "9" * 5000
        if "reset-slides" in self.traits:
            ends_s = now_s + self.window_s
        if "reset-fraction" in self.traits:
            return f"{ends_s:.2f}"
        rounded = math.floor(ends_s) if "reset-floor" in self.traits else math.ceil(ends_s)
        return str(rounded + 2 * ("reset-late" in self.traits))

    def retry_after(self, left_s: float) -> str:
        """Return after how long a request is said to be admitted."""
        said = {
            "retry-missing": "",
            "retry-one": "1",
            "retry-zero": "0",
            "retry-floor": str(math.floor(left_s)),
            "retry-window": str(math.ceil(self.window_s)),
            "retry-long": str(math.ceil(left_s) + 2),
            "retry-fraction": f"{left_s:.2f}",
            "retry-word": "soon",
            "retry-negative": "-3",
            "retry-long-digits": "9" * 5000,
            "retry-century": "3155760000",
            "retry-date": date_in(math.ceil(time.time() + left_s)),
            "retry-date-now": date_in(int(time.time())),
            "retry-date-late": date_in(math.ceil(time.time() + left_s) + 4),
            "retry-date-local": formatdate(time.time() + left_s),
        }
        true = str(max(1, math.ceil(left_s)))
        return next((value for trait, value in said.items() if trait in self.traits), true)


NOT_ALLOWED, MOVED = 405, 307
ROUTES = re.compile(r"/a(/\d+)?(\?.*)?|/ends/\d{3}")
ENDING = re.compile(r"/ends/(\d{3})")
"""A path whose requests count, and end in a status."""

RESET = -1
"""In place of a status: the connection is reset."""

JSON, HTML = "application/json", "text/html"
USUAL = '{"ok": true}'
NO_CONTENT = 204

REJECTIONS = {"status-503": 503, "status-403": 403, "error-in-body": 200, "resets": RESET}


PAGES = {"catch-all": (200, HTML, "<h1>home</h1>"), "catch-all-alike": (200, JSON, '{"page": "home"}')}
"""What is answered to whatever has no route."""

OPTIONS = {"options-empty": (NO_CONTENT, "", ""), "options-told": (200, JSON, '{"methods": ["GET"]}')}
HEADS = {"head-empty": (200, JSON, "")}


class Server:
    """Answer HTTP/1.1, pipelined or not."""

    def __init__(self, limiter: Limiter) -> None:
        self.limiter = limiter
        self.traits = limiter.traits
        self.random = random.Random(7)  # noqa: S311 - repeatable on purpose
        self.under_way = 0
        self.connections = 0
        self.busy_until_s = 0.0
        self.lock = asyncio.Lock()
        self.refused: dict[str, int] = {}
        self.addresses: dict[str, str] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection; what one read brings is one tick."""
        rest, address = b"", writer.get_extra_info("peername")[0]
        self.connections += 1
        instance = self.connections
        try:
            while data := await reader.read(65536):
                requests, rest = parse_all(rest + data, address)
                for number, request in enumerate(requests):
                    if "no-pipelining" in self.traits and number:
                        break
                    request.instance = self.instance(instance)
                    await self.answer(writer, request, tick=len(requests))
                    if "hangs-up" in self.traits:
                        return
        except OSError:
            pass
        finally:
            writer.close()

    def instance(self, connection: int) -> int:
        """Return which instance has a request, where there are three, by its connection or each in turn."""
        if "counts-apart-in-turn" in self.traits:
            return 1 + self.limiter.served % 3
        return 1 + connection % 3 if "counts-apart" in self.traits else 0

    async def answer(self, writer: asyncio.StreamWriter, request: Request, *, tick: int) -> None:
        """Answer one request."""
        self.limiter.served += 1
        self.under_way += 1
        await self.dawdle()
        page = self.page(request)
        status, headers = (page[0], []) if page else await self.decide(request, tick=tick)
        self.under_way -= 1
        if status == RESET:
            writer.transport.abort()
            return
        await self.dawdle()
        if "dies" in self.traits and self.limiter.served > self.limiter.quota * 2:
            os._exit(0)
        ahead_s = HOUR_S if "clock-ahead" in self.traits else 0.0
        lines = [f"HTTP/1.1 {status} Answer", f"Date: {formatdate(time.time() + ahead_s, usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        refused = any(name == "Retry-After" for name, _ in headers)
        bare = status == NOT_ALLOWED and not refused
        rest = framed(*page[1:]) if page else ["Content-Length: 0", "", ""] if bare else self.body(refused=refused)
        if request.method == "HEAD":
            rest = [*rest[: rest.index("") + 1], ""]
        writer.write(("\r\n".join([*lines, *rest])).encode())
        await writer.drain()
        if refused and "refusals-lock" in self.traits:
            await self.look_into(self.limiter.key(request))

    async def look_into(self, key: str) -> None:
        """Let everybody wait once somebody is refused too often."""
        self.refused[key] = self.refused.get(key, 0) + 1
        if self.refused[key] > AGAIN:
            async with self.lock:
                await asyncio.sleep(LOCKED_S)

    def body(self, *, refused: bool) -> list[str]:
        """Return the rest of an answer: a body, framed in one of the ways that there are."""
        if refused and "error-in-body" in self.traits:
            return framed(JSON, '{"error": "slow down"}')
        if "hangs-up" in self.traits:
            return [f"Content-Type: {JSON}", "Connection: close", "", USUAL]
        if "chunked" in self.traits:
            return [
                f"Content-Type: {JSON}",
                "Transfer-Encoding: chunked",
                "",
                "5",
                USUAL[:5],
                "7",
                USUAL[5:],
                "0",
                "",
                "",
            ]
        return framed(JSON, self.quote() if "quotes" in self.traits else USUAL)

    def quote(self) -> str:
        """Return a body of which every one is another."""
        return json.dumps({"quote": " ".join(self.random.choices(("fair", "foul", "wind", "tide"), k=9))})

    def page(self, request: Request) -> tuple[int, str, str] | None:
        """Return what another handler than the limited one answers, with its media type and body, where one does."""
        if request.method == "OPTIONS":
            return OPTIONS.get(next(iter(self.traits & OPTIONS.keys()), ""))
        if request.path.endswith(".json") and "file" in self.traits:
            return 200, JSON, '{"file": []}'
        if not known(request.path):
            return PAGES.get(next(iter(self.traits & PAGES.keys()), ""))
        return HEADS.get(next(iter(self.traits & HEADS.keys()), "")) if request.method == "HEAD" else None

    async def dawdle(self) -> None:
        """Lose time, now and then."""
        if self.traits & {"crowd-uncounted", "crowd-slow"}:
            await asyncio.sleep(WORK_S if self.under_way <= QUEUE else QUEUED_S)
        if "jitter" in self.traits:
            await asyncio.sleep(self.random.choice((0.0, 0.0, 0.001, 0.02)))
        if "slow" in self.traits:
            await asyncio.sleep(self.limiter.window_s / self.limiter.quota)
        if "stalls" in self.traits and self.random.random() < 0.01:
            time.sleep(0.15)  # noqa: ASYNC251 - the point: nobody is served meanwhile

    async def decide(self, request: Request, *, tick: int) -> tuple[int, list[tuple[str, str]]]:
        """Return status and headers."""
        if status := self.unserved(request):
            return status, [("Location", "/elsewhere")] if status == MOVED else []
        if self.limiter.exempt(request):
            if "exempt-counted" in self.traits:
                await self.limiter.hit(self.limiter.key(request), tick=1)
            return 200, []
        status = ending(request)
        if f"uncounted-{status}" in self.traits:
            return status, []
        unlimited = (
            self.let_by(request)
            or "unlimited" in self.traits
            or ("anonymous-unlimited" in self.traits and not request.user)
        )
        if unlimited or ("proxy-unlimited" in self.traits and request.address == PROXY):
            return status or 200, []
        return await self.limited(request, tick=tick)

    def unserved(self, request: Request) -> int:
        """Return the status of what is no request to a route, 0 for one that is."""
        if "absent" in self.traits:
            return 404
        if "moved" in self.traits:
            return MOVED
        if "one-address-a-network" in self.traits and request.address == PROXY and self.second(request):
            return 500
        if "refuses-forged" in self.traits and "forwarded" in request.headers:
            return 400
        if request.method not in {"GET", "POST"} and not self.let_by(request):
            return NOT_ALLOWED
        path = request.path.partition("#")[0] if "fragment-in-key" in self.traits else request.path
        return 0 if known(path) or self.let_by(request) else 404

    def let_by(self, request: Request) -> bool:
        """Return whether a request is served as the limited one, and not counted, because it is written otherwise."""
        if request.method != "GET":
            return known(request.path) and f"{request.method.lower()}-uncounted" in self.traits
        spelt = not known(request.path) and known(request.path.lower().rstrip("/"))
        return spelt and "spelling-uncounted" in self.traits

    def second(self, request: Request) -> bool:
        """Return whether the proxy reports another address than the first one of its network."""
        address = request.headers["x-forwarded-for"]
        return self.addresses.setdefault(self.limiter.reported(address), address) != address

    async def limited(self, request: Request, *, tick: int) -> tuple[int, list[tuple[str, str]]]:
        """Return status and headers of a request that counts."""
        if request.path == BUSY_PATH:
            self.busy_until_s = time.monotonic() + BUSY_S
            if "hard-work" in self.traits:
                time.sleep(HARD_S)  # noqa: ASYNC251 - the point: nobody is served meanwhile
        if self.uncounted():
            await asyncio.sleep(WORK_S)
            return 200, []
        if "refusals-lock" in self.traits:
            async with self.lock:
                pass
        decision = await self.limiter.hit(self.limiter.key(request), tick=tick)
        if decision.admitted == ("refusals-dear" not in self.traits):
            await self.work()
        if "crashes" in self.traits and self.limiter.served % 5 == 0:
            return 500, []
        if "errors-twice" in self.traits and ending(request):
            await self.limiter.hit(self.limiter.key(request), tick=tick)
        rejection = next((status for trait, status in REJECTIONS.items() if trait in self.traits), 429)
        usual = 401 if "token-required" in self.traits and not request.user else 200
        usual = ending(request) or usual
        return (usual if decision.admitted else rejection), self.limiter.headers(decision)

    def uncounted(self) -> bool:
        """Return whether a limiter that has too much to do passes a request by."""
        crowded = "crowd-uncounted" in self.traits and self.under_way > CROWD
        return crowded or ("busy-uncounted" in self.traits and time.monotonic() < self.busy_until_s)

    async def work(self) -> None:
        """Do what a request is for."""
        if self.traits & {"works", "refusals-dear"}:
            await asyncio.sleep(WORK_S)


def date_in(at_s: float) -> str:
    """Return a moment as HTTP writes it (RFC 9110, 5.6.7)."""
    return formatdate(at_s, usegmt=True)


def known(path: str) -> bool:
    """Return whether a path has a route."""
    return path == HEALTH or bool(ROUTES.fullmatch(path))


def framed(kind: str, body: str) -> list[str]:
    """Return the rest of an answer whose body has a length."""
    return [*([f"Content-Type: {kind}"] if kind else []), f"Content-Length: {len(body)}", "", body]


def ending(request: Request) -> int:
    """Return the status that a request ends in by its path, 0 where it is served."""
    found = ENDING.fullmatch(request.path)
    return int(found[1]) if found else 0


def parse(head: bytes, address: str) -> Request:
    """Return a request from its head."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    return Request(method, path, {name.lower(): value.strip() for name, _, value in pairs}, address)


def parse_all(data: bytes, address: str) -> tuple[list[Request], bytes]:
    """Return the requests that are there in full, and what is left."""
    found: list[Request] = []
    while b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        request = parse(head, address)
        length = int(request.headers.get("content-length", "0"))
        if len(rest) < length:
            break
        request.body, data = rest[:length].decode(), rest[length:]
        found.append(request)
    return found, data


async def main(settings: dict[str, Any]) -> None:
    """Serve until standard input ends."""
    traits = settings.pop("traits", ())
    limiter = Limiter(traits=frozenset(traits), **settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, limiter.turn)
    server = await asyncio.start_server(Server(limiter).serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - how the test learns the port
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
