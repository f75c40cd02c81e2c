"""Amazon ECS: a task definition, and a service that runs it."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._workload import Platform, Workload, names_of, paths_in, said

UNITS = 1024
MIB = 1024 * 1024


def _workloads(document: Document) -> Iterator[Workload]:
    for index in range(len(document.items("containerDefinitions"))):
        place: Place = ("containerDefinitions", index)
        units, mib = (document.at(*place, key) or document.at(key) for key in ("cpu", "memory"))
        yield Workload(
            name=str(document.at(*place, "name")),
            line=document.line(*place),
            image=said(document, *place, "image"),
            variables=(*names_of(document, *place, "environment"), *names_of(document, *place, "secrets")),
            probes=tuple(paths_in(document, *place, "healthCheck", "command")),
            cpus=float(units) / UNITS if str(units).isdecimal() else None,
            memory=float(mib) * MIB if str(mib).isdecimal() else None,
        )


ECS = Platform(
    name="Amazon ECS",
    recognises=lambda document: bool(document.items("containerDefinitions") or document.at("taskDefinition")),
    schema=lambda document: "ecs-task" if document.items("containerDefinitions") else "ecs-service",
    workloads=_workloads,
)
