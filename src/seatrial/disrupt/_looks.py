"""What the health endpoints say while a dependency hangs."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from seatrial.config import HealthSettings

POLL_S = 0.05
IN_A_ROW = 12
"""So many good answers one after the other: of three instances behind one address, each gave one of them."""

OK = frozenset({200})
NOT_READY = frozenset({500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Look:
    """One answer of an endpoint; status 0: it did not come in time."""

    status: int
    seconds: float
    text: str = ""
    exchange: str = ""

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the exchange that shows it."""
        return (self.exchange,) if self.exchange else ()


@dataclass(frozen=True, slots=True)
class HealthSeen:
    """What the endpoints said while one dependency hung; `readiness` is in order, up to the first that is not ready."""

    liveness: Look | None
    readiness: tuple[Look, ...]
    detailed: Look | None
    recovered: bool = False


def see_hang(client: httpx.Client, health: HealthSettings) -> HealthSeen:
    """Ask each endpoint while a dependency hangs.

    Readiness comes first: a service that looks at its dependencies now and then may not have noticed before.
    """
    readiness = ask_until(client, health.readiness, NOT_READY, health.react_s) if health.readiness else ()
    return HealthSeen(
        liveness=look(client, health.liveness, health.react_s) if health.liveness else None,
        readiness=readiness,
        detailed=look(client, health.detailed, health.react_s) if health.detailed else None,
    )


def see_recovery(client: httpx.Client, health: HealthSettings) -> bool:
    """Return whether readiness says soon, and whichever instance is asked, that a dependency goes on."""
    deadline, in_a_row = time.monotonic() + health.react_s, 0
    while health.readiness and in_a_row < IN_A_ROW:
        left_s = deadline - time.monotonic()
        looks = ask_until(client, health.readiness, OK, left_s) if left_s > 0 else ()
        if not looks or looks[-1].status not in OK:
            return False
        in_a_row = in_a_row + 1 if len(looks) == 1 else 1
    return True


def look(client: httpx.Client, path: str, patience_s: float) -> Look:
    """Ask an endpoint once."""
    began = time.monotonic()
    try:
        answer = client.get(path, timeout=patience_s)
    except httpx.TimeoutException:
        return Look(0, time.monotonic() - began)
    exchange = str(answer.extensions.get("seatrial.exchange", ""))
    return Look(answer.status_code, time.monotonic() - began, answer.text, exchange)


def ask_until(client: httpx.Client, path: str, statuses: Collection[int], patience_s: float) -> tuple[Look, ...]:
    """Ask an endpoint until it answers with one of these statuses, or patience ends."""
    deadline = time.monotonic() + patience_s
    seen = [look(client, path, patience_s)]
    while seen[-1].status not in statuses and time.monotonic() < deadline:
        time.sleep(POLL_S)
        seen.append(look(client, path, patience_s))
    return tuple(seen)
