"""Exchanges for those who want them one by one: all that reports show, and others while there is room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from seatrial.core import Exchange, Request, Response
from seatrial.record._blobs import FOLDER, LARGEST
from seatrial.record._events import Event, ExchangeRecorded
from seatrial.record._record import Record
from seatrial.record._recorder import EVENTS
from seatrial.record._told import is_exchange

BLOB = re.compile(rf"{FOLDER}/[0-9a-f]{{64}}")


class _Name(msgspec.Struct, frozen=True):
    id: str


class _Named(Event, frozen=True, kw_only=True, tag="ExchangeRecorded"):
    exchange: _Name


_named = msgspec.json.Decoder(_Named)
_whole = msgspec.json.Decoder(ExchangeRecorded)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Exchanges as they were written down, in that order, and how many others the run recorded."""

    exchanges: tuple[ExchangeRecorded, ...]
    left: int


@dataclass(slots=True)
class Room:
    """How many exchanges may still be chosen that nothing shows, and how many bytes of them with their bodies."""

    number: int
    size: int

    def is_left(self) -> bool:
        """Return whether one more fits."""
        return self.number > 0 and self.size > 0

    def take(self, line: bytes, exchange: Exchange) -> None:
        """Count one."""
        messages = (exchange.request, exchange.response)
        self.number -= 1
        self.size -= len(line) + sum(min(message.size, LARGEST) for message in messages if message and message.blob)


def choose_exchanges(record: Record, room: Room) -> Chosen:
    """Return every exchange that the record holds, and others until the room is full.

    One that nobody can read is among those left out; what stands behind damage is not looked at.
    """
    chosen: list[ExchangeRecorded] = []
    seen = 0
    for line in _lines(record):
        seen += 1
        if room.is_left() or _id(line) in record.exchanges:
            for event in _read(line):
                chosen.append(event)
                if event.exchange.id not in record.exchanges:
                    room.take(line, event.exchange)
    return Chosen(tuple(chosen), seen - len(chosen))


def whole_body(directory: Path, message: Request | Response) -> str:
    """Return a body, or as much of it as was kept; the file that holds it may be gone."""
    if not BLOB.fullmatch(message.blob):
        return message.body
    try:
        return (directory / message.blob).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return message.body


def _lines(record: Record) -> Iterator[bytes]:
    """Yield the lines of exchanges, as far as the record was read."""
    if record.lines:
        with (record.directory / EVENTS).open("rb") as file:
            yield from filter(is_exchange, islice(file, record.lines))


def _id(line: bytes) -> str:
    try:
        return _named.decode(line).exchange.id
    except (msgspec.DecodeError, ValueError):
        return ""


def _read(line: bytes) -> list[ExchangeRecorded]:
    """Return the exchange of a line, if it is one."""
    try:
        return [_whole.decode(line)]
    except (msgspec.DecodeError, ValueError):
        return []
