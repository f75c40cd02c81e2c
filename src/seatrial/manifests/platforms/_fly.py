"""Fly.io: fly.toml, with one machine size for each group of processes."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import Platform, Said, Workload, keys_of, no_schema, said

PARTS = ("http_service", "services", "processes", "vm", "build", "deploy", "env")
UNNAMED = "app"
"""What the one group is called that has no name."""


def _workloads(document: Document) -> Iterator[Workload]:
    image, variables = said(document, "build", "image"), tuple(keys_of(document, "env"))
    yield Workload(name="", line=1, image=image, variables=variables, probes=tuple(_probes(document)), sized=False)
    for group in document.mapping("processes") or (UNNAMED,):
        yield _machine(document, group)


def _machine(document: Document, group: str) -> Workload:
    """Return the machine of a group: the entry of `vm` that names it, or the one that names none."""
    for index, machine in enumerate(document.items("vm")):
        if group in machine.get("processes", (group,)):
            line, size = document.line("vm", index), machine.get("memory")
            bare = f"{size}mb" if isinstance(size, int) else size
            return Workload(name=group, line=line, cpus=cpus(machine.get("cpus")), memory=memory(bare, binary=True))
    return Workload(name=group, line=document.line("processes", group))


def _probes(document: Document) -> Iterator[Said]:
    places: list[Place] = [("http_service", "checks", index) for index in range(9)]
    places += [("services", index, "http_checks", number) for index in range(9) for number in range(9)]
    places += [("checks", name) for name in document.mapping("checks")]
    for place in places:
        if found := said(document, *place, "path"):
            yield found


FLY = Platform(
    name="Fly.io",
    recognises=lambda document: bool(document.at("app")) and any(document.at(part) for part in PARTS),
    schema=no_schema,
    workloads=_workloads,
)
