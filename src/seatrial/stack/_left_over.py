"""Variables that a service is given and nothing in it reads, as far as its files can tell.

compose file + Dockerfile + what goes into the image --every name that stands there--> the names that stand nowhere
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from seatrial.config import Settings
from seatrial.stack._code import NAME, perhaps_read_by_file
from seatrial.stack._compose_model import context_of, dockerfile_of

COPIED = re.compile(r"^\s*(?:COPY|ADD)\s+(.+)$", re.MULTILINE | re.IGNORECASE)
TELLS_OF_VARIABLES = ("*compose*.yml", "*compose*.yaml", ".env*", "*.env", "*.md")
"""Files that name what is handed over, or describe it, and read nothing."""

LARGEST = 1_000_000
"""What is larger, or holds a NUL, is no text."""


@dataclass(frozen=True, slots=True)
class Image:
    """What a service is built from, where it is Python code of ours: its folder, its Dockerfile, and that code."""

    context: Path
    dockerfile: Path
    code: tuple[Path, ...]

    def globs(self) -> set[str]:
        """Return globs of the names that stand anywhere in it."""
        return {glob for file in self._files() for glob in self._globs_in(file)}

    def _files(self) -> Iterator[Path]:
        # As a whole first: the thread that starts the stack may import it too, and both would get half of it.
        import docker  # noqa: F401, PLC0415 - heavy
        from docker.utils.build import exclude_paths  # noqa: PLC0415 - heavy

        name = str(self.dockerfile.relative_to(self.context))
        for path in exclude_paths(str(self.context), _ignored(self.context, name), name):
            file = self.context / path
            if file.is_file() and not any(fnmatchcase(file.name, glob) for glob in TELLS_OF_VARIABLES):
                yield file

    def _globs_in(self, file: Path) -> Iterable[str]:
        if file.suffix == ".py" and any(file.is_relative_to(folder) for folder in self.code):
            return perhaps_read_by_file(file)
        content = file.read_bytes() if file.stat().st_size <= LARGEST else b""
        return () if b"\0" in content else NAME.findall(content.decode("utf-8", "replace"))


def _ignored(context: Path, dockerfile: str) -> list[str]:
    """Return the patterns by which files are kept out of an image."""
    for file in (context / f"{dockerfile}.dockerignore", context / ".dockerignore"):
        if file.is_file():
            lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
            return [line for line in lines if line and not line.startswith("#")]
    return []


def image_of(service: Mapping[str, Any], settings: Settings, root: Path, code: Iterable[str]) -> Image | None:
    """Return what a service is built from; None where the code is not copied into it, so that none of it is known."""
    context, dockerfile = context_of(service, settings, root), dockerfile_of(service, settings, root)
    if context is None or dockerfile is None:
        return None
    context, dockerfile = context.resolve(), dockerfile.resolve()
    folders = [folder for folder in ((root / name).resolve() for name in code) if folder.is_relative_to(context)]
    words = [word for line in COPIED.findall(dockerfile.read_text(encoding="utf-8")) for word in _sources(line)]
    copied = tuple(folder for folder in folders if any(_covers(word, folder.relative_to(context)) for word in words))
    return Image(context, dockerfile, copied) if copied and dockerfile.is_relative_to(context) else None


def _sources(line: str) -> list[str]:
    """Return what a COPY takes from the folder: nothing where it takes from another stage."""
    words = [word for word in re.split(r'[\s"\[\],]+', line) if word]
    return [] if any(word.startswith("--from") for word in words) else [w for w in words[:-1] if not w.startswith("--")]


def _covers(source: str, folder: Path) -> bool:
    """Return whether what is copied holds the folder, is it, or lies in it."""
    parts, wanted = PurePosixPath(source.lstrip("/")).parts, folder.parts
    return all(fnmatchcase(name, glob) for glob, name in zip(parts, wanted, strict=False))


def left_over(service: Mapping[str, Any], globs: Iterable[str]) -> set[str]:
    """Return the variables that a service is given and whose names stand neither among these nor in its own words."""
    known = set(globs) | set(NAME.findall(str({key: service[key] for key in service.keys() - {"environment"}})))
    given = {str(entry).partition("=")[0] for entry in service.get("environment") or ()}
    return {name for name in given - known if not any(fnmatchcase(name, glob) for glob in known)}
