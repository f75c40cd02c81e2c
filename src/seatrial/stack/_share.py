"""The folder that instruments and services share: what they are given goes in, what they write comes back.

Mounted   services see the folder itself                       the engine sees this machine's files
Copied    services see a volume; files are copied in and out   docker in docker, an engine on another machine
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A file that a service wrote: its name, its content, and when (in seconds, by the clock of who wrote it)."""

    name: str
    written_s: float
    text: str


class Share(Protocol):
    """What the harness writes below `folder` and hands in, services see; `problem` says why not all came back."""

    folder: Path
    problem: str

    def hand_in(self, name: str) -> None:
        """Let services see a file of the folder as it is now; raises EnvironmentFailure."""

    def look(self, name: str) -> Sequence[Seen]:
        """Return the files that services have in a folder of the share now; raises EnvironmentFailure."""


@dataclass(slots=True)
class Mounted:
    """A share that services see as it is here; implements `Share`."""

    folder: Path
    problem: str = ""

    def hand_in(self, name: str) -> None:
        """Do nothing: it is there."""

    def look(self, name: str) -> Sequence[Seen]:
        """Return the files of a folder."""
        return list(_seen(self.folder / name))


def _seen(folder: Path) -> Iterator[Seen]:
    for file in folder.glob("[!.]*"):
        try:
            yield Seen(name=file.name, written_s=file.stat().st_mtime, text=file.read_text(errors="replace"))
        except FileNotFoundError:
            continue  # whoever wrote it took it away just now
