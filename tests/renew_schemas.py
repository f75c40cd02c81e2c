"""Make the schemas of Kubernetes and ECS in src/seatrial/manifests/schemas anew, from what two packages hold.

    pip download --no-deps kubernetes-validate==1.37.0 botocore==1.44.5
    python tests/renew_schemas.py kubernetes_validate-*.whl botocore-*.whl

Only what files that deploy are made of is kept, and no descriptions: 100 KB in place of 2 MB.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

SCHEMAS = Path(__file__).parents[1] / "src" / "seatrial" / "manifests" / "schemas"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
VERSION = "v1.37.0-local-strict"
CORE, APPS = "io.k8s.api.core.v1", "io.k8s.api.apps.v1"
KINDS = {
    **{("v1", kind): f"{CORE}.{kind}" for kind in ("ConfigMap", "Namespace", "Secret", "Service", "ServiceAccount")},
    **{("apps/v1", kind): f"{APPS}.{kind}" for kind in ("DaemonSet", "Deployment", "StatefulSet")},
    **{("batch/v1", kind): f"io.k8s.api.batch.v1.{kind}" for kind in ("CronJob", "Job")},
    ("v1", "PersistentVolumeClaim"): f"{CORE}.PersistentVolumeClaim",
    ("autoscaling/v2", "HorizontalPodAutoscaler"): "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    ("networking.k8s.io/v1", "Ingress"): "io.k8s.api.networking.v1.Ingress",
    ("networking.k8s.io/v1", "NetworkPolicy"): "io.k8s.api.networking.v1.NetworkPolicy",
    ("policy/v1", "PodDisruptionBudget"): "io.k8s.api.policy.v1.PodDisruptionBudget",
}
REFERENCE = re.compile(r"#/\$defs/(.+)$")
PODS, REVISIONS = f"{CORE}.PodSpec", "dev.knative.serving.v1.RevisionSpec"


def main() -> None:
    """Write both schemas."""
    kubernetes, botocore = sys.argv[1:]
    with ZipFile(kubernetes) as wheel:
        folder = f"kubernetes_validate/kubernetes-json-schema/{VERSION}"
        definitions = json.loads(wheel.read(f"{folder}/_definitions.json"))["$defs"]
    write("kubernetes", of_kubernetes(definitions))
    with ZipFile(botocore) as wheel:
        model = json.loads(gzip.decompress(wheel.read("botocore/data/ecs/2014-11-13/service-2.json.gz")))
    for name, shape in (("ecs-task", "RegisterTaskDefinitionRequest"), ("ecs-service", "CreateServiceRequest")):
        write(name, of_aws(model["shapes"], shape))


def write(name: str, schema: Mapping[str, Any]) -> None:
    """Write a schema, one definition a line, so that what a newer version changed can be read."""
    text = json.dumps(schema, separators=(",", ":"), sort_keys=True).replace('},"', '},\n"')
    (SCHEMAS / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


def of_kubernetes(known: dict[str, Any]) -> dict[str, Any]:
    """Return one schema for all kinds: a document is held against the definition of its own kind."""
    revision = json.loads(json.dumps(known[PODS]))  # Knative's has all that a pod has, and these
    revision["properties"] |= {name: {"type": "integer"} for name in ("containerConcurrency", "timeoutSeconds")}
    known = {**known, REVISIONS: revision}
    kinds = [_when(api, kind, {"$ref": f"#/$defs/{name}"}) for (api, kind), name in KINDS.items()]
    kinds.append(_when("serving.knative.dev/v1", "Service", _knative()))
    definitions = {name: plain(known[name]) for name in sorted(reached(known, [*KINDS.values(), REVISIONS]))}
    required = ["apiVersion", "kind"]
    return {"$schema": DRAFT, "type": "object", "required": required, "allOf": kinds, "$defs": definitions}


def _when(api: str, kind: str, then: Mapping[str, Any]) -> dict[str, Any]:
    condition = {"properties": {"apiVersion": {"const": api}, "kind": {"const": kind}}}
    return {"if": condition, "then": {**then, "required": ["metadata", *then.get("required", ())]}}


def _knative() -> dict[str, Any]:
    metadata = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    template = {"properties": {"metadata": metadata, "spec": {"$ref": f"#/$defs/{REVISIONS}"}}}
    spec = {"properties": {"template": template, "traffic": {"type": "array"}}, "required": ["template"]}
    return {
        "properties": {
            "metadata": metadata,
            "spec": {**spec, "type": "object", "additionalProperties": False},
        },
        "required": ["spec"],
    }


def reached(known: Mapping[str, Any], names: list[str]) -> set[str]:
    """Return the definitions that these lead to."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += [match[1] for text in references(known[name]) if (match := REFERENCE.search(text))]
    return found


def references(value: Any) -> Iterator[str]:
    """Yield every reference of a schema, but for those of `status`, which a cluster writes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            elif key != "status":
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def plain(value: Any) -> Any:
    """Return a schema without what describes, and with references that lead into the same document."""
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {key: inner for key, inner in value.items() if not described(key, inner)}
    return {
        key: f"#{inner.partition('#')[2]}" if key == "$ref" else plain(inner)
        for key, inner in kept.items()
    }  # fmt: skip


def described(key: str, value: Any) -> bool:
    """Return whether a key is for readers, or for servers."""
    texts = ("description", "format", "default", "$id", "$schema")
    return key.startswith("x-kubernetes") or key == "status" or (key in texts and not isinstance(value, dict))


SIMPLE = {"boolean": "boolean", "string": "string", "timestamp": "string", "blob": "string"}
NUMBERS = {"integer": "integer", "long": "integer", "double": "number", "float": "number"}


def of_aws(shapes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the schema of a request, from the service's own model."""
    definitions: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        shape = waiting.pop()
        if shape not in definitions:
            definitions[shape] = _shape(shapes[shape])
            waiting += [match[1] for text in references(definitions[shape]) if (match := REFERENCE.search(text))]
    return {"$schema": DRAFT, "$ref": f"#/$defs/{name}", "$defs": definitions}


def _shape(shape: Mapping[str, Any]) -> dict[str, Any]:
    kind = shape["type"]
    if kind == "structure":
        members = {name: _to(member) for name, member in shape["members"].items()}
        required = {"required": shape["required"]} if shape.get("required") else {}
        return {"type": "object", "properties": members, "additionalProperties": False, **required}
    if kind == "list":
        return {"type": "array", "items": _to(shape["member"])}
    if kind == "map":
        return {"type": "object", "additionalProperties": _to(shape["value"])}
    values = {"enum": shape["enum"]} if "enum" in shape else {}
    return {"type": {**SIMPLE, **NUMBERS}[kind], **values}


def _to(member: Mapping[str, Any]) -> dict[str, str]:
    return {"$ref": f"#/$defs/{member['shape']}"}


if __name__ == "__main__":
    main()
