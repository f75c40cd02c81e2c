"""Amazon ECS: a task definition, and a service that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._workload import Platform, Workload, names_of, paths_in, said

UNITS = 1024
MIB = 1024.0 * 1024
WHOLE, GIB = ("vcpu", 1.0), ("gb", 1024 * MIB)


def _workloads(document: Document) -> Iterator[Workload]:
    for index in range(len(document.items("containerDefinitions"))):
        place: Place = ("containerDefinitions", index)
        amount, size = (document.at(*place, key) or document.at(key) for key in ("cpu", "memory"))
        yield Workload(
            name=str(document.at(*place, "name")),
            line=document.line(*place),
            image=said(document, *place, "image"),
            variables=(*names_of(document, *place, "environment"), *names_of(document, *place, "secrets")),
            probes=tuple(paths_in(document, *place, "healthCheck", "command")),
            cpus=_amount(amount, 1 / UNITS, WHOLE),
            memory=_amount(size, MIB, GIB),
        )


def _amount(value: object, unit: float, other: tuple[str, float]) -> float | None:
    """Return how much a bare number of the one unit is, or one of the other with its name; None for what is none."""
    found = re.fullmatch(r"(\d*\.?\d+)\s*(\w*)", str(value))
    if not found or found[2].lower() not in {"", other[0]}:
        return None
    return float(found[1]) * (other[1] if found[2] else unit)


ECS = Platform(
    name="Amazon ECS",
    recognises=lambda document: bool(document.items("containerDefinitions") or document.at("taskDefinition")),
    schema=lambda document: "ecs-task" if document.items("containerDefinitions") else "ecs-service",
    workloads=_workloads,
)
