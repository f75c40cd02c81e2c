"""Railway: railway.json or railway.toml, one for each service; variables and names are set elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document
from seatrial.manifests.platforms._workload import Platform, Workload, no_schema, said

PARTS = (
    *(("build", key) for key in ("builder", "dockerfilePath", "buildCommand")),
    *(("deploy", key) for key in ("startCommand", "healthcheckPath", "preDeployCommand", "restartPolicyType")),
)


def _workloads(document: Document) -> Iterator[Workload]:
    probe = said(document, "deploy", "healthcheckPath")
    yield Workload(name="", line=1, probes=(probe,) if probe else (), sized=False)


RAILWAY = Platform(
    name="Railway",
    recognises=lambda document: any(document.at(*part) for part in PARTS) or "railway" in str(document.at("$schema")),
    schema=no_schema,
    workloads=_workloads,
)
