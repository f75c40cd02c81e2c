"""Workers on other machines: where their master waits for them, for how many, and how long; standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from hashlib import sha256
from pathlib import Path

from seatrial.core import content

PORT = 5557
"""Locust's own, for its masters."""

TOPIC = "seatrial"
"""What our messages are called among Locust's."""

APART_MS = 50.0
"""How far apart the shares of a load may begin, by the master's one clock."""

CHUNK = 1 << 18
MOST_BYTES = 1 << 33
"""Of the rows of one worker: twenty million arrivals of the usual length are a quarter of it."""

SILENT_S = 5.0
"""A worker that hears nothing of its master for so long sends nothing more."""

NOBODY = 3
"""The exit code of a worker's load process to which no master came."""


class Left(IntEnum):
    """How a worker's load process ended: its exit code, to which a master came."""

    SENT = 0
    SPARE = 4
    REFUSED = 5
    DISMISSED = 6
    ALONE = 7

    @property
    def told(self) -> str:
        """Return what became of the master's load here."""
        return {
            Left.SENT: "sent its share",
            Left.SPARE: "was not needed",
            Left.REFUSED: "could not send what its master asked for, who has the reason",
            Left.DISMISSED: "was let go before it had sent its share: its master has the reason",
            Left.ALONE: f"stopped, as its master said nothing for {SILENT_S:g} s",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Where the master listens, how many workers it needs, and how long it waits for them."""

    host: str
    port: int
    workers: int
    wait_s: float

    @property
    def address(self) -> str:
        """Return where workers connect."""
        return f"{self.host}:{self.port}"

    def encode(self) -> str:
        """Return it as one word."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Crew:
        """Return the crew of a word."""
        return cls(**json.loads(text))


def find_file(name: str, root: Path) -> Path | None:
    """Return this machine's load file of that name: of its project, or a shipped one; None where there is none.

    The master chooses the name: whatever it leads to, in other folders nothing is looked at.
    """
    shipped = content("load")
    places = ((root / name, root), (shipped.parent / name, shipped))
    return next((file for file, fence in places if _is_in(fence, file) and file.is_file()), None)


def _is_in(folder: Path, file: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())


def digest(file: Path) -> str:
    """Return what tells a file's content from another; nothing where there is none."""
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
