"""From many data files, written where the services have the source, to one that speaks of the files on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from coverage import CoverageData
from coverage.exceptions import CoverageException

from seatrial.core import EnvironmentFailure
from seatrial.cover._handed_in import HandedIn
from seatrial.cover._places import Places

DATA = ".coverage"
"""The name of the one file among the reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Combined:
    """All data in one, and the measured files that are not in the source (as the service names them)."""

    data: CoverageData
    unmapped: tuple[str, ...]


def combine(handed_in: Iterable[HandedIn], *, places: Places, inside: str, file: Path) -> Combined:
    """Combine data files into `file`; what was never imported counts as not executed. Raises EnvironmentFailure."""
    file.unlink(missing_ok=True)
    data, unmapped = CoverageData(str(file)), set[str]()
    try:
        for service in handed_in:
            map_path = mapper({inside, *service.roots}, places, unmapped)
            for path in service.files:
                with closing(CoverageData(str(path))) as part:
                    part.read()
                    data.update(part, map_path=map_path)
        # Touching needs to know that lines are measured: without any data there is nothing to count either.
        if data.measured_files():
            data.touch_files([str(places.source / name) for name in places.files])
        data.write()
    except CoverageException as error:
        raise unusable(error, file) from error
    return Combined(data=data, unmapped=tuple(sorted(unmapped)))


def copy_data(source: Path, target: Path) -> None:
    """Copy data; what an earlier, killed session left at the target is no part of it. Raises EnvironmentFailure."""
    try:
        target.unlink(missing_ok=True)
        with closing(CoverageData(str(source))) as recorded, closing(CoverageData(str(target))) as copied:
            recorded.read()
            copied.update(recorded)
            copied.write()
    except (OSError, CoverageException) as error:
        raise unusable(error, target) from error


def unusable(error: Exception, where: Path) -> EnvironmentFailure:
    """Return the error to raise when coverage cannot work with what was handed in."""
    return EnvironmentFailure(
        f"cannot combine what the services recorded: {error}",
        slug="coverage-unusable",
        where=str(where),
        remedy="free some disk space if there is none, else run again; report it if it happens twice",
    )


def mapper(roots: Iterable[str], places: Places, unmapped: set[str]) -> Callable[[str], str]:
    """Return what turns a service's path into one of this machine; others are collected."""
    prefixes = sorted({f"{root.rstrip('/')}/" for root in roots}, key=len, reverse=True)
    known = frozenset(places.files)

    def map_path(path: str) -> str:
        prefix = next((prefix for prefix in prefixes if path.startswith(prefix)), None)
        if prefix is None or path.removeprefix(prefix) not in known:
            unmapped.add(path)
            return path
        return str(places.source / path.removeprefix(prefix))

    return map_path
