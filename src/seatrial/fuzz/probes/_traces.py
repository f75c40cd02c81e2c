"""Whether each answer has a trace id of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.core import Outcome
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._found import Seen
from seatrial.fuzz.probes._ground import Ground
from seatrial.fuzz.probes._values import header_of

KEPT = ("age", "x-cache")
"""Headers of an answer that somebody in between kept: it is one that was given before."""


def trace_ids(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Look at the trace id of every answer: it is there, of its form, and nobody else's."""
    if ground.besides.tracing is None:
        return [], Gap(Outcome.NOT_APPLICABLE, "[tracing] is not declared")
    if not ground.answers:
        return [], Gap(Outcome.INCONCLUSIVE, "no request was answered")
    found: dict[tuple[str, str], Seen] = {}
    for seen in _wrong(ground, ground.besides.tracing.header, ground.besides.tracing.accepts):
        found.setdefault((seen.operation, seen.cause), seen)
    return list(found.values()), None


def _wrong(ground: Ground, header: str, accepts: str) -> Iterator[Seen]:
    known: dict[str, Sent] = {}
    for sent in ground.answers:
        trace = header_of(sent, header)
        if not re.fullmatch(accepts, trace):
            title = f"{header} is {'malformed' if trace else 'not there'} on an answer of {sent.status}"
            yield Seen(operation=sent.operation, title=title, cause="malformed" if trace else "missing", steps=[sent])
        elif trace in known and not _is_given(sent, header):
            title = f"{header} is that of an earlier answer"
            yield Seen(operation=sent.operation, title=title, cause="repeated", steps=[known[trace], sent])
        known.setdefault(trace, sent)


def _is_given(sent: Sent, header: str) -> bool:
    """Return whether the trace id came from the caller, or with an answer that was kept."""
    asked = any(name.lower() == header.lower() for name, _ in sent.request_headers)
    return asked or any(header_of(sent, name) for name in KEPT)
