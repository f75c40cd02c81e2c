"""Which files are measured, and which of them belong to which component."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial.config import CoverageSettings
from seatrial.core import UsageError

SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|[\s\S]")
MEANING = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


def matches(pattern: str, path: str) -> bool:
    """Return whether a glob names a path: `*` stays within a folder, `**` does not."""
    return bool(re.fullmatch("".join(MEANING.get(token, re.escape(token)) for token in TOKEN.findall(pattern)), path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The source on this machine: `root` is the project's folder, `files` are relative to `source`."""

    root: Path
    source: Path
    files: tuple[str, ...]

    def relative(self, files: Iterable[str]) -> list[str]:
        """Return files of the source as the project names them, for messages and reports."""
        return [self.named(self.source / file) for file in files]

    def named(self, path: Path) -> str:
        """Return a file as the project names it, relative to its folder."""
        return os.path.relpath(path, self.root)


def find_places(settings: CoverageSettings, root: Path) -> Places:
    """Return what is to be measured; raises UsageError for a folder, package or component that has no file."""
    source = (root / settings.source).resolve()
    if not source.is_dir():
        raise _wrong("the folder does not exist", "source", str(source))
    for package in settings.packages:
        if not (source / package).is_dir():
            raise _wrong(f"there is no folder {package!r} in {settings.source}", "packages", str(source))
    packages = settings.packages if settings.services else ()
    files = sorted({file for package in packages for file in _files(source, package)})
    for each in settings.merge:
        if each.source and not (root / each.source).is_dir():
            raise _wrong(f"the folder {each.source!r} does not exist", "merge", str(root))
        if each.source and not each.component:
            raise _wrong(f"{each.source!r} has a source of its own, but no component", "merge", str(root))
        if not settings.services and not each.component:
            raise _wrong("no service is measured, so that what is merged needs a component", "merge", str(root))
    for name in settings.components:
        if not component_files(settings, name, files):
            raise _wrong(f"the component {name} has no file among those measured", f"components.{name}", str(source))
    return Places(root=root.resolve(), source=source, files=tuple(files))


def _files(source: Path, package: str) -> Iterator[str]:
    """Yield the Python files of a package, without environments and what tools leave behind."""
    for folder, folders, names in os.walk(source / package):
        folders[:] = [name for name in folders if name not in SKIPPED and not name.startswith(".")]
        if "pyvenv.cfg" in names:
            folders[:] = []
            continue
        yield from (os.path.relpath(Path(folder, name), source) for name in names if name.endswith(".py"))


def component_files(settings: CoverageSettings, name: str, files: Iterable[str]) -> list[str]:
    """Return the files of a component; one file may belong to several."""
    return [file for file in files if any(matches(pattern, file) for pattern in settings.components[name])]


def _wrong(what: str, key: str, source: str) -> UsageError:
    return UsageError(
        what,
        slug="coverage-source",
        where=f"[coverage] {key} (looked in {source})",
        remedy="name the source folder and the packages in it; components are globs relative to the source folder, "
        "but for one that `merge` names, whose `source` is a folder of the project",
    )
