"""A request and what came back."""

from __future__ import annotations

from dataclasses import dataclass

BODY_SHOWN = 16_384
"""How many characters of a body stand in the record's events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was sent: the URL as sent, header pairs in order, the body as text.

    Where the text is only the beginning of a body, `size` is the body's length in bytes, and `blob` names the file of
    the run directory that holds more of it (empty: nothing more was kept). The same holds for a response.
    `version` is that of HTTP where another one than usual was chosen.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    size: int = 0
    blob: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    size: int = 0
    blob: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, its response (None if none came) and the client's clock around them.

    `sent_s` and `received_s` are seconds of one monotonic clock: the server acted between the two.
    """

    id: str
    operation: str
    identity: str
    request: Request
    response: Response | None
    sent_s: float
    received_s: float
    error: str = ""
