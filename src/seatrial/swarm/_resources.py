"""What the service uses while it is loaded, beside what clients see of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

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

BLIND_SHARE = 0.05
"""Of the duration: a first look that comes later, or a last one that was so long before the end, saw less than all."""

LEAST_FALL = 0.02
"""Of what only grows: processor time is told in hundredths of a second."""

SOURCE_OF: Mapping[str, str] = {
    "cpu_ms_per_request": "usage",
    "memory_slope": "usage",
    "descriptor_slope": "usage",
    "queue_max": "queue",
    "queue_slope": "queue",
    "queries_per_request": "queries",
}
"""Which source a figure is made from."""

TOTALS: Mapping[str, Callable[[Any], float]] = {
    "usage": lambda look: float(look.usage.cpu_s),
    "queries": lambda look: float(look.queries),
}
"""What of a look at a source only grows while a service runs."""

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
    """Where figures of the service come from: a function, or the reason why there is none.

    Where they are not asked `throughout`, then before the load and after it alone: asking disturbs what is measured.
    """

    usage: Callable[[], Usage] | str = "nobody said which services are loaded"
    queue: Callable[[], float] | str = "[jobs.queue] is not declared"
    queries: Callable[[], float] | str = "[metrics] queries is not declared"
    throughout: bool = True

    def for_metrics(self, metrics: Collection[str]) -> Sources:
        """Return what is looked at: usage always, the others where an objective is about them."""
        asked = {SOURCE_OF[metric] for metric in metrics}
        why = "no objective is about it"
        return replace(
            self,
            queue=self.queue if "queue" in asked else why,
            queries=self.queries if "queries" in asked else why,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Figures of one moment."""

    at_s: float
    usage: Usage | None = None
    queue: float | None = None
    queries: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What was seen: samples with their time since the first arrival was due, and why a source once told nothing."""

    samples: Sequence[Sample] = ()
    sources: Sources = field(default_factory=Sources)
    broken: Mapping[str, str] = field(default_factory=dict)

    def lacks(self, metric: str) -> str:
        """Return why a figure cannot be told of this stack, empty where it can."""
        source = getattr(self.sources, SOURCE_OF[metric])
        return source if isinstance(source, str) else ""

    def doubts(self, metric: str, *, duration_s: float) -> str:
        """Return why a figure would not be that of the whole load, empty where it is."""
        source = SOURCE_OF[metric]
        looks = [one for one in self.samples if getattr(one, source) is not None]
        return self.broken.get(source, "") or _unwatched(looks, duration_s) or _forgotten(looks, source)

    def values(self, *, requests: float, duration_s: float) -> dict[str, Interval]:
        """Return every figure that is one of the whole load, each with where it lies."""
        seen = self.samples
        warm = [one for one in seen if WARM_SHARE * duration_s <= one.at_s <= duration_s]
        used = [(one.at_s, one.usage) for one in warm if one.usage]
        queue = [one.queue for one in seen if one.queue is not None]
        cpu_ms = [one.usage.cpu_s * 1000 for one in seen if one.usage]
        found = {
            "cpu_ms_per_request": _by_request(cpu_ms, requests),
            "memory_slope": slope_of([(at_s, usage.memory_bytes) for at_s, usage in used]),
            "descriptor_slope": slope_of([(at, u.descriptors) for at, u in used if u.descriptors is not None]),
            "queue_max": Interval.exact(max(queue)) if queue else None,
            "queue_slope": slope_of([(one.at_s, one.queue) for one in warm if one.queue is not None]),
            "queries_per_request": _by_request([one.queries for one in seen if one.queries is not None], requests),
        }
        return {metric: at for metric, at in found.items() if at and not self.doubts(metric, duration_s=duration_s)}


def _unwatched(looks: Sequence[Sample], duration_s: float) -> str:
    """Return which part of a load nobody looked at, if it is one at its beginning or end."""
    spare_s = BLIND_SHARE * duration_s
    if not looks or (looks[0].at_s <= spare_s and looks[-1].at_s >= duration_s - spare_s):
        return ""
    return f"it was looked at from second {looks[0].at_s:.1f} to {looks[-1].at_s:.1f} of {duration_s:g} only"


def _forgotten(looks: Sequence[Sample], source: str) -> str:
    """Return that a watched service did not run all the time: what it used before is in no total then."""
    totals = [total(one) for one in looks if (total := TOTALS.get(source))]
    for before, after in itertools.pairwise(totals):
        if before - after > LEAST_FALL:
            return f"its total fell from {before:g} to {after:g}: what is watched ended, or was started anew"
    return "nothing of what is watched was running" if source == "usage" and totals and not totals[-1] else ""


def _by_request(totals: Sequence[float], requests: float) -> Interval | None:
    """Return by how much a total grew from the first sample to the last, for each request."""
    return Interval.exact((totals[-1] - totals[0]) / requests) if len(totals) > 1 and requests else None


class Sampler:
    """Look at the sources once a second, from entering until leaving."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._samples: list[Sample] = []
        self._zero_s: float | None = None
        self._broken: dict[str, str] = {}
        self._pause_s = PERIOD_S
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        """Begin: the first look is over when this returns."""
        self._look()
        if self._sources.throughout:
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
        self._samples.append(Sample(at_s=began_s, **{source: self._ask(source) for source in set(SOURCE_OF.values())}))
        self._pause_s = max(PERIOD_S, SHARE * (time.monotonic() - began_s))

    def _ask(self, source: str) -> Any:
        """Return what a source tells; the first reason why it does not is kept, and others are asked all the same."""
        ask = getattr(self._sources, source)
        try:
            return None if isinstance(ask, str) else ask()
        except (SeatrialError, OSError, ValueError) as error:
            self._broken.setdefault(source, f"{type(error).__name__}: {error}".splitlines()[0])
            return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End with a last look."""
        self._done.set()
        if self._sources.throughout:
            self._thread.join()
        self._look()

    @property
    def zero_s(self) -> float:
        """Return when the first arrival was due, of the monotonic clock: if nobody said so, the first look."""
        return self._zero_s if self._zero_s is not None else self._samples[0].at_s if self._samples else 0.0

    @property
    def seen(self) -> Resources:
        """Return what was seen, from the last look before the first arrival on."""
        placed = [replace(one, at_s=one.at_s - self.zero_s) for one in self._samples]
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
