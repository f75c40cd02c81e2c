"""Find and remove what runs left behind."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from seatrial.stack._folders import KEEP_FILE, read_owner, work_folder, work_parent
from seatrial.stack._inside.reaper import Sweep, docker, environment_of, living, reap, remove_folder

LABELS = "|".join(f'{{{{.Label "dev.seatrial.{name}"}}}}' for name in ("run", "owner", "keep", "machine"))
LISTINGS = (
    ("ps", "-a", "--filter", "label=dev.seatrial.run", "--format", LABELS),
    ("network", "ls", "--filter", "label=dev.seatrial.run", "--format", LABELS),
    ("volume", "ls", "--filter", "label=dev.seatrial.run", "--format", LABELS),
)


def sweep(run: str) -> Sweep:
    """Kill the processes of a run and remove its containers, networks, volumes and work folder.

    Never ends the calling process or one of its ancestors.
    """
    work = work_folder(run)
    swept = reap(run, work)
    remove_folder(work)
    return swept


def leftovers(*, kept: bool = False) -> list[str]:
    """Return the runs whose harness is dead and that still have something here, those that were kept only if asked."""
    found = [*_in_processes(), *_in_engine(), *_in_folders()]
    marked = {run for run, keep in found if keep}
    return sorted({run for run, _ in found} - (set() if kept else marked))


def _in_processes() -> Iterator[tuple[str, bool]]:
    alive = living()
    for pid, facts in alive.items():
        environment = environment_of(pid)
        run, owned_by = environment.get("SEATRIAL_RUN"), environment.get("SEATRIAL_OWNER")
        owner = alive.get(_number(owned_by))
        # A process that started before the one that is said to own it: the number went to somebody else.
        if run and owned_by and (owner is None or owner.started > facts.started):
            yield run, environment.get("SEATRIAL_KEEP") == "1"


def _in_engine() -> Iterator[tuple[str, bool]]:
    for listing in LISTINGS:
        for line in docker(*listing) or ():
            run, owner, keep, machine = line.split("|")
            elsewhere = machine not in {"", _machine()}
            if run and not elsewhere and not Path(f"/proc/{_number(owner)}").exists():
                yield run, keep == "1"


def _in_folders() -> Iterator[tuple[str, bool]]:
    for folder in work_parent().iterdir():
        owner = read_owner(folder)
        if owner is not None and not owner.alive:
            yield owner.run, (folder / KEEP_FILE).exists()


def run_labels(run: str, *, keep: bool) -> Mapping[str, str]:
    """Return the labels of every container, network and volume of a run.

    `machine` says where the owner's number means something: several machines may share one engine.
    """
    labels = {"run": run, "owner": str(os.getpid()), "machine": _machine(), **({"keep": "1"} if keep else {})}
    return {f"dev.seatrial.{name}": value for name, value in labels.items()}


def _machine() -> str:
    return sha256(socket.gethostname().encode()).hexdigest()[:12]


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def run_marks(run: str, *, keep: bool) -> Mapping[str, str]:
    """Return the variables that every process of a run carries, by which it is found when the harness is gone."""
    marks = {"SEATRIAL_RUN": run, "SEATRIAL_OWNER": str(os.getpid())}
    return {**marks, "SEATRIAL_KEEP": "1"} if keep else marks
