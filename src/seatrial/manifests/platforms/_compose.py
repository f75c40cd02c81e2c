"""Compose files: what they fill in, and what each service says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import Platform, Said, Workload, keys_of, paths_in, said

FILLED_IN = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))")


def _workloads(document: Document) -> Iterator[Workload]:
    yield Workload(name="", line=1, variables=tuple(_filled_in(document, ())), sized=False)
    for name in document.mapping("services"):
        place: Place = ("services", name)
        body = document.mapping(*place)
        limits = document.mapping(*place, "deploy", "resources", "limits")
        given = (limits.get("cpus", body.get("cpus")), limits.get("memory", body.get("mem_limit")))
        yield Workload(
            name=name,
            line=document.line(*place),
            image=said(document, *place, "image"),
            variables=tuple(_given(document, (*place, "environment"))),
            probes=tuple(paths_in(document, *place, "healthcheck", "test")),
            cpus=cpus(given[0]),
            memory=memory(given[1], binary=True),
            # A file beside others leaves its limits to them, and one that is filled in has them elsewhere.
            sized=any(given) and not any("$" in str(each) for each in given),
        )


def _given(document: Document, place: Place) -> Iterator[Said]:
    """Yield the names in `environment`, which is a mapping, or a list of NAME=VALUE."""
    yield from keys_of(document, *place)
    for index, word in enumerate(document.items(*place)):
        yield Said(str(word).partition("=")[0], document.line(*place, index))


def _filled_in(document: Document, place: Place) -> Iterator[Said]:
    value = document.at(*place) if place else document.value
    if isinstance(value, str):
        for match in FILLED_IN.finditer(value):
            yield Said(match[1] or match[2], document.line(*place))
    for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from _filled_in(document, (*place, step))


COMPOSE = Platform(
    name="Compose",
    recognises=lambda document: bool(document.mapping("services")),
    schema=lambda _document: "compose",
    workloads=_workloads,
)
