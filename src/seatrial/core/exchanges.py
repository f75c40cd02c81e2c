"""A request and what came back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was sent: the URL as sent, header pairs in order, the body as text."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


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
