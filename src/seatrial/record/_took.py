"""How long recorded answers took, by operation: numbers alone, of however many exchanges there are."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

SAMPLE = "load-"
"""How ids of exchanges begin that are examples out of a load: how long its answers took is in its own statistics."""


class Answered(Protocol):
    """An exchange, or its outline: `sent_s` and `received_s` are in seconds, of a clock of its own."""

    @property
    def id(self) -> str:
        """Return its id."""

    @property
    def operation(self) -> str:
        """Return method and path."""

    @property
    def sent_s(self) -> float:
        """Return when it was sent."""

    @property
    def received_s(self) -> float:
        """Return when the answer was there, or was waited for no longer."""

    @property
    def response(self) -> Any:
        """Return the answer, None where none came."""


@dataclass(slots=True)
class Took:
    """The answers of one operation: how long each took (s), and the id and status (0: none came) of the slowest."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    slowest: str = ""
    status: int = 0
    most_s: float = -1.0

    def take(self, took_s: float, *, id_: str, status: int) -> None:
        """Count one."""
        self.seconds.append(took_s)
        if took_s > self.most_s:
            self.most_s, self.slowest, self.status = took_s, id_, status

    def __iadd__(self, other: Took) -> Self:
        """Take in those of another operation, which is the same to who asks."""
        self.seconds.extend(other.seconds)
        if other.most_s > self.most_s:
            self.most_s, self.slowest, self.status = other.most_s, other.slowest, other.status
        return self
