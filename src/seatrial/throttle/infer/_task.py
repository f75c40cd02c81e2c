"""What is asked of an inference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from seatrial.throttle.infer._people import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One endpoint, whom to ask as, and the bounds that are kept."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    people: Sequence[Person] = ()
    address_pool: str = ""
    max_requests: int = 5000
    max_s: float = 180.0
    template: str = ""
    race: bool = False
    seed: int = 0
    progress: Callable[[str], None] = lambda _line: None

    @property
    def base(self) -> str:
        """Return where the server is."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def path(self) -> str:
        """Return what is asked for."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
