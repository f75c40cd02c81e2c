"""Rows in the order of their arrivals, however many there are: each arrival's stand together, and are read at once."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import IO

WINDOW = 1 << 15
"""So many rows are in memory at once, twice: arrivals end about in the order in which they were due."""

CHUNK = 1 << 14
"""So many bytes of a run are read at once, where there are several."""

Line = tuple[int, bytes]
"""The number of an arrival, and one of its rows."""


def order_rows(file: Path, *, window: int = WINDOW, chunk: int = CHUNK) -> None:
    """Sort the rows of a file by arrival, those of one as they are, without what a killed writer left of the last one.

    Raises OSError when there is no room for a second file.
    """
    if not file.is_file():
        return
    runs, whole = file.with_name(f"{file.name}.runs"), file.with_name(f"{file.name}.whole")
    try:
        starts = _write_runs(file, runs, window)
        if len(starts) > 1:
            _merge(runs, starts, whole, chunk)
        (whole if len(starts) > 1 else runs).replace(file)
    finally:
        runs.unlink(missing_ok=True)
        whole.unlink(missing_ok=True)


def _write_runs(file: Path, runs: Path, window: int) -> list[int]:
    """Write the header and ascending runs of rows, as few as the window makes of them; return where each begins."""
    with file.open("rb") as rows, runs.open("wb") as out:
        out.write(rows.readline())
        starts, last = [out.tell()], -2
        for ready in _windows(_lines(rows), window):
            if ready[0][0] < last:
                starts.append(out.tell())
            last = ready[-1][0]
            out.writelines(map(itemgetter(1), ready))
    return starts


def _windows(lines: Iterator[Line], window: int) -> Iterator[list[Line]]:
    """Yield ascending pieces of about a window each: what is kept back is above what was yielded."""
    held: list[Line] = []
    while more := list(itertools.islice(lines, window)):
        held = sorted([*held, *more], key=itemgetter(0))
        if len(held) > window:
            yield held[:-window]
            held = held[-window:]
    if held:
        yield held


def _merge(runs: Path, starts: list[int], whole: Path, chunk: int) -> None:
    with runs.open("rb") as file, whole.open("wb") as out:
        out.write(file.read(starts[0]))
        parts = [_part(file, *ends, chunk) for ends in itertools.pairwise([*starts, runs.stat().st_size])]
        out.writelines(map(itemgetter(1), heapq.merge(*parts, key=itemgetter(0))))


def _part(file: IO[bytes], start: int, end: int, chunk: int) -> Iterator[Line]:
    """Yield the rows from one place of a file to another, by turns with those of other parts."""
    while start < end:
        file.seek(start)
        # It reads until it has more than it is asked for, so that the row of the last byte is the last one.
        for line in _lines(file.readlines(min(chunk, end - start - 1))):
            start += len(line[1])
            yield line


def _lines(rows: IO[bytes] | Iterable[bytes]) -> Iterator[Line]:
    for line in rows:
        if line.endswith(b"\n"):
            yield int(line[: line.index(b",")]), line
