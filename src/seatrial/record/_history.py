"""The history of a project: one line a run, appended by each, from which later ones know what was before them."""

from __future__ import annotations

import errno
import fcntl
import os
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from seatrial.core import Verdict

KEPT = 30
"""So many earlier runs are looked back at."""

NAMED = 3


class PastGate(msgspec.Struct, frozen=True, kw_only=True):
    """How a rule ended in an earlier run: the value is None when it was not measured."""

    id: str
    metric: str
    value: float | None
    unit: str
    status: Verdict
    informational: bool = False


class PastRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as later ones know it: one line of the history, whose schema is reports/schema/run-history-1.schema.json.

    `asked` is the command that repeats it, without its seed. `commit` is that of the project's files (empty: not
    known), with a + where they differed from it. `broke` says that it ended early: it has no figures then. `coverage`
    is in percent of lines, by component, and `total`; `findings` and `checks` are counts, by severity and outcome.
    """

    schema: Literal["urn:seatrial:run-history:1"] = "urn:seatrial:run-history:1"
    run: str
    time: str
    project: str
    profile: str
    stack: str
    asked: str
    suites: tuple[str, ...]
    commit: str
    verdict: Verdict
    broke: bool = False
    duration_s: float = 0.0
    gates: tuple[PastGate, ...] = ()
    coverage: Mapping[str, float] = {}
    findings: Mapping[str, int] = {}
    checks: Mapping[str, int] = {}

    def is_like(self, other: PastRun) -> bool:
        """Return whether two runs asked for the same, on the same: only then their figures can be compared."""
        return _conditions(self) == _conditions(other)


def _conditions(run: PastRun) -> tuple[object, ...]:
    return run.project, run.profile, run.stack, run.asked, run.suites


@dataclass(frozen=True, slots=True)
class History:
    """The last runs that are like one, the oldest first; `problem` says which lines of the file are none."""

    runs: tuple[PastRun, ...] = ()
    problem: str = ""


_decoder = msgspec.json.Decoder(PastRun)


def read_history(path: Path, like: PastRun) -> History:
    """Return the last `KEPT` runs that are like one; a file that is not there has none, and broken lines are told."""
    found, broken = deque[PastRun](maxlen=KEPT), list[str]()
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    run = _decoder.decode(line)
                except (msgspec.DecodeError, ValueError) as error:
                    broken += [f"line {number}: {error}"] if line.strip() else []
                    continue
                if run.is_like(like):
                    found.append(run)
    except FileNotFoundError:
        return History()
    except OSError as error:
        return History(problem=f"the history of earlier runs cannot be read: {error.strerror} ({path})")
    return History(tuple(found), _told(path, broken))


def _told(path: Path, broken: list[str]) -> str:
    if not broken:
        return ""
    more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    named = "; ".join(broken[:NAMED])
    return f"earlier runs are missing from the history, delete what is no run in {path}: {named}{more}"


def append_run(path: Path, run: PastRun, *, redact: Callable[[str], str]) -> None:
    """Append one redacted line, whole or not at all, whoever else does so at this moment; raises OSError."""
    line = redact(msgspec.json.encode(run).decode()).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = file.seek(0, os.SEEK_END)
        if end and not _ends_well(file.fileno(), end):  # its writer was killed: the half line stays alone
            line = b"\n" + line
        written = 0
        try:
            written = file.write(line)
        finally:
            if written != len(line):  # a disk that is full takes the beginning of it
                file.truncate(end)
        if written != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _ends_well(file: int, end: int) -> bool:
    return os.pread(file, 1, end - 1) == b"\n"
