"""The record as reports need it: every event, but only those exchanges that somebody shows; the others are counted.

events.ndjson --first pass--> everything else, answers counted --second pass--> the exchanges that are shown
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from seatrial.core import EnvironmentFailure, Exchange, caller_of
from seatrial.record._events import Event, ExchangeRecorded, OtherEvent
from seatrial.record._record import Answer, Record, damaged, read_decoded
from seatrial.record._recorder import EVENTS

MARK = b'"ExchangeRecorded"'
MARK_WITHIN = 40
"""How far into a line the type of its event stands."""


class _Response(msgspec.Struct, frozen=True):
    status: int
    headers: tuple[tuple[str, str], ...] = ()


class _Request(msgspec.Struct, frozen=True):
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class _Outline(msgspec.Struct, frozen=True):
    """What is counted of an exchange: its bodies are skipped."""

    id: str
    operation: str
    request: _Request
    sent_s: float
    received_s: float
    response: _Response | None = None


class _OutlineRecorded(Event, frozen=True, kw_only=True, tag="ExchangeRecorded"):
    exchange: _Outline


_outlines = msgspec.json.Decoder(OtherEvent | _OutlineRecorded)
_whole = msgspec.json.Decoder(ExchangeRecorded)


def answer_of(exchange: Exchange | _Outline) -> Answer:
    """Return what came back to whom: the operation, its status (0: no answer), the content type as it was sent."""
    response, caller = exchange.response, caller_of(exchange.request.headers, exchange.request.url)
    if response is None:
        return exchange.operation, 0, "", caller
    sent = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    return exchange.operation, response.status, sent, caller


def read_told(directory: Path, *, most: int | None = None) -> Record:
    """Read a run directory (its first `most` lines) as `read_record` does, in a memory that exchanges do not fill.

    `exchanges` holds those alone that a finding or a proof shows; `answers` counts the others that nobody counted.
    Damage within what is skipped of an exchange is found where the exchange is shown; of others it is not looked for.
    """
    record = Record(directory)
    _read_others(record, most)
    shown = _shown(record)
    for number, line in _exchange_lines(record):
        outline = _outlines.decode(line)
        if not isinstance(outline, _OutlineRecorded):
            continue
        if outline.exchange.id in shown:
            try:
                record.exchanges[outline.exchange.id] = _whole.decode(line).exchange
            except (msgspec.DecodeError, ValueError) as error:
                return _before(damaged(error, directory / EVENTS, number), directory, number)
        if outline.exchange.id in shown or outline.exchange.id in record.counted:
            record.answers[answer_of(outline.exchange)] -= 1
    record.answers = +record.answers
    return record


def _before(damage: EnvironmentFailure, directory: Path, line: int) -> Record:
    """Return what stands before a damaged line: the first pass has read on, and nothing behind it is believed."""
    record = read_told(directory, most=line - 1)
    record.damage = str(damage)
    return record


def _read_others(record: Record, most: int | None) -> None:
    """Take in all events, of exchanges only how they were answered."""
    try:
        for event in islice(read_decoded(record.directory, _outlines), most):
            if isinstance(event, _OutlineRecorded):
                _count(record, event.exchange)
            else:
                record.add(event)
            record.lines += 1
    except EnvironmentFailure as error:
        if error.slug != "record-damaged":
            raise
        record.damage = str(error)


def _count(record: Record, exchange: _Outline) -> None:
    """Count an answer, and how long it took."""
    record.answers[answer_of(exchange)] += 1
    record.time(exchange)


def _shown(record: Record) -> set[str]:
    """Return the exchanges that reports show: evidence of findings, and transcripts of proofs."""
    results = [*record.results.values(), *(result for proof in record.proofs for result in proof.results)]
    shown = {id_ for result in results for finding in result.findings for id_ in finding.evidence}
    return shown.union(*(ids for proof in record.proofs for ids in proof.transcripts.values()))


def _exchange_lines(record: Record) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of exchanges with their numbers (from 1)."""
    with (record.directory / EVENTS).open("rb") as file:
        lines = enumerate(islice(file, record.lines), 1)
        yield from ((number, line) for number, line in lines if is_exchange(line))


def is_exchange(line: bytes) -> bool:
    """Return whether a line of the record is an exchange, without reading it."""
    return MARK in line[:MARK_WITHIN]
