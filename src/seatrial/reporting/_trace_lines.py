"""What services logged around a failure: the lines that carry the trace id of a request that shows it.

evidence --headers--> trace ids --logs/*.log--> lines of every service, in the order of each log
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from seatrial.core import Exchange, Request, Response
from seatrial.record import Record
from seatrial.reporting._verdict import findings_of

NAMES = re.compile(r"trace|request-?id|correlation", re.IGNORECASE)
"""Headers that carry the id of one request."""

LONGEST_NAME = 100

PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
"""A header `traceparent` (W3C Trace Context), of which services log the second part."""

ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
"""Shorter ones, and what is no word, would be found in lines of other requests."""

MOST_IDS = 500
MOST_LINES = 20
LONGEST = 1_000
LONGEST_LINE = 2**16
MOST_READ = 2**26
"""Bounds: ids that are looked for, lines of one id, what is shown and read of a line, and what is read in all."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of a service's log."""

    service: str
    text: str


def trace_ids(exchange: Exchange) -> list[str]:
    """Return the ids that an exchange may have in logs: what the service told first, then what it was sent."""
    messages: list[Request | Response] = [exchange.response] if exchange.response else []
    messages.append(exchange.request)
    values = (value for message in messages for name, value in message.headers if NAMES.search(name[:LONGEST_NAME]))
    found = (_told[1] if (_told := PARENT.fullmatch(value)) else value for value in values)
    return list(dict.fromkeys(value for value in found if ID.fullmatch(value)))


def lines_by_trace(record: Record) -> dict[str, list[Logged]]:
    """Return the lines of all services by the id that they carry, for the exchanges that findings show.

    So many as are bounded above; a log that cannot be read has none.
    """
    shown = dict.fromkeys(id_ for finding in findings_of(record) for id_ in finding.evidence)
    exchanges = (record.exchanges[id_] for id_ in shown if id_ in record.exchanges)
    wanted = set(islice(dict.fromkeys(id_ for exchange in exchanges for id_ in trace_ids(exchange)), MOST_IDS))
    found: dict[str, list[Logged]] = {}
    for service, line in _lines(record.directory / "logs") if wanted else ():
        for id_ in wanted.intersection(_words(line)):
            if len(lines := found.setdefault(id_, [])) < MOST_LINES:
                lines.append(Logged(service, line.strip()[:LONGEST]))
    return found


def lines_around(exchanges: Iterable[Exchange], by_trace: Mapping[str, list[Logged]]) -> list[Logged]:
    """Return the lines of exchanges, each once."""
    ids = (id_ for exchange in exchanges for id_ in trace_ids(exchange))
    return list(dict.fromkeys(line for id_ in ids for line in by_trace.get(id_, ())))[:MOST_LINES]


def _words(line: str) -> Iterator[str]:
    """Yield words of a line, and what one is made of: `[request:ID]` holds an id too, and no word a part of one."""
    for word in ID.findall(line):
        yield word
        yield from re.split("[:.]", word)
        yield from PARENT.findall(word)


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each line (a part of one that is too long) with its service, while not too much was read."""
    room = MOST_READ
    for path in sorted(folder.rglob("*.log")):
        service = path.relative_to(folder).with_suffix("").as_posix()
        with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
            while room > 0 and (line := file.readline(LONGEST_LINE)):
                room -= len(line)
                yield service, line
