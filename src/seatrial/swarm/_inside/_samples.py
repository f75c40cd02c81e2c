"""A few requests in full, as evidence: the first of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from seatrial.swarm._inside._visit import Judged, Visit

MOST = 24
BODY_LIMIT = 4096


class Samples:
    """Keep the first request of each operation, status and outcome."""

    def __init__(self) -> None:
        self.kept: list[dict[str, object]] = []
        self._kinds: set[tuple[str, int, str]] = set()

    def take(self, visit: Visit, judged: Judged, response: Any, *, span_s: tuple[float, float]) -> None:
        """Keep this one if there is none of its kind yet; `span_s` is when it was sent and judged."""
        kind = (judged.operation, judged.status, judged.outcome)
        if kind in self._kinds or len(self.kept) >= MOST:
            return
        self._kinds.add(kind)
        times = {"sent_s": span_s[0], "received_s": span_s[1], "identity": visit.identity}
        self.kept.append({**asdict(judged), **times, **_sent(response, visit), **_received(response)})


def _sent(response: Any, visit: Visit) -> dict[str, object]:
    request = getattr(response, "request", None)
    url, body = getattr(request, "url", None), getattr(request, "body", None)
    headers = _pairs(getattr(request, "headers", None), visit)
    return {"url": str(url or ""), "request_headers": headers, "request_body": _text(body)}


def _received(response: Any) -> dict[str, object]:
    headers = _pairs(getattr(response, "headers", None), None)
    return {"response_headers": headers, "response_body": _text(getattr(response, "content", None))}


def _pairs(headers: Mapping[str, str] | None, visit: Visit | None) -> list[list[str]]:
    secret = {name.lower() for name in visit.headers} if visit else set()
    hidden = f"{{{{secret:{visit.identity}}}}}" if visit else ""
    return [[name, hidden if name.lower() in secret else str(value)] for name, value in (headers or {}).items()]


def _text(body: object) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    return text[:BODY_LIMIT]
