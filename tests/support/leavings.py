"""What a harness left, looked for without the harness's own code: processes, work folders, and what Docker holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LISTINGS = {
    "container": ("ps", "--all", "--quiet"),
    "network": ("network", "ls", "--quiet"),
    "volume": ("volume", "ls", "--quiet"),
}
POLL_S = 0.1
ENGINE_S = 30.0


def left_of(owner: int) -> list[str]:
    """Return everything that the harness with this process number left behind."""
    return [*_processes_of(owner), *_folders_of(owner), *_in_engine(owner)]


def await_gone(owner: int, *, patience_s: float) -> list[str]:
    """Return what is still left of a harness after at most `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    while (left := left_of(owner)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left


def _processes_of(owner: int) -> Iterator[str]:
    """Yield what carries the harness's mark, and the watchdog, which only its arguments give away."""
    mark, number = f"SEATRIAL_OWNER={owner}".encode(), str(owner).encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark in (process / "environ").read_bytes().split(b"\0")
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked or (number in words and any(word.endswith(b"reaper.py") for word in words)):
            yield f"process {process.name}: {b' '.join(words).decode(errors='replace')[:100]}"


def _folders_of(owner: int) -> Iterator[str]:
    for note in Path(tempfile.gettempdir(), f"seatrial-{os.getuid()}").glob("*/owner.json"):
        try:
            if json.loads(note.read_text())["pid"] == owner:
                yield f"folder {note.parent}"
        except (OSError, ValueError):
            continue


def _in_engine(owner: int) -> Iterator[str]:
    for kind, listing in LISTINGS.items() if shutil.which("docker") else ():
        words = ["docker", *listing, "--filter", f"label=dev.seatrial.owner={owner}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=ENGINE_S, check=False)
        yield from (f"{kind} {name}" for name in done.stdout.split())
