"""What counting lines costs: one cheap request, sent in short bursts to the instrumented and the clean stack by turns.

instrumented, clean, instrumented, clean ... --pairs of bursts--> medians: requests per second with it, without it
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from statistics import median
from urllib.parse import urlsplit

from seatrial.core import Evidence, Measurement

WITH, WITHOUT, RATIO = "instrumentation.with", "instrumentation.without", "instrumentation.ratio"
PAIRS, LEAST, LONGEST = 15, 5, 20
"""So many pairs of bursts at most and at least, each of so many requests at most."""

LIMIT_S = 0.8
FIRST = 3
"""So many requests open each connection, and say how long a burst may be."""

PATIENCE_S = 1.0
PIECE = 65_536
SERVED = range(200, 300)

Pair = tuple[float, float]
"""Seconds of a burst on the instrumented stack, and of the one on the clean stack that followed it."""


class _Client:
    """One client of a stack, on one connection as long as the service keeps it."""

    def __init__(self, url: str, path: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_S)
        self._path = path

    def burst(self, size: int) -> float:
        """Return the seconds that so many requests take; raises OSError, HTTPException or ValueError."""
        began = time.perf_counter()
        for _ in range(size):
            self._ask()
        return time.perf_counter() - began

    def _ask(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        self._connection.request("GET", self._path)
        answer = self._connection.getresponse()
        while answer.read1(PIECE):
            if time.monotonic() > deadline:
                raise TimeoutError("the answer has no end")
        answer.close()  # read to its end, piece by piece, it does not know that it is over
        if answer.status not in SERVED:
            raise ValueError(f"it was answered with {answer.status}")

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def measure_cost(instrumented: str, clean: str, path: str, *, limit_s: float = LIMIT_S) -> Evidence:
    """Return how often a second one client is served a path with instrumentation and without, by two base URLs.

    That is for people to know, and decides nothing. Where it cannot be measured within about so many seconds,
    `nothing` says why.
    """
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(_Client(url, path))) for url in (instrumented, clean)]
        try:
            size = _size(clients, limit_s)
            pairs = list(_pairs(clients, size, time.monotonic() + limit_s))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return unmeasured(f"GET {path} was not served each time: {error or type(error).__name__}")
    if len(pairs) < LEAST:
        return unmeasured(f"GET {path} takes too long to be sent often enough within {limit_s:g} s")
    return Evidence(measurements=figures(pairs, size, path))


def unmeasured(why: str) -> Evidence:
    """Return that there is no figure, and why."""
    return Evidence(nothing={RATIO: why})


def _size(clients: Sequence[_Client], limit_s: float) -> int:
    """Return how many requests a burst may have, so that all pairs are sent in time."""
    pair_s = sum(client.burst(FIRST) for client in clients) / FIRST
    return max(1, min(LONGEST, int(limit_s / PAIRS / pair_s)))


def _pairs(clients: Sequence[_Client], size: int, deadline: float) -> Iterator[Pair]:
    instrumented, clean = clients
    for _ in range(PAIRS):
        if time.monotonic() > deadline:
            return
        yield instrumented.burst(size), clean.burst(size)


def figures(pairs: Sequence[Pair], size: int, path: str) -> tuple[Measurement, ...]:
    """Return requests per second with instrumentation and without, and the ratio of both, each the median of pairs."""
    sent = f"of one client that asks GET {path} again and again in bursts of {size}, to both stacks by turns"

    def found(name: str, values: Sequence[float], unit: str, what: str) -> Measurement:
        return Measurement(name=name, value=median(values), unit=unit, definition=f"{what} {sent}", samples=len(pairs))

    return (
        found(
            WITH,
            [size / first for first, _ in pairs],
            "per_s",
            "median of the requests per second on the instrumented stack",
        ),
        found(
            WITHOUT,
            [size / second for _, second in pairs],
            "per_s",
            "median of the requests per second on the clean stack",
        ),
        found(
            RATIO,
            [second / first for first, second in pairs],
            "ratio",
            "median, over pairs of bursts, of the rate with instrumentation to that without,",
        ),
    )
