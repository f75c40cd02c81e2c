"""Coverage of several runs as one, from what each of them left in its folder.

coverage/.coverage of each --union--> lines and branches that any of them executed, measured and reported anew
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from coverage import CoverageData
from coverage.exceptions import CoverageException

from seatrial.config import CoverageSettings
from seatrial.core import Evidence
from seatrial.cover._collector import unwritable
from seatrial.cover._evaluate import evaluate
from seatrial.cover._handed_in import HandedIn, state_of
from seatrial.cover._places import Places, find_places
from seatrial.cover._reach import COMPONENTS

DATA = ".coverage"
LATE = {"phase": str, "before": str, "service": str, "processes": int}


def unite(folders: Mapping[str, Path], settings: CoverageSettings, *, root: Path, out: Path) -> Evidence:
    """Measure what runs executed together, by name and coverage folder, and write every report into `out`.

    One whose data is missing or cannot be read leaves the whole without a figure. Raises UsageError for a source that
    is not there, and EnvironmentFailure.
    """
    places = find_places(settings, root)
    handed_in = [_read(name, folder, places) for name, folder in folders.items()] if settings.services else []
    try:
        out.mkdir(parents=True, exist_ok=True)
        late = [each for folder in folders.values() for each in _told(folder, "late", LATE)]
        return evaluate(handed_in, settings, places, inside=settings.container_source, out=out, late=late)
    except OSError as error:
        raise unwritable(out, error) from error


def _read(name: str, folder: Path, places: Places) -> HandedIn:
    path = folder / DATA
    state = state_of(path)
    good = state == "lines"
    return HandedIn(
        service=name,
        files=(path,) if good else (),
        broken=() if good else (f"{path.name}: {'it holds no lines' if state == 'empty' else state}",),
        processes=tuple(_processes(folder, _root(path, places))) if good else (),
        problems=(),
        digests={},
    )


def _processes(folder: Path, root: str) -> Iterator[dict[str, str]]:
    """Yield what the run knew of what measured its services; at least where it had the source."""
    yield {"root": root}
    for each in _told(folder, "interpreters", {"service": str, "python": str, "core": str}):
        yield {"root": root, "tracer": each["core"], **each}


def _told(folder: Path, key: str, types: Mapping[str, type]) -> Iterator[dict[str, Any]]:
    """Yield what a run told in a list of its components.json; nothing of another version: no figure rests on it."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        for each in json.loads((folder / COMPONENTS).read_text(encoding="utf-8"))[key]:
            yield {name: kind(each[name]) for name, kind in types.items()}


def _root(path: Path, places: Places) -> str:
    """Return where the machine of a run had the source: below what most of the files of the source are."""
    found: Counter[str] = Counter()
    try:
        with closing(CoverageData(str(path))) as data:
            data.read()
            for measured in data.measured_files():
                found.update(
                    measured.removesuffix(f"/{name}") for name in places.files if measured.endswith(f"/{name}")
                )
    except CoverageException:  # what reads it next says so
        pass
    return found.most_common(1)[0][0] if found else ""
