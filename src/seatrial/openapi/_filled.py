"""The matrix of a run: everything that was sent, whoever sent it, in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from seatrial.core import Exchange, Tally, media_type
from seatrial.openapi._matrix import Row, fill
from seatrial.record import Record


def filled(record: Record) -> list[Row]:
    """Return the matrix of a run so far, empty where no document was read.

    Exchanges that an instrument counted itself are not counted twice.
    """
    return fill(record.documented, [*record.tallies, *_recorded(record)]) if record.documented else []


def _recorded(record: Record) -> Iterator[Tally]:
    own = [exchange for id_, exchange in list(record.exchanges.items()) if id_ not in record.counted]
    for (operation, status, media), count in Counter(map(_answer, own)).items():
        if status:
            yield Tally(operation=operation, status=status, media=media, count=count)


def _answer(exchange: Exchange) -> tuple[str, int, str]:
    response = exchange.response
    if response is None:
        return exchange.operation, 0, ""
    media = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    return exchange.operation, response.status, media_type(media)
