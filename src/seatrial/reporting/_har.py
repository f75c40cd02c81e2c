"""exchanges.har: recorded exchanges in HAR 1.2, which browsers and proxies open; it is written entry by entry.

What reports show is always in it, and others while there is room: the rest stands in events.ndjson alone.
"""

from __future__ import annotations

import datetime as dt
import http
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qsl, quote

import harfile

from seatrial.core import Exchange, Request, Response
from seatrial.record import ExchangeRecorded, Record, Room, choose_exchanges, whole_body

MOST = 10_000
MOST_BYTES = 32 * 2**20
"""So much beside what is shown: viewers read a recording whole, and the end of a run has to wait for it."""

AUTHORITY = re.compile(r"\w+://[^/?#]*")
BARE_PERCENT = re.compile("%(?![0-9A-Fa-f]{2})")
IN_URL = "/?:@!$&'()*+,;=~%"
"""What stands as it is in the path and the query of a URL (RFC 3986), beside letters and digits."""

USUAL = "HTTP/1.1"
UNKNOWN = "x-unknown"


def write_har(record: Record, stream: TextIO) -> None:
    """Write exchanges in the order in which they were sent, and how many of the run's are not among them."""
    chosen = choose_exchanges(record, Room(MOST, MOST_BYTES))
    left = f"{chosen.left} more exchanges of this run are in events.ndjson" if chosen.left else None
    creator = harfile.Creator(name="seatrial", version=record.origin.version)
    with harfile.open(stream, creator=creator, comment=left) as file:
        for began, exchange in _by_time(chosen.exchanges, record.origin.started):
            _add(file, record.directory, began, exchange)


def _by_time(events: Iterable[ExchangeRecorded], started: str) -> Iterator[tuple[dt.datetime, Exchange]]:
    """Yield exchanges with when they were sent, in that order.

    Clocks differ between those who send, and so ids begin differently: within one, the last answer came just before it
    was written down.
    """
    events = list(events)
    ahead_s: dict[str, float] = {}
    for event in events:
        clock, before_s = _clock(event.exchange), event.exchange.received_s - event.at_s
        ahead_s[clock] = max(ahead_s.get(clock, before_s), before_s)
    began = _instant(started)
    timed = [(event.exchange.sent_s - ahead_s[_clock(event.exchange)], event.exchange) for event in events]
    yield from (
        (began + dt.timedelta(seconds=sent_s), sent) for sent_s, sent in sorted(timed, key=lambda pair: pair[0])
    )


def _clock(exchange: Exchange) -> str:
    return exchange.id.rpartition("-")[0]


def _instant(started: str) -> dt.datetime:
    """Return when the run began; where that was lost, times count from 1970."""
    try:
        return dt.datetime.fromisoformat(started).astimezone(dt.UTC)
    except ValueError:
        return dt.datetime.fromtimestamp(0, dt.UTC)


def _add(file: harfile.HarFile, directory: Path, began: dt.datetime, exchange: Exchange) -> None:
    took_ms = max(1000 * (exchange.received_s - exchange.sent_s), 0.0)
    version = exchange.request.version or USUAL
    told = (exchange.id, exchange.operation, exchange.identity, exchange.error)
    file.add_entry(
        startedDateTime=began,
        time=took_ms,
        request=_request(exchange.request, version, directory),
        response=_response(exchange.response, version, directory),
        timings=harfile.Timings(send=0, wait=took_ms, receive=0),
        comment=", ".join(filter(None, told)),
    )


def _request(request: Request, version: str, directory: Path) -> harfile.Request:
    body = whole_body(directory, request)
    kind = _header(request, "content-type")
    data = harfile.PostData(mimeType=kind, text=body, comment=_long(request)) if body else None
    query = request.url.partition("#")[0].partition("?")[2]
    return harfile.Request(
        method=request.method,
        url=_uri(request.url),
        httpVersion=version,
        headers=_pairs(request.headers),
        queryString=_pairs(parse_qsl(query, keep_blank_values=True)),
        postData=data,
        bodySize=request.size or len(body.encode()),
    )


def _response(response: Response | None, version: str, directory: Path) -> harfile.Response:
    """Return an answer; none at all has the status 0, as browsers have it."""
    if response is None:
        return harfile.Response(status=0, statusText="", httpVersion=version, content=harfile.Content(mimeType=UNKNOWN))
    body = whole_body(directory, response)
    kind = _header(response, "content-type") or UNKNOWN
    size = response.size or len(body.encode())
    return harfile.Response(
        status=response.status,
        statusText=_phrase(response.status),
        httpVersion=version,
        headers=_pairs(response.headers),
        content=harfile.Content(size=size, mimeType=kind, text=body, comment=_long(response)),
        redirectURL=_header(response, "location"),
    )


def _uri(url: str) -> str:
    """Return a URL in letters that one may have: a fuzzer sends others too, and marks of secrets are none."""
    authority = AUTHORITY.match(url)
    start = authority.end() if authority else 0
    return url[:start] + quote(BARE_PERCENT.sub("%25", url[start:]), safe=IN_URL)


def _phrase(status: int) -> str:
    return http.HTTPStatus(status).phrase if status in set(http.HTTPStatus) else ""


def _header(message: Request | Response, wanted: str) -> str:
    return next((value for name, value in message.headers if name.lower() == wanted), "")


def _pairs(pairs: Iterable[tuple[str, str]]) -> list[harfile.Record]:
    return [harfile.Record(name=name, value=value) for name, value in pairs]


def _long(message: Request | Response) -> str | None:
    """Say of a long body that it may not be whole."""
    kept = "what is kept has no secrets, and may be only its beginning"
    return f"the body had {message.size} bytes: {kept}" if message.size else None
