"""What other tools recorded (unit tests, services in other languages), as lines of the project's files.

`.coverage`, coverage.xml, lcov.info --read_told--> paths of theirs --Layout--> files of ours --> Model, or a gap
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.config import CoverageSettings, MergeSettings
from seatrial.cover._formats import Told, read_told
from seatrial.cover._layout import Layout, normal
from seatrial.cover._lines import FileLines, Model, PythonLines, join
from seatrial.cover._places import Places

MODULE = frozenset({0, 1})
"""Lines by which Python, depending on its version, tells that a module began: an empty one too, which has none."""


@dataclass(slots=True)
class Merged:
    """Lines by file, the files of components that such data alone knows, and why it is not all that it should be."""

    model: Model = field(default_factory=dict)
    components: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)


def merge_in(settings: CoverageSettings, places: Places) -> Merged:
    """Read every file that the settings name; one that is missing, damaged, or of another layout or version is a gap.

    Nothing of such a file counts: part of it would look like lines that no test reached.
    """
    merged = Merged()
    for each in settings.merge:
        layout = _layout(each, settings, places)
        for path in _files(each, places.root):
            try:
                model = _read(path, each, layout, places)
            except (OSError, ValueError) as error:  # a path in the data may be one that no system takes
                merged.gaps.append(f"{each.suite}: {os.path.relpath(path, places.root)}: {error}")
                continue
            merged.model = join(merged.model, model)
            if each.component:
                merged.components[each.component] = (*merged.components.get(each.component, ()), *model)
    return merged


def _files(settings: MergeSettings, root: Path) -> Iterator[Path]:
    """Yield the files that the globs name, below the project or anywhere, and a glob itself that names none."""
    for pattern in map(Path, settings.files):
        base = Path(pattern.anchor) if pattern.is_absolute() else root
        try:
            found = sorted(base.glob(str(pattern.relative_to(pattern.anchor))))
        except (ValueError, IndexError):  # what no version of Python takes for a glob, such as a**b or nothing
            found = []
        yield from found or [root / pattern]


def _layout(settings: MergeSettings, all_: CoverageSettings, places: Places) -> Layout:
    source = (places.root / (settings.source or all_.source)).resolve()
    prefixes = [normal(path) for path in settings.paths]
    prefixes += [str(source), os.path.relpath(source, places.root)]
    if settings.component:
        return Layout(root=places.root, source=source, prefixes=tuple(prefixes))
    prefixes.append(normal(all_.container_source))
    return Layout(
        root=places.root,
        source=source,
        prefixes=tuple(prefixes),
        packages=all_.packages,
        measured=frozenset(places.files),
    )


def _read(path: Path, settings: MergeSettings, layout: Layout, places: Places) -> Model:
    """Return the lines of a file of data; raises ValueError with what to do."""
    if not path.is_file():
        raise ValueError("there is no such file: run what writes it first")
    try:
        told = read_told(path)
    except ValueError as error:
        raise ValueError(f"it cannot be read ({error}): write it again, with a tool of today") from error
    python = PythonLines()
    return {
        places.named(layout.source / file): _lines(layout.source / file, file, each, settings.suite, python)
        for file, each in layout.map(told).items()
    }


def _lines(path: Path, file: str, told: Told, suite: str, python: PythonLines) -> FileLines:
    """Return the lines of a file; raises ValueError where the data cannot be of what it contains."""
    _check_version(path, file, told)
    if path.suffix != ".py":
        return FileLines(executable=frozenset(told.listed or told.ran), suites={suite: frozenset(told.ran)})
    found = python.read(path, {suite: told.ran})
    if found is None:
        raise ValueError(f"{file} cannot be parsed by this Python: run seatrial under that of the service")
    return found


def _check_version(path: Path, file: str, told: Told) -> None:
    """Raise ValueError for a line that the file has not, or that is empty: no Python runs such a one."""
    lines = path.read_bytes().splitlines()
    started = MODULE if path.suffix == ".py" else frozenset[int]()
    for number in sorted({*told.ran, *(told.listed or ())} - started):
        gone = number > len(lines) or number < 1
        if gone or (path.suffix == ".py" and number in told.ran and not lines[number - 1].strip()):
            what = "is not there" if gone else "is empty"
            raise ValueError(f"line {number} of {file} {what}: the data is of another version, write it again")
