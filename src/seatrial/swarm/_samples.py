"""Samples of the load process as exchanges of the record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from seatrial.core import Exchange, Request, Response


def exchanges_of(name: str, samples: Iterable[Mapping[str, Any]], *, base_url: str) -> tuple[Exchange, ...]:
    """Return one exchange a sample; its times are seconds since the schedule began."""
    return tuple(_exchange(f"load-{name}-{number}", sample, base_url) for number, sample in enumerate(samples, 1))


def _exchange(name: str, sample: Mapping[str, Any], base_url: str) -> Exchange:
    method, path = sample["operation"].split(" ", 1)
    url = sample["url"] or f"{base_url}{path}"
    return Exchange(
        id=name, operation=sample["operation"], identity=sample["identity"],
        request=Request(method=method, url=url, headers=_pairs(sample["request_headers"]), body=sample["request_body"]),
        response=_response(sample), sent_s=sample["sent_s"], received_s=sample["received_s"], error=sample["cause"],
    )  # fmt: skip


def _response(sample: Mapping[str, Any]) -> Response | None:
    if not sample["status"]:
        return None
    headers = _pairs(sample["response_headers"])
    return Response(status=sample["status"], headers=headers, body=sample["response_body"])


def _pairs(headers: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers)


def ids_by_status(exchanges: Iterable[Exchange]) -> dict[int, tuple[str, ...]]:
    """Return the ids of the exchanges that failed, by status (0: no answer)."""
    found: dict[int, tuple[str, ...]] = {}
    for exchange in exchanges:
        if exchange.error:
            status = exchange.response.status if exchange.response else 0
            found[status] = (*found.get(status, ()), exchange.id)
    return found
