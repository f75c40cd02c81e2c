"""Times in the buckets of an HdrHistogram: counts that can be merged exactly, and take room once they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any, Self

DIGITS = 3
SUB_BUCKET_BITS = 11
"""The buckets of HdrHistogram with three digits: exact below 2048 us, and 1024 of them for each doubling above."""


class Histogram:
    """How many times fell into each bucket of whole microseconds, named by its lowest value."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}

    def record(self, milliseconds: float) -> None:
        """Count a time; HdrHistogram begins at 1 us, and one that is less than nothing is as short."""
        value = max(int(milliseconds * 1000 + 0.5), 1)
        if value >> SUB_BUCKET_BITS:
            spare = value.bit_length() - SUB_BUCKET_BITS
            value = value >> spare << spare
        counts = self.counts
        counts[value] = counts.get(value, 0) + 1

    def add(self, other: Histogram) -> None:
        """Take in what another process counted."""
        for value, count in other.counts.items():
            self.counts[value] = self.counts.get(value, 0) + count

    @property
    def total(self) -> int:
        """Return how many times were counted."""
        return sum(self.counts.values())

    def percentile(self, percent: float | Fraction) -> float:
        """Return, in ms, the highest time that the bucket of the nearest rank can hold: never less than the truth.

        Raises ValueError without values: no data is never a number.
        """
        total = self.total
        if not total:
            raise ValueError(f"no {percent}th percentile of 0 values")
        rank = max(-(-total * percent // 100), 1)
        for value in sorted(self.counts):
            rank -= self.counts[value]
            if rank <= 0:
                return top_of(value) / 1000
        raise AssertionError("unreachable: the counts come to their total")

    def encode(self) -> str:
        """Return it as HdrHistogram encodes it: compressed, in base64, in microseconds."""
        counts = _library(max(self.counts, default=1))
        for value, count in self.counts.items():
            counts.record_value(value, count)
        encoded: bytes = counts.encode()
        return encoded.decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Return what was encoded."""
        from hdrh.histogram import (  # type: ignore[import-untyped]  # noqa: PLC0415 - needed at the end only
            HdrHistogram,
        )

        found = cls()
        for item in HdrHistogram.decode(text).get_recorded_iterator():
            found.counts[_lowest(item.value_iterated_to)] = item.count_at_value_iterated_to
        return found

    def __eq__(self, other: object) -> bool:
        """Return whether both counted the same."""
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]  # what can change has none


def merge(parts: Iterable[Histogram]) -> Histogram:
    """Return what all parts counted together."""
    whole = Histogram()
    for part in parts:
        whole.add(part)
    return whole


def top_of(value: int) -> int:
    """Return the highest microsecond of the bucket that begins with this one."""
    return value + (1 << max(value.bit_length() - SUB_BUCKET_BITS, 0)) - 1


def _lowest(value: int) -> int:
    spare = max(value.bit_length() - SUB_BUCKET_BITS, 0)
    return value >> spare << spare


def _library(highest: int) -> Any:
    from hdrh.histogram import HdrHistogram  # noqa: PLC0415 - needed at the end only

    return HdrHistogram(1, max(2, highest + 1), DIGITS)
