"""The way back to the harness."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import Protocol, Self


class Listener(Protocol):
    """Whoever is told how far a load is: the harness, or a master."""

    def send(self, kind: str, **facts: object) -> None:
        """Send one message."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Lines of JSON to the harness on a descriptor that no user's print can reach."""

    descriptor: int

    @classmethod
    def take_stdout(cls) -> Self:
        """Take standard output over; what is printed from now on goes to standard error, the log."""
        sys.stdout.flush()
        descriptor = os.dup(1)
        os.dup2(2, 1)
        return cls(descriptor)

    def send(self, kind: str, **facts: object) -> None:
        """Send one message."""
        line = json.dumps({"kind": kind, **facts}).encode() + b"\n"
        while line:
            line = line[os.write(self.descriptor, line) :]
