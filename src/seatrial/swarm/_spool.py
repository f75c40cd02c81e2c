"""Measured values, more than memory should hold: ascending runs of them on disk, of which any rank is found exactly."""

from __future__ import annotations

import os
import struct
import tempfile
import weakref
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, overload

MOST_HELD = 1 << 19
"""How many values are in memory at once: 4 MiB of them."""

FEW = 1024
"""So many are looked at one by one."""

SIGN = 1 << 63


class Run(Sequence[float]):
    """Ascending values in a file, read where they are asked for: pages that were mapped would count as memory."""

    __slots__ = ("_count", "_file", "_first")

    def __init__(self, file: IO[bytes], first: int, count: int) -> None:
        self._file, self._first, self._count = file, first, count

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @overload
    def __getitem__(self, place: int) -> float: ...

    @overload
    def __getitem__(self, place: slice) -> array[float]: ...

    def __getitem__(self, place: int | slice) -> float | array[float]:
        """Return the value at a place, or those between two; raises IndexError beyond the ends."""
        if isinstance(place, slice):
            start, stop, _ = place.indices(self._count)
            return self._read(start, stop)
        (value,) = self._read(range(self._count)[place], range(self._count)[place] + 1)
        return value

    def __iter__(self) -> Iterator[float]:
        """Yield them all."""
        return iter(self[:])

    def _read(self, start: int, stop: int) -> array[float]:
        values = array("d")
        size = values.itemsize
        values.frombytes(os.pread(self._file.fileno(), max(stop - start, 0) * size, (self._first + start) * size))
        return values


class Series:
    """Values in any order; `add` takes one in."""

    __slots__ = ("_held", "_runs", "add", "spool")

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self._held = array("d")
        self._runs: list[tuple[int, int]] = []
        self.add = self._held.append

    def __len__(self) -> int:
        """Return how many there are."""
        return sum(count for _, count in self._runs) + len(self._held)

    def __iter__(self) -> Iterator[float]:
        """Yield them, in no order."""
        return chain(self._held, *(self.spool.pieces(*run) for run in self._runs))

    def write(self, file: IO[bytes]) -> None:
        """Write what is in memory as one run."""
        if self._held:
            self._runs.append((file.tell() // self._held.itemsize, len(self._held)))
            array("d", sorted(self._held)).tofile(file)
            del self._held[:]  # the same array: `add` is bound to it

    def runs(self) -> list[Sequence[float]]:
        """Return its values, each run of them ascending."""
        self._held[:] = array("d", sorted(self._held))  # in place: the next time it takes little
        return [self._held, *(self.spool.run(*run) for run in self._runs)]


class Spool:
    """Where series keep their values; what is too much for memory goes to a file without a name in `folder`."""

    def __init__(self, folder: Path | None = None, *, most_held: int = MOST_HELD) -> None:
        self._folder = folder
        self.most_held = most_held
        self._series: list[Series] = []
        self._held = 0
        self._file: IO[bytes] | None = None

    def series(self) -> Series:
        """Return a new series."""
        self._series.append(Series(self))
        return self._series[-1]

    def make_room(self, count: int) -> None:
        """Take note that so many values came; raises OSError when there is no room for them on the disk either."""
        self._held += count
        if self._held > self.most_held:
            self._write()

    def run(self, first: int, count: int) -> Run:
        """Return a run that was written, which stays on the disk."""
        assert self._file is not None  # noqa: S101 - a series with a run was written
        self._file.flush()
        return Run(self._file, first, count)

    def pieces(self, first: int, count: int) -> Iterator[float]:
        """Yield some of what was written, read piece by piece."""
        assert self._file is not None  # noqa: S101 - as above
        for start in range(first, first + count, FEW):
            piece = array("d")
            self._file.seek(start * piece.itemsize)
            piece.fromfile(self._file, min(FEW, first + count - start))
            yield from piece

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - open as long as the spool is there
            weakref.finalize(self, self._file.close)
        self._file.seek(0, os.SEEK_END)
        for one in self._series:
            one.write(self._file)
        self._held = 0


class Ordered:
    """Ascending values, found by their place; they are read from where they are, unless they are few."""

    def __init__(self, runs: Iterable[Sequence[float]], *, most_held: int) -> None:
        self._runs = [run for run in runs if run]
        self._length = sum(map(len, self._runs))
        if self._length <= most_held:
            self._runs = [sorted(chain.from_iterable(self._runs))]

    def __len__(self) -> int:
        """Return how many there are."""
        return self._length

    def __getitem__(self, place: int) -> float:
        """Return the value at a place, from 0 on."""
        return self._runs[0][place] if len(self._runs) == 1 else self._find(place)

    def _find(self, place: int) -> float:
        """Return it by halves of what it may be: the numbers that a float can be have an order, and are 64 bits."""
        low, high = _number(min(run[0] for run in self._runs)), _number(max(run[-1] for run in self._runs))
        spans = [(run, 0, len(run)) for run in self._runs]
        while low < high and sum(end - begin for _, begin, end in spans) > FEW:
            middle = (low + high) // 2
            cuts = [bisect_right(run, _float(middle), begin, end) for run, begin, end in spans]
            if sum(cuts) > place:
                high, spans = middle, [(run, begin, cut) for (run, begin, _), cut in zip(spans, cuts, strict=True)]
            else:
                low, spans = middle + 1, [(run, cut, end) for (run, _, end), cut in zip(spans, cuts, strict=True)]
        if low == high:
            return _float(low)
        left = sorted(chain.from_iterable(run[begin:end] for run, begin, end in spans))
        return left[place - sum(begin for _, begin, _ in spans)]


def ordered(series: Iterable[Series]) -> Ordered:
    """Return the values of several series as one, ascending."""
    found = list(series)
    most_held = min((one.spool.most_held for one in found), default=0)
    return Ordered([run for one in found for run in one.runs()], most_held=most_held)


def _number(value: float) -> int:
    """Return a whole number for a float: the larger for the larger."""
    (bits,) = struct.unpack("<Q", struct.pack("<d", value))
    return int(bits) if bits < SIGN else -int(bits - SIGN)


def _float(number: int) -> float:
    """Return the float of a whole number."""
    (value,) = struct.unpack("<d", struct.pack("<Q", abs(number)))
    return float(value) if number >= 0 else -float(value)
