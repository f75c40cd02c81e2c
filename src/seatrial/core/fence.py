"""What may leave this process in a run that promises to change nothing: which requests, how many, how fast, how long.

check, document, sign-in, TLS probe --leaving(method, url)--> the fence that stands, if one does --> the network
Where a fence is strict, no other connection can be opened: Python itself tells of each, whoever asks for it (PEP 578).
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from seatrial.core.errors import EnvironmentFailure

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that only read (RFC 9110, 9.2.1), but for TRACE, which nobody needs."""

CONNECTION = "connection"
"""What is counted as the method of a connection that carries no request, such as a TLS handshake."""

SIGN_IN = "sign-in"
"""What is counted as the method of a request for a token of a user of our own."""


class Fence:
    """Let through at most `most` safe requests, `per_s` of them a second, within `for_s` seconds of the first.

    No request may take longer than `each_s`. A request for a token passes if it may (`signs_in`). While a `strict` one
    stands, nothing else in this process can connect to anything but a Unix socket.
    """

    def __init__(  # noqa: PLR0913 - by keyword, each is a bound of its own
        self,
        *,
        most: int,
        per_s: float,
        for_s: float,
        each_s: float,
        signs_in: bool = False,
        strict: bool = False,
    ) -> None:
        self.most = most
        self.strict = strict
        self.sent: Counter[str] = Counter()
        self.refused: list[str] = []
        self._each_s = each_s
        self._apart_s = 1 / per_s
        self._for_s = for_s
        self._ends_s = math.inf
        self._next_s = 0.0
        self._signs_in = signs_in
        self._lock = threading.Lock()

    def patience(self, wanted_s: float) -> float:
        """Return for how long an answer may be waited for: never longer than there is time."""
        left_s = max(self._ends_s - time.monotonic(), 0.001)
        return min(wanted_s, self._each_s, left_s)

    def admit(self, method: str, url: str) -> None:
        """Count a request and wait for its turn; raises EnvironmentFailure, and counts that, where it may not leave."""
        with self._lock:
            now_s = time.monotonic()
            self._ends_s = min(self._ends_s, now_s + self._for_s)
            turn_s = max(self._next_s, now_s)
            self._check(method, url, turn_s)
            self.sent[method] += 1
            self._next_s = turn_s + self._apart_s
        time.sleep(turn_s - now_s)

    def _check(self, method: str, url: str, turn_s: float) -> None:
        if method not in SAFE | {CONNECTION} and not (method == SIGN_IN and self._signs_in):
            remedy = SIGNS if method == SIGN_IN else READS
            self.refuse(f"{method} {url}", slug="smoke-unsafe", why=UNSAFE, remedy=remedy)
        if self.sent.total() >= self.most:
            why = f"{self.most} requests were sent, and no more are allowed"
            self.refuse(f"{method} {url}", slug="smoke-spent", why=why, remedy=SPENT)
        if turn_s > self._ends_s:
            why = f"the {self._for_s:g} s for requests are over"
            self.refuse(f"{method} {url}", slug="smoke-over", why=why, remedy=OVER)

    def refuse(self, what: str, *, slug: str, why: str, remedy: str) -> None:
        """Keep what was not sent, and raise EnvironmentFailure."""
        self.refused.append(what)
        raise EnvironmentFailure(f"not sent: {why}", slug=slug, where=what, remedy=remedy)


KEPT_BACK = frozenset({"smoke-unsafe", "smoke-spent", "smoke-over", "smoke-past"})
"""The slugs of what a fence does not let through."""

UNSAFE = "the profile smoke sends nothing that could change something"
READS = "send GET, HEAD or OPTIONS in a check that is safe, or leave `safe=True` out"
SIGNS = "let it ask for a token of its own user: [smoke] sign_in = true"
SPENT = "allow more with [smoke] max_requests, or run fewer suites with --only"
OVER = "the service answers slowly, or more is asked than fits: [smoke] rate_per_s and within_s"
SENDING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
"""What Python tells of before something can leave; names are looked up in between, by the system."""

ELSEWHERE = "use the fixtures `client` and `client_as`, which count what they send"


class _Standing(threading.local):
    """What this thread is just sending."""

    admitted = False


_here = _Standing()
_fences: list[Fence] = []
_watching: list[bool] = []


def _standing() -> Fence | None:
    return _fences[-1] if _fences else None


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse a connection, or a datagram, that no fence has let through."""
    if event not in SENDING or _here.admitted:
        return
    fence, address = _standing(), arguments[1]
    if fence and fence.strict and isinstance(address, tuple):
        where = f"a connection to {address[0]}:{address[1]}"
        fence.refuse(where, slug="smoke-past", why="nobody counted it", remedy=ELSEWHERE)


def put_up(fence: Fence) -> None:
    """Let this fence stand, for the whole process, until it is taken down."""
    if fence.strict and not _watching:
        sys.addaudithook(_watch)  # there is no way to remove one: it does nothing where no fence stands
        _watching.append(True)
    _fences.append(fence)


def take_down(fence: Fence) -> None:
    """Let everything through again; safe to call twice."""
    if fence in _fences:
        _fences.remove(fence)


@contextlib.contextmanager
def leaving(method: str, url: str) -> Iterator[None]:
    """Send one request within, or nothing but open a connection; raises EnvironmentFailure where a fence stops it."""
    fence = _standing()
    if fence is None:
        yield
        return
    fence.admit(method, url)
    _here.admitted = True
    try:
        yield
    finally:
        _here.admitted = False


def patience(wanted_s: float) -> float:
    """Return for how long an answer may be waited for, given for how long one would like to."""
    fence = _standing()
    return fence.patience(wanted_s) if fence else wanted_s
