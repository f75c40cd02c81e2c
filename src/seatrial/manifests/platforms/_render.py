"""Render: a blueprint, render.yaml. A plan stands for the processors and memory of an instance."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._workload import Platform, Said, Workload, names_of, no_schema, said

GIB = 1024.0**3
PLANS = {
    "starter": (0.5, GIB / 2),
    "standard": (1.0, 2 * GIB),
    "pro": (2.0, 4 * GIB),
    "pro plus": (4.0, 8 * GIB),
}
"""https://render.com/pricing; of another plan nothing is said."""


def _workloads(document: Document) -> Iterator[Workload]:
    for index in range(len(document.items("envVarGroups"))):
        place: Place = ("envVarGroups", index)
        name = str(document.at(*place, "name"))
        yield Workload(name=name, line=document.line(*place), variables=_variables(document, place), sized=False)
    for index in range(len(document.items("services"))):
        place = ("services", index)
        size = PLANS.get(str(document.at(*place, "plan")))
        probe = said(document, *place, "healthCheckPath")
        yield Workload(
            name=str(document.at(*place, "name")),
            line=document.line(*place),
            image=said(document, *place, "image", "url"),
            variables=_variables(document, place),
            probes=(probe,) if probe else (),
            cpus=size[0] if size else None,
            memory=size[1] if size else None,
            sized=size is not None,
        )


def _variables(document: Document, place: Place) -> tuple[Said, ...]:
    return tuple(names_of(document, *place, "envVars", key="key"))


RENDER = Platform(
    name="Render",
    recognises=lambda document: bool(document.items("services")),
    schema=no_schema,
    workloads=_workloads,
)
