"""Kubernetes, and Cloud Run, whose services are Knative's: pods, and the variables that are kept apart from them."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import NAME, Platform, Workload, keys_of, names_of, said

PODS: tuple[Place, ...] = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
KEPT_APART = ("data", "stringData")


def _workloads(document: Document) -> Iterator[Workload]:
    if document.at("kind") in {"ConfigMap", "Secret"}:
        keys = (key for part in KEPT_APART for key in keys_of(document, part) if NAME.fullmatch(key.text))
        name = str(document.at("metadata", "name"))
        yield Workload(name=name, line=document.line("metadata"), variables=tuple(keys), sized=False)
    for pod in PODS:
        for part in ("containers", "initContainers"):
            for index in range(len(document.items(*pod, part))):
                yield _container(document, (*pod, part, index))


def _container(document: Document, place: Place) -> Workload:
    limits = document.mapping(*place, "resources", "limits")
    probes = (said(document, *place, probe, "httpGet", "path") for probe in PROBES)
    return Workload(
        name=str(document.at(*place, "name") or document.at("metadata", "name")),
        line=document.line(*place),
        image=said(document, *place, "image"),
        variables=tuple(names_of(document, *place, "env")),
        probes=tuple(filter(None, probes)),
        cpus=cpus(limits.get("cpu")),
        memory=memory(limits.get("memory")),
    )


KUBERNETES = Platform(
    name="Kubernetes or Cloud Run",
    recognises=lambda document: bool(document.at("apiVersion") and document.at("kind")),
    schema=lambda _document: "kubernetes",
    workloads=_workloads,
)
