"""What the service uses while it is loaded, beside what clients see of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from seatrial.config import RESOURCE_UNITS
from seatrial.core import Measurement, SeatrialError
from seatrial.stack import Usage
from seatrial.swarm._process import Message
from seatrial.swarm._slope import Interval, slope_of

PERIOD_S = 1.0
SHARE = 3
"""A look is not repeated before it has been over for so many times as long as it took."""

WARM_SHARE = 0.2
"""Of the duration: what a service takes then, it takes once."""

SOURCE_OF: Mapping[str, str] = {
    "cpu_ms_per_request": "usage",
    "memory_slope": "usage",
    "descriptor_slope": "usage",
    "queue_max": "queue",
    "queue_slope": "queue",
    "queries_per_request": "queries",
}
"""Which source a figure is made from."""

DEFINITION: Mapping[str, str] = {
    "cpu_ms_per_request": "processor time of the watched services, from just before the load to its end, by requests",
    "memory_slope": "bytes that the watched services hold more each second: median slope (Theil and Sen), without the "
    "first fifth of the load",
    "descriptor_slope": "descriptors that they have open more each second, likewise",
    "queue_max": "most jobs that waited for a worker",
    "queue_slope": "jobs that waited more each second, as the slope of memory",
    "queries_per_request": "how much the service's counter of database statements grew, by requests",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where figures of the service come from: a function, or the reason why there is none."""

    usage: Callable[[], Usage] | str = "nobody said which services are loaded"
    queue: Callable[[], float] | str = "[jobs.queue] is not declared"
    queries: Callable[[], float] | str = "[metrics] queries is not declared"

    def for_metrics(self, metrics: Collection[str]) -> Sources:
        """Return what is looked at: usage always, the others where an objective is about them."""
        asked = {SOURCE_OF[metric] for metric in metrics}
        unasked = {name: "no objective is about it" for name in ("queue", "queries") if name not in asked}
        return replace(self, **unasked)

    def look(self) -> Sample:
        """Return every figure of this moment."""
        return Sample(
            at_s=time.monotonic(),
            usage=None if isinstance(self.usage, str) else self.usage(),
            queue=None if isinstance(self.queue, str) else self.queue(),
            queries=None if isinstance(self.queries, str) else self.queries(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Figures of one moment."""

    at_s: float
    usage: Usage | None
    queue: float | None
    queries: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What was seen: samples with their time since the first arrival was due, and why there are no more."""

    samples: Sequence[Sample] = ()
    sources: Sources = field(default_factory=Sources)
    broken: str = ""

    def lacks(self, metric: str) -> str:
        """Return why a figure cannot be told of this stack, empty where it can."""
        source = getattr(self.sources, SOURCE_OF[metric])
        return source if isinstance(source, str) else ""

    def values(self, *, requests: int, duration_s: float) -> dict[str, Interval]:
        """Return every figure for which there are enough samples, each with where it lies."""
        seen = self.samples
        warm = [one for one in seen if WARM_SHARE * duration_s <= one.at_s <= duration_s]
        used = [(one.at_s, one.usage) for one in warm if one.usage]
        queue = [(one.at_s, one.queue) for one in warm if one.queue is not None]
        found = {
            "cpu_ms_per_request": _by_request([one.usage.cpu_s * 1000 for one in seen if one.usage], requests),
            "memory_slope": slope_of([(at_s, usage.memory_bytes) for at_s, usage in used]),
            "descriptor_slope": slope_of([(at, u.descriptors) for at, u in used if u.descriptors is not None]),
            "queue_max": Interval.exact(max(count for _, count in queue)) if queue else None,
            "queue_slope": slope_of(queue),
            "queries_per_request": _by_request([one.queries for one in seen if one.queries is not None], requests),
        }
        return {metric: value for metric, value in found.items() if value}


def _by_request(totals: Sequence[float], requests: int) -> Interval | None:
    """Return by how much a total grew from the first sample to the last, for each request."""
    return Interval.exact((totals[-1] - totals[0]) / requests) if len(totals) > 1 and requests else None


class Sampler:
    """Look at the sources once a second, from entering until leaving."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._samples: list[Sample] = []
        self._zero_s: float | None = None
        self._broken = ""
        self._pause_s = PERIOD_S
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        """Begin: the first look is over when this returns."""
        self._look()
        self._thread.start()
        return self

    def take(self, tick: Message) -> None:
        """Take down, once, when the schedule began."""
        if self._zero_s is None:
            self._zero_s = time.monotonic() - tick["elapsed_s"]

    def _watch(self) -> None:
        while not self._done.wait(self._pause_s):
            self._look()

    def _look(self) -> None:
        began_s = time.monotonic()
        try:
            self._samples.append(self._sources.look())
        except (SeatrialError, OSError, ValueError) as error:
            self._broken = self._broken or f"{type(error).__name__}: {error}".splitlines()[0]
        self._pause_s = max(PERIOD_S, SHARE * (time.monotonic() - began_s))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End with a last look."""
        self._done.set()
        self._thread.join()
        self._look()

    @property
    def seen(self) -> Resources:
        """Return what was seen, from the last look before the first arrival on."""
        zero_s = self._zero_s if self._zero_s is not None else self._samples[0].at_s if self._samples else 0.0
        placed = [replace(one, at_s=one.at_s - zero_s) for one in self._samples]
        before = sum(one.at_s <= 0 for one in placed)
        return Resources(samples=placed[max(before - 1, 0) :], sources=self._sources, broken=self._broken)


def measure_resources(name: str, values: Mapping[str, Interval], *, samples: int) -> list[Measurement]:
    """Return every figure of the service as a measurement of a scenario."""
    return [
        Measurement(
            name=f"load.{name}.{metric}", value=interval.value, unit=RESOURCE_UNITS[metric],
            definition=DEFINITION[metric], samples=samples,
        )
        for metric, interval in values.items()
    ]  # fmt: skip
