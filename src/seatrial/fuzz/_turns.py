"""Whose turn it is: identities change before any of them nears its quota.

This is patched into requests' sessions in the child process, so that every request of the engine goes through it:
those of checks and of links between operations too.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from seatrial.fuzz._messages import Order

PLACEHOLDER = "seatrial-identity"
NAME_ATTRIBUTE = "seatrial_identity"
SAFETY_S = 0.5


class SourceAdapter(HTTPAdapter):
    """Send from one address."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__(pool_maxsize=2)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Bind every connection to the address."""
        super().init_poolmanager(*arguments, **options, source_address=(self._address, 0))


class Turns:
    """Put an identity into each request that wants one, and spread those that want none."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._lock = threading.Lock()
        self._identities = itertools.cycle(order.identities or [("", {})])
        self._current = next(self._identities)
        self._used = 0
        self._adapters = itertools.cycle([SourceAdapter(address) for address in order.addresses] or [HTTPAdapter()])
        self._adapter = next(self._adapters)
        self._anonymous = 0
        self._recent: deque[float] = deque()

    def install(self) -> None:
        """Make every session of this process send through here."""
        original = requests.Session.send

        def send(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            if PLACEHOLDER in request.headers.values():
                name, headers = self._take_turn()
                request.headers.update(headers)
                setattr(request, NAME_ATTRIBUTE, name)
            else:
                adapter = self._anonymous_turn()
                session.mount("http://", adapter)
                setattr(request, NAME_ATTRIBUTE, "")
                try:
                    return original(session, request, **options)
                finally:
                    session.mount("http://", HTTPAdapter())
            return original(session, request, **options)

        setattr(requests.Session, "send", send)  # noqa: B010 - mypy cannot see that the two agree

    def _take_turn(self) -> tuple[str, dict[str, str]]:
        with self._lock:
            if self._used >= self._order.uses:
                self._current, self._used = next(self._identities), 0
            self._used += 1
            return self._current

    def _anonymous_turn(self) -> HTTPAdapter:
        """Return where the next request without an identity goes out, after a pause where all share one address."""
        with self._lock:
            if self._anonymous >= self._order.uses:
                self._adapter, self._anonymous = next(self._adapters), 0
            self._anonymous += 1
            if not self._order.addresses:
                self._pace()
            return self._adapter

    def _pace(self) -> None:
        if len(self._recent) >= self._order.uses:
            free_s = self._recent.popleft() + self._order.window_s + SAFETY_S
            time.sleep(max(0.0, free_s - time.monotonic()))
        self._recent.append(time.monotonic())
