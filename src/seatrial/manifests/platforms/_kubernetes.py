"""Kubernetes, and Cloud Run, whose services are Knative's: pods, and the variables that are kept apart from them."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.manifests._read import Document, Place
from seatrial.manifests.platforms._units import cpus, memory
from seatrial.manifests.platforms._workload import NAME, Platform, Said, Workload, keys_of, names_of, said

PODS: tuple[Place, ...] = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
KEPT_APART = ("data", "stringData")
KUSTOMIZATIONS = ("Kustomization", "Component", None)
KUSTOMIZED = ("resources", "bases", "components")


def _workloads(document: Document) -> Iterator[Workload]:
    if document.at("kind") in {"ConfigMap", "Secret"}:
        keys = (key for part in KEPT_APART for key in keys_of(document, part) if NAME.fullmatch(key.text))
        name = str(document.at("metadata", "name"))
        yield Workload(name=name, line=document.line("metadata"), variables=tuple(keys), sized=False)
    yield from _retagged(document)
    for pod in PODS:
        for part in ("containers", "initContainers"):
            for index in range(len(document.items(*pod, part))):
                yield _container(document, (*pod, part, index))


def _retagged(document: Document) -> Iterator[Workload]:
    """Yield the images to which Kustomize gives a tag, or a digest."""
    for index, image in enumerate(document.items("images") if _is_kustomization(document) else ()):
        place, name = ("images", index), str(image.get("name"))
        tag = f"@{image['digest']}" if image.get("digest") else f":{image['newTag']}" if image.get("newTag") else ""
        said_so = Said(f"{image.get('newName') or name}{tag}", document.line(*place))
        if tag:
            yield Workload(name="", line=said_so.line, image=said_so, retags=name, sized=False)


def _is_kustomization(document: Document) -> bool:
    """Return whether Kustomize reads it, which needs neither a version nor a kind in it."""
    named = [each for part in KUSTOMIZED for each in document.items(part)]
    return document.at("kind") in KUSTOMIZATIONS and bool(
        document.at("kind") or (named and all(isinstance(each, str) for each in named))
    )


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
    recognises=lambda document: bool(document.at("apiVersion") and document.at("kind")) or _is_kustomization(document),
    schema=lambda document: "kubernetes" if document.at("kind") else "",
    workloads=_workloads,
)
