"""Fly.io: fly.toml, with one machine size for each group of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import Platform, Said, Workload, keys_of, no_schema, said

PARTS = ("http_service", "services", "processes", "vm", "build", "deploy", "env")
MIB = 1024.0 * 1024
SHARED, OWN = "shared-cpu", "performance"
KINDS = {"shared": SHARED, "performance": OWN}
SIZES = {
    **{f"{SHARED}-{count}x": (float(count), count * 256) for count in (1, 2, 4, 8)},
    **{f"{OWN}-{count}x": (float(count), count * 2048) for count in (1, 2, 4, 8, 16)},
}
"""Processors, and MiB of memory, by default: https://fly.io/docs/machines/guides-examples/machine-sizing/"""

UNNAMED = "app"
"""What the one group is called that has no name."""


def _workloads(document: Document) -> Iterator[Workload]:
    image, variables = said(document, "build", "image"), tuple(keys_of(document, "env"))
    yield Workload(name="", line=1, image=image, variables=variables, probes=tuple(_probes(document)), sized=False)
    for group in document.mapping("processes") or (UNNAMED,):
        yield _machine(document, group)


def _machine(document: Document, group: str) -> Workload:
    """Return the machine of a group: the entry of `vm` that names it, or the one that names none, or the smallest."""
    for index, machine in enumerate(document.items("vm")):
        if group in machine.get("processes", (group,)):
            return _sized(group, machine, document.line("vm", index))
    return _sized(group, {}, document.line("processes", group))


def _sized(group: str, machine: Mapping[str, Any], line: int) -> Workload:
    """Return a machine of a size, of which `cpus` and `memory` (bare: in MB) may say something else."""
    size = SIZES.get(
        str(machine.get("size") or f"{KINDS.get(str(machine.get('cpu_kind')), SHARED)}-{machine.get('cpus', 1)}x")
    )
    own = machine.get("memory", machine.get("memory_mb"))
    bare = f"{own}mb" if isinstance(own, int) else own
    many = cpus(machine.get("cpus")) or (size[0] if size else None)
    much = memory(bare, binary=True) or (size[1] * MIB if size else None)
    return Workload(name=group, line=line, cpus=many, memory=much, sized=bool(many and much))


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
