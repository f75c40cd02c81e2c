"""Valkey from its wheel: loopback only, nothing written to disk."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from seatrial.stack._embedded import valkey_program
from seatrial.stack._inside.reaper import LEDGER
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._processes import Launch

ANSWER_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """A Valkey server and its number of logical databases."""

    folder: str
    port: int
    databases: int = 16

    def url(self, *, number: int = 0, port: int = 0) -> str:
        """Return the address of a logical database."""
        return f"redis://{LOOPBACK}:{port or self.port}/{number}"

    def launch(self, *, environment: Mapping[str, str], log: Path, work: Path) -> Launch:
        """Return how the server is started."""
        options = {"port": self.port, "bind": LOOPBACK, "databases": self.databases, "dir": self.folder}
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return Launch(
            command=(str(valkey_program()), *words, "--save", "", "--appendonly", "no"),
            environment=environment,
            directory=self.folder,
            log=str(log),
            ledger=str(work / LEDGER),
        )

    def answers(self) -> bool:
        """Return whether the server answers a PING."""
        return self.command("PING") == b"+PONG"

    def flush(self, number: int) -> None:
        """Empty one logical database, where the server still runs."""
        self.command(f"SELECT {number}\r\nFLUSHDB")

    def command(self, text: str) -> bytes:
        """Send inline commands and return the last line of the answer, empty when there is none."""
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=ANSWER_S) as line:
            line.settimeout(ANSWER_S)
            line.sendall(f"{text}\r\n".encode())
            received = b""
            while received.count(b"\r\n") < text.count("\r\n") + 1:
                chunk = line.recv(4096)
                if not chunk:
                    break
                received += chunk
            return received.strip().rpartition(b"\r\n")[2]
        return b""


def prepare_valkey(folder: Path, *, port: int, databases: int = 16) -> Valkey:
    """Make the server's folder; raises EnvironmentFailure when the wheel is not installed."""
    valkey_program()
    folder.mkdir(mode=0o700, parents=True)
    return Valkey(folder=str(folder), port=port, databases=databases)
