"""A request that is sent while a dependency hangs, and what came of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx

ID = "{id}"


class Unusable(Exception):
    """Nothing can be asked of a service that works; the message says why."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that the declared promises say is answered; `{id}` in its path stands for what was submitted.

    `statuses` are the answers of a service that works, any of 2xx where none is named. An `administrative` one is sent
    by an administrator.
    """

    method: str
    path: str
    body: Mapping[str, object] | None = None
    repeatable: bool = True
    id: str = ""
    statuses: Collection[int] = ()
    administrative: bool = False

    @property
    def operation(self) -> str:
        """Return what a finding calls it."""
        return f"{self.method} {self.path}"

    def served(self, answer: httpx.Response) -> bool:
        """Return whether an answer is that of a service that works."""
        return answer.status_code in self.statuses if self.statuses else answer.is_success


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a request while a dependency hung; no answer after twice the time that it may take is None."""

    ask: Ask
    answer: httpx.Response | None
    seconds: float

    @property
    def evidence(self) -> tuple[str, ...]:
        """Return the exchange that shows it."""
        return (str(self.answer.extensions.get("seatrial.exchange", "")),) if self.answer is not None else ()
