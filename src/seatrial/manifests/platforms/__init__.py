"""One reader a platform: which file is its own, and what it says of each thing that it runs."""

from __future__ import annotations

from seatrial.manifests._read import Document
from seatrial.manifests.platforms._azure import AZURE
from seatrial.manifests.platforms._compose import COMPOSE
from seatrial.manifests.platforms._ecs import ECS
from seatrial.manifests.platforms._fly import FLY
from seatrial.manifests.platforms._kubernetes import KUBERNETES
from seatrial.manifests.platforms._railway import RAILWAY
from seatrial.manifests.platforms._render import RENDER
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import Platform, Said, Workload

PLATFORMS = (KUBERNETES, ECS, AZURE, FLY, RENDER, RAILWAY, COMPOSE)


def platform_of(document: Document) -> Platform | None:
    """Return whose file a document is, by what stands in it; None for one of nobody here."""
    return next((platform for platform in PLATFORMS if platform.recognises(document)), None)


__all__ = ["PLATFORMS", "Platform", "Said", "Workload", "cpus", "memory", "platform_of"]
