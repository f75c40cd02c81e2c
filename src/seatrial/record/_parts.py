"""Runs that are parts of one: what each of them has of it, and its events for a record of all of them.

events.ndjson of each shard --read_parts--> Parts --lines_of--> Recorder.adopt --> events.ndjson of the whole
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import msgspec

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.record._events import GateJudged, HistoryRead, OtherEvent, RunFailed, RunFinished, RunStarted, Shard
from seatrial.record._record import Record
from seatrial.record._recorder import EVENTS
from seatrial.record._told import is_exchange, read_told

OF_ONE = (RunStarted, GateJudged, HistoryRead, RunFailed, RunFinished)
"""Events that say something of a run as a whole: merged ones begin, end and are judged once."""

_decoder = msgspec.json.Decoder(OtherEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A shard that was recorded, as far as it can be read."""

    started: RunStarted
    shard: Shard
    record: Record

    @property
    def directory(self) -> Path:
        """Return where it lies."""
        return self.record.directory

    @property
    def gap(self) -> str:
        """Return why this is not all of the shard, empty where it is."""
        record = self.record
        why = record.damage or (record.failure.reason if record.failure else "")
        why = why or ("" if record.finished else "it ended before its verdict")
        return f"shard {self.shard.name} ({self.directory}): {why.splitlines()[0]}" if why else ""


def read_parts(directories: Sequence[Path]) -> tuple[list[Part], list[str]]:
    """Return the shards that lie in these directories, each once, by number, and why others cannot be read.

    Raises UsageError for a run that is no shard, and for one shard of two runs.
    """
    parts: dict[str, Part] = {}
    unread = []
    for directory in directories:
        try:
            record = read_told(directory)
        except EnvironmentFailure as error:
            unread.append(f"{directory} cannot be read: {error.what}")
            continue
        if record.started is None:
            unread.append(f"{directory} does not say which shard it is: {record.damage or 'its record is empty'}")
        else:
            parts.setdefault(record.started.run, _part(record, record.started))
    return _once(sorted(parts.values(), key=lambda part: (part.shard.number, part.shard.name))), unread


def _part(record: Record, started: RunStarted) -> Part:
    if started.shard is None:
        raise UsageError(
            f"the run {started.run} is no shard",
            slug="shard-none",
            where=str(record.directory),
            remedy="merge runs of: seatrial run --shard I/N",
        )
    return Part(started=started, shard=started.shard, record=record)


def _once(parts: list[Part]) -> list[Part]:
    for one, other in pairwise(parts):
        if one.shard.name == other.shard.name:
            raise UsageError(
                f"shard {one.shard.name} is there twice, as the runs {one.started.run} and {other.started.run}",
                slug="shard-twice",
                where=f"{one.directory} and {other.directory}",
                remedy="leave one of them out",
            )
    return parts


def check_alike(parts: Sequence[Part]) -> None:
    """Raise UsageError unless all are shards of one run: of the same commit, settings, suites and options but seeds."""
    first, facts = parts[0], _facts(parts[0])
    for part in parts[1:]:
        for name, value in _facts(part).items():
            if value != facts[name]:
                raise UsageError(
                    f"shard {part.shard.name} has another {name} than shard {first.shard.name}: "
                    f"{value or 'none'}, not {facts[name] or 'none'}",
                    slug="shards-differ",
                    where=f"{part.directory} and {first.directory}",
                    remedy="merge shards of one pipeline alone, of one commit and with the same options",
                )


def _facts(part: Part) -> dict[str, str]:
    asked = re.sub(r" --seed \d+", "", part.shard.repeat)
    return {
        "commit": part.shard.commit,
        "configuration": part.shard.configuration[:12],
        "version of seatrial": part.started.version,
        "stack": part.started.stack,
        "profile": part.started.profile,
        "command": asked,
        "division of suites": "; ".join(part.shard.shares),
    }


def missing(parts: Sequence[Part], unread: Sequence[str]) -> list[str]:
    """Return in sentences what is not there of the whole: shards that nobody gave, and what of others was lost."""
    there, shard = {part.shard.number for part in parts}, parts[0].shard
    gone = [
        f"shard {shard.named(number)} is missing ({', '.join(share.split())})"
        for number, share in enumerate(shard.shares, 1)
        if number not in there
    ]
    return [*gone, *unread, *(part.gap for part in parts if part.gap)]


def lines_of(part: Part, keep: Callable[[OtherEvent], bool]) -> Iterator[bytes]:
    """Yield what a record of all has of a shard, as it was written: every exchange, and what is to be kept."""
    with (part.directory / EVENTS).open("rb") as file:
        for line in islice(file, part.record.lines):
            if is_exchange(line) or _is_kept(_decoder.decode(line), keep):
                yield line


def _is_kept(event: OtherEvent, keep: Callable[[OtherEvent], bool]) -> bool:
    return not isinstance(event, OF_ONE) and keep(event)
