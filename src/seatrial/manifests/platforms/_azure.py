"""Azure Container Apps: the YAML that `az containerapp create --yaml` takes."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import Platform, Said, Workload, names_of, no_schema, said

CONTAINERS: Place = ("properties", "template", "containers")


def _workloads(document: Document) -> Iterator[Workload]:
    for index in range(len(document.items(*CONTAINERS))):
        place = (*CONTAINERS, index)
        yield Workload(
            name=str(document.at(*place, "name")),
            line=document.line(*place),
            image=said(document, *place, "image"),
            variables=tuple(names_of(document, *place, "env")),
            probes=tuple(_probes(document, place)),
            cpus=cpus(document.at(*place, "resources", "cpu")),
            memory=memory(document.at(*place, "resources", "memory")),
        )


def _probes(document: Document, place: Place) -> Iterator[Said]:
    for number in range(len(document.items(*place, "probes"))):
        if found := said(document, *place, "probes", number, "httpGet", "path"):
            yield found


AZURE = Platform(
    name="Azure Container Apps",
    recognises=lambda document: bool(document.items(*CONTAINERS)),
    schema=no_schema,
    workloads=_workloads,
)
