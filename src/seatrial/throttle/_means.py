"""What a stack lets a proof do besides sending requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


class Load(Protocol):
    """Load that is being sent: how many arrivals were due so far, and began."""

    @property
    def due(self) -> int:
        """Return how many arrivals were due."""

    @property
    def started(self) -> int:
        """Return how many of them began; the others were turned away, since too many were under way."""

    @property
    def ended(self) -> bool:
        """Return whether no more are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a stack lets one do: read its services' memory in bytes, and control the store; None where it does not.

    `load` is what can be sent to it meanwhile: entering it blocks until it is at its full rate.
    """

    memory: Callable[[], Mapping[str, int]] | None = None
    control: Callable[[str], None] | None = None
    load: Callable[[], AbstractContextManager[Load]] | None = None
