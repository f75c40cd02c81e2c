"""The matrix of a run: everything that was sent, whoever sent it, in one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from seatrial.core import Tally, media_type
from seatrial.openapi._matrix import Row, fill
from seatrial.record import Answer, Record, answer_of


def filled(record: Record) -> list[Row]:
    """Return the matrix of a run so far, empty where no document was read.

    Exchanges that an instrument counted itself are not counted twice.
    """
    return fill(record.documented, [*record.tallies, *_recorded(record)]) if record.documented else []


def _recorded(record: Record) -> Iterator[Tally]:
    own = [exchange for id_, exchange in list(record.exchanges.items()) if id_ not in record.counted]
    came = Counter(map(answer_of, own)) + record.answers
    for (operation, status, media, caller), count in _by_media(came).items():
        if status:
            yield Tally(operation=operation, status=status, media=media, count=count, caller=caller)


def _by_media(came: Mapping[Answer, int]) -> Counter[Answer]:
    """Return how often each answer came, with media types in place of content types."""
    found = Counter[Answer]()
    for (operation, status, sent, caller), count in came.items():
        found[operation, status, media_type(sent), caller] += count
    return found
