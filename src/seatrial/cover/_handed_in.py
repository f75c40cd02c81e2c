"""What the services handed in: data files that can be read, and what stands in the way of the others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """What one service left in the share.

    `files` hold lines, `broken` cannot be read, `processes` are what each process said of itself (Python, tracer,
    root), `problems` are messages of those that could not be measured, `digests` are of the service's source files.
    """

    service: str
    files: tuple[Path, ...]
    broken: tuple[str, ...]
    processes: tuple[dict[str, str], ...]
    problems: tuple[str, ...]
    digests: dict[str, str]

    @property
    def gap(self) -> str:
        """Return why this is not all that the service executed, empty when it is."""
        if self.broken:
            return f"{self.service}: {len(self.broken)} data files cannot be read ({'; '.join(self.broken[:SHOWN])})"
        if self.problems:
            return f"{self.service}: {'; '.join(sorted(set(self.problems))[:SHOWN])}"
        if self.files:
            return ""
        if self.processes:
            return f"{self.service}: none of its {len(self.processes)} processes executed a measured file"
        return f"{self.service}: no Python process of it was measured"

    @property
    def roots(self) -> set[str]:
        """Return where its processes had the source."""
        return {process["root"] for process in self.processes}


CORES = {"CTracer": "ctrace", "PyTracer": "pytrace", "SysMonitor": "sysmon"}
"""What coverage's documentation calls what it calls otherwise in its code."""


def interpreters(handed_in: Iterable[HandedIn]) -> list[dict[str, str]]:
    """Return by which Python, and which core of coverage, each service was measured, as far as its processes said."""
    found = {
        (each["service"], each["python"], CORES.get(each["tracer"], each["tracer"]))
        for service in handed_in
        for each in service.processes
        if "tracer" in each
    }
    return [{"service": service, "python": python, "core": core} for service, python, core in sorted(found)]


def read_handed_in(data: Path, service: str, *, lost: Iterable[str] = ()) -> HandedIn:
    """Read what a service left in the data folder of a share; `lost` says why something of it may be missing."""
    states = {path: state_of(path) for path in sorted(data.glob(f".coverage.{service}.*"))}
    return HandedIn(
        service=service,
        files=tuple(path for path, state in states.items() if state == "lines"),
        broken=tuple(state for state in states.values() if state not in {"lines", "empty"}),
        processes=tuple(_json(path) for path in sorted(data.glob(f"processes/{service}@*.json"))),
        problems=(*lost, *_problems(data, service)),
        digests=_json(data / "sources" / f"{service}.json"),
    )


def state_of(path: Path) -> str:
    """Return `lines`, `empty` (a process that ended before it wrote any), or what is wrong with a data file."""
    try:
        if path.stat().st_size == 0:
            return "empty"
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            checked: str = connection.execute("pragma quick_check").fetchone()[0]
            if checked != "ok":
                return checked
            return _content(connection)
    except (OSError, sqlite3.Error) as error:
        return str(error)


def _content(connection: sqlite3.Connection) -> str:
    tables = {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    if not {"arc", "coverage_schema"} <= tables:
        return "empty"
    if (version := connection.execute("select version from coverage_schema").fetchone()) != (_version(),):
        return f"another version of coverage wrote it: its schema is {version and version[0]}, not {_version()}"
    return "lines" if connection.execute("select 1 from arc limit 1").fetchone() else "empty"


def _version() -> int:
    """Return the version of data files that coverage reads here, and no other."""
    from coverage.sqldata import SCHEMA_VERSION  # noqa: PLC0415 - a tenth of a second: not before it is needed

    return SCHEMA_VERSION


def _problems(data: Path, service: str) -> Iterator[str]:
    for path in sorted(data.glob(f"problems/{service}@*")):
        yield path.read_text(encoding="utf-8", errors="replace").strip()


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
