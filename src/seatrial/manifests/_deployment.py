"""What is wrong with the files by which platforms run a service, whichever platform it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from seatrial.manifests._pipeline import Flaw
from seatrial.manifests._read import Document
from seatrial.manifests._schemas import departures
from seatrial.manifests.platforms import PLATFORMS, Workload, platform_of

MOVES = ("latest", "main", "master", "edge", "nightly")
"""Tags that are put on something else all the time."""

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the compose file lets a service use; None where it sets no limit. Memory is in bytes."""

    cpus: float | None
    memory: float | None


def misread(documents: Sequence[Document]) -> Iterator[Flaw]:
    """Yield the documents that are no platform's, and in what the others depart from their published schemas."""
    if not any(document.value for document in documents):
        yield Flaw("there is nothing in it", "empty", 1)
    for number, document in enumerate(each for each in documents if each.value):
        platform = platform_of(document)
        if platform is None:
            known = ", ".join(each.name for each in PLATFORMS)
            yield Flaw(f"it is no file of a platform that is known here: {known}", f"unknown-{number}", document.line())
        elif schema := platform.schema(document):
            for count, (line, what) in enumerate(departures(document, schema)):
                yield Flaw(what, f"schema-{number}-{count}", line)


def workloads_of(documents: Sequence[Document]) -> Iterator[Workload]:
    """Yield everything that the documents of a file run."""
    for document in documents:
        if platform := platform_of(document):
            yield from platform.workloads(document)


def unknown_variables(workloads: Sequence[Workload], known: Collection[str]) -> Iterator[Flaw]:
    """Yield the variables that are given and that nobody knows; `known` are names and globs."""
    for workload in workloads:
        for name, line in workload.variables:
            if not any(fnmatchcase(name, glob) for glob in known):
                yield Flaw(
                    f"{_of(workload)}has the variable {name}, which the template lacks", f"variable-{name}", line
                )


def _of(workload: Workload) -> str:
    return f"{workload.name} " if workload.name else "it "


def unknown_endpoints(workloads: Sequence[Workload], known: Collection[str]) -> Iterator[Flaw]:
    """Yield the probes of paths that nobody answers; `known` are paths, also with `{parameters}`."""
    for workload in workloads:
        for path, line in workload.probes:
            if not any(_fits(path, template) for template in known):
                yield Flaw(f"{_of(workload)}is asked for {path}, which is no endpoint", f"probe-{path}", line)


def _fits(path: str, template: str) -> bool:
    parts = re.split(r"\{[^}]*\}", template)
    return re.fullmatch("[^/]+".join(map(re.escape, parts)), path.partition("?")[0]) is not None


def movable_images(workloads: Sequence[Workload], retagged: Collection[str] = ()) -> Iterator[Flaw]:
    """Yield the images whose name may mean something else tomorrow: without a tag, or with one that moves.

    Those that are `retagged` have their tag in another file.
    """
    for workload, (image, line) in ((workload, workload.image) for workload in workloads if workload.image):
        tag = tag_of(image)
        if tag in MOVES and (workload.retags or image.removesuffix(f":{tag}") not in retagged):
            what = f"the tag {tag}, which moves" if _has_tag(image) else "no tag, which means latest"
            yield Flaw(f"{image} has {what}: a restart may run another version", f"tag-{image}", line)


def tag_of(image: str) -> str:
    """Return the tag of an image, `latest` where it has none, empty where a digest or a variable is in its place."""
    name = image.partition("@")[0] if "@sha256:" not in image else ""
    if not name:
        return ""
    last = name.rpartition("/")[2]
    if re.search(r"\$\{[^}]*\}$|\$\w+$|\$\([^)]*\)$", last):  # what is filled in has its tag, or is one
        return ""
    return last.partition(":")[2] or "latest"


def _has_tag(image: str) -> bool:
    return ":" in image.rpartition("/")[2]


def beneath(workloads: Sequence[Workload], services: Mapping[str, Limits]) -> Iterator[Flaw]:
    """Yield where less may be used than the service of the same name may in the compose file, or no limit is set."""
    for workload in workloads:
        limits = services.get(workload.name)
        for what, has, wanted in _compared(workload, limits) if limits and workload.sized else ():
            if wanted is not None and (has is None or has < wanted):
                told = "no limit" if has is None else f"{has:g} {what}"
                title = f"{workload.name} may use {told}, the compose file says {wanted:g} {what}"
                yield Flaw(title, f"{what}-{workload.name}", workload.line)


def _compared(workload: Workload, limits: Limits) -> Iterator[tuple[str, float | None, float | None]]:
    yield "CPU", workload.cpus, limits.cpus
    yield "MiB", _mebibytes(workload.memory), _mebibytes(limits.memory)


def _mebibytes(size: float | None) -> float | None:
    return None if size is None else size / MIB
