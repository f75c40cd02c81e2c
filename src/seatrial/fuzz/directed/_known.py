"""What the configuration knows of a service, beside its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.core import Identity

LARGE = 16 * 1024 * 1024
"""More than a body may have where nobody says how much: what servers take by default is less."""


NOBODY = Identity(name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A request that is served, as somebody or nobody; `then` makes another one of its answer, if it can."""

    method: str
    path: str
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    identity: Identity = NOBODY
    then: Callable[[Any], Known | None] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directions:
    """Requests that are served, why others cannot be known (by method and path), and the largest body."""

    known: tuple[Known, ...] = ()
    beyond: Mapping[str, str] = field(default_factory=dict)
    body_bytes: int = LARGE
