"""What platforms' files say, in whatever words, and what is found wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.manifests import (
    Limits,
    Workload,
    beneath,
    cpus,
    memory,
    misread,
    movable_images,
    read_documents,
    unknown_endpoints,
    unknown_variables,
    workloads_of,
)  # fmt: skip
from seatrial.manifests._deployment import tag_of

MIB = 1024 * 1024
POD = """\
    spec:
      containers:
        - name: api
          image: IMAGE
          env: [{name: VARIABLE, value: a}]
          resources: {limits: {cpu: CPUS, memory: MEMORYi}}
          livenessProbe: {httpGet: {path: PROBE, port: 1}}
"""
COMPOSE = """\
services:
  api:
    image: IMAGE
    environment: ['VARIABLE=${VARIABLE:-x}']
    cpus: CPUS
    mem_limit: MEMORY
    healthcheck: {test: [CMD, curl, 'http://127.0.0.1:1PROBE']}
"""
AZURE = """\
properties:
  template:
    containers:
    - name: api
      image: IMAGE
      env: [{name: VARIABLE}]
      resources: {cpu: CPUS, memory: MEMORYi}
      probes: [{httpGet: {path: PROBE}}]
"""
ECS = """\
{"family": "x", "containerDefinitions": [
  {"name": "api", "image": "IMAGE", "cpu": ECS_CPUS, "memory": ECS_MEMORY,
   "environment": [{"name": "VARIABLE"}], "healthCheck": {"command": ["CMD-SHELL", "curl http://a:1PROBE || exit 1"]}}
]}
"""
FLY = """\
app = "x"
build.image = "IMAGE"
[env]
VARIABLE = "a"
[processes]
api = "x"
[[vm]]
processes = ["api"]
cpus = CPUS
memory = "FLY_MEMORYmb"
[[http_service.checks]]
path = "PROBE"
"""


def kind(api: str, name: str, spec: str) -> str:
    """Return a document of Kubernetes."""
    return f"apiVersion: {api}\nkind: {name}\nmetadata: {{name: x}}\nspec:\n{spec}"


JOB = "  schedule: '* * * * *'\n  jobTemplate:\n    spec:\n      template:\n"
FILES: Mapping[str, tuple[str, str]] = {
    "compose": ("a.yml", COMPOSE),
    "kubernetes": ("a.yaml", kind("apps/v1", "Deployment", f"  selector: {{}}\n  template:\n{POD}")),
    "cron": ("a.yaml", kind("batch/v1", "CronJob", JOB + indent(POD, "    "))),
    "cloudrun": ("a.yaml", kind("serving.knative.dev/v1", "Service", f"  template:\n{POD}")),
    "azure": ("a.yaml", AZURE),
    "ecs": ("a.json", ECS),
    "fly": ("a.toml", FLY),
}


def flaws(platform: str, folder: Path, **changes: str) -> dict[str, int]:
    """Return the causes of what is found wrong with a file of a platform, and their lines."""
    words = {
        "IMAGE": "a/b:1.0", "VARIABLE": "KNOWN", "FLY_MEMORY": "512", "ECS_CPUS": "1024", "ECS_MEMORY": "512",
        "CPUS": "1", "MEMORY": "512M", "PROBE": "/health",
    } | changes  # fmt: skip
    name, text = FILES[platform]
    for word, value in words.items():
        text = text.replace(word, value)
    (folder / name).write_text(text, encoding="utf-8")
    documents = read_documents(folder / name)
    found = list(workloads_of(documents))
    return {
        flaw.cause: flaw.line
        for each in (
            misread(documents),
            unknown_variables(found, ["KNOWN", "ALSO_*"]),
            unknown_endpoints(found, ["/health", "/jobs/{id}"]),
            movable_images(found),
            beneath(found, {"api": Limits(1.0, 512.0 * MIB)}),
        )
        for flaw in each
    }


@pytest.mark.parametrize("platform", FILES)
def test_what_is_sound_has_no_flaw(platform: str, tmp_path: Path) -> None:
    """Neither the usual, nor what globs and templates of paths let through, nor more than was asked for."""
    assert flaws(platform, tmp_path) == {}
    more = {"ECS_CPUS": "2048", "CPUS": "2", "MEMORY": "1G", "FLY_MEMORY": "1024", "ECS_MEMORY": "1024"}
    assert flaws(platform, tmp_path, VARIABLE="ALSO_THIS", PROBE="/jobs/7", IMAGE="a@sha256:" + "0" * 64, **more) == {}


@pytest.mark.parametrize("platform", FILES)
@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"VARIABLE": "UNHEARD_OF"}, "variable-UNHEARD_OF"),
        ({"PROBE": "/heal"}, "probe-/heal"),
        ({"PROBE": "/jobs/7/more"}, "probe-/jobs/7/more"),
        ({"IMAGE": "host:5000/a"}, "tag-host:5000/a"),
        ({"IMAGE": "host:5000/a:latest"}, "tag-host:5000/a:latest"),
        ({"ECS_CPUS": "256", "CPUS": "0.25"}, "CPU-api"),
        ({"MEMORY": "256M", "FLY_MEMORY": "256", "ECS_MEMORY": "256"}, "MiB-api"),
    ],
)
def test_each_flaw_is_found_on_each_platform(platform: str, change: dict[str, str], cause: str, tmp_path: Path) -> None:
    """And no other, on the line on which it stands."""
    found = flaws(platform, tmp_path, **change)
    assert found.keys() == {cause}
    lines = (tmp_path / FILES[platform][0]).read_text(encoding="utf-8").splitlines()
    shown = next(iter(change.values())) if "api" not in cause else ("api" if platform != "fly" else "[[vm]]")
    assert shown in lines[found[cause] - 1]


@pytest.mark.parametrize("text", ["a: 1\n", "- 1\n", "", "kind: Deployment\n"])
def test_what_is_no_platform_s_is_told(text: str, tmp_path: Path) -> None:
    """A file of nobody would be looked at by nobody."""
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert list(misread(read_documents(tmp_path / "a.yaml")))


def test_a_platform_without_limits_is_found(tmp_path: Path) -> None:
    """A pod without limits may take the whole node; what has another name is not compared."""
    document = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {},
        "spec": {"containers": [{"name": "api"}, {"name": "x"}]},
    }
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    found = list(workloads_of(read_documents(tmp_path / "a.json")))
    assert {flaw.cause for flaw in beneath(found, {"api": Limits(1.0, None)})} == {"CPU-api"}


def test_what_compose_resets_is_not_there(tmp_path: Path) -> None:
    """It is as if it had never been said, also to the schema."""
    text = "services:\n  api:\n    build: !reset null\n    ports: !override ['1:1']\n    image: a:1\n"
    (tmp_path / "a.yml").write_text(text, encoding="utf-8")
    (document,) = read_documents(tmp_path / "a.yml")
    assert document.value == {"services": {"api": {"ports": ["1:1"], "image": "a:1"}}}
    assert not list(misread([document]))


@given(st.integers(1, 10**6), st.sampled_from("kMG"))
def test_amounts_are_told_apart(count: int, unit: str) -> None:
    """A power of 1024 where it is said, or where compose means it, and of 1000 else."""
    assert memory(f"{count}{unit}i") == memory(f"{count}{unit}", binary=True) == memory(f"{count}{unit}b", binary=True)
    assert (memory(f"{count}{unit}") or 0) < (memory(f"{count}{unit}i") or 0)
    assert cpus(f"{count}m") == count / 1000
    assert cpus(str(count)) == count
    assert memory("much") is cpus("many") is None


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("a", "latest"), ("h:1/a", "latest"), ("a:1", "1"), ("a:latest", "latest"), ("a@sha256:0", ""), ("$IMAGE", ""),
        ("a:${TAG:-1}", ""), ("h/${IMAGE}", ""), ("${HOST}/a", "latest"), ("a:$(TAG)", ""),
    ],
)  # fmt: skip
def test_the_tag_of_an_image(image: str, tag: str) -> None:
    """A registry's port is none, and what is filled in is not judged."""
    assert tag_of(image) == tag


def of(text: str, name: str, folder: Path) -> list[Workload]:
    """Return what a file runs, which is one of a platform."""
    (folder / name).write_text(text, encoding="utf-8")
    documents = read_documents(folder / name)
    assert not list(misread(documents))
    return list(workloads_of(documents))


def test_a_variable_of_compose_is_one_by_its_name(tmp_path: Path) -> None:
    """Whether it is given in a mapping or a list, and whatever is filled in."""
    found = of(
        "services:\n  a:\n    environment:\n      ONE: 1\n  b:\n    environment: [TWO, THREE=3]\n", "a.yml", tmp_path
    )
    assert [(each.text, each.line) for workload in found for each in workload.variables] == [
        ("ONE", 4),
        ("TWO", 6),
        ("THREE", 6),
    ]


def test_a_limit_that_is_filled_in_is_not_judged(tmp_path: Path) -> None:
    """It stands elsewhere."""
    found = of("services:\n  api:\n    cpus: ${CPUS}\n    mem_limit: 1G\n", "a.yml", tmp_path)
    assert not list(beneath(found, {"api": Limits(1.0, 512.0 * MIB)}))


@pytest.mark.parametrize(
    ("machine", "cpus_", "mib"),
    [
        ("", 1, 256),
        ("[[vm]]\n", 1, 256),
        ("[[vm]]\ncpus = 2\n", 2, 512),
        ("[[vm]]\nmemory = 1024\n", 1, 1024),
        ("[[vm]]\nsize = 'shared-cpu-4x'\n", 4, 1024),
        ("[[vm]]\nsize = 'performance-2x'\nmemory = '8gb'\n", 2, 8192),
        ("[[vm]]\ncpu_kind = 'performance'\n", 1, 2048),
    ],
)
def test_a_machine_of_fly_has_a_size(machine: str, cpus_: int, mib: int, tmp_path: Path) -> None:
    """By its name, by what stands beside it, or the smallest."""
    (_, api) = of(f"app = 'x'\n[processes]\napi = 'x'\n{machine}", "a.toml", tmp_path)
    assert (api.cpus, api.memory) == (cpus_, mib * MIB)


def test_ecs_has_two_ways_to_say_an_amount(tmp_path: Path) -> None:
    """In units, or in words."""
    task = '{"family": "x", "cpu": "0.5 vCPU", "memory": "2 GB", "containerDefinitions": [{"name": "api"}]}'
    (api,) = of(task, "a.json", tmp_path)
    assert (api.cpus, api.memory) == (0.5, 2048 * MIB)


def test_kustomize_gives_an_image_its_tag(tmp_path: Path) -> None:
    """In another file, which needs no kind; a tag that moves is found there."""
    (pod,) = of(
        "apiVersion: v1\nkind: Pod\nmetadata: {}\nspec:\n  containers: [{name: a, image: h/a}]\n", "a.yaml", tmp_path
    )
    (tag,) = of("resources: [a.yaml]\nimages:\n- name: h/a\n  newTag: '1'\n", "b.yaml", tmp_path)
    assert [each.cause for each in movable_images([pod, tag])] == ["tag-h/a"]
    assert not list(movable_images([pod, tag], {tag.retags}))
    for more, name in (("", "a"), ("  newName: b\n", "b")):
        (tag,) = of(f"resources: [a.yaml]\nimages:\n- name: a\n{more}  newTag: latest\n", "b.yaml", tmp_path)
        assert [(each.cause, each.line) for each in movable_images([tag], {tag.retags})] == [(f"tag-{name}:latest", 3)]


def test_a_file_of_railway_may_have_no_build(tmp_path: Path) -> None:
    """What it is asked for is known all the same."""
    (found,) = of("[deploy]\nhealthcheckPath = '/up'\n", "railway.toml", tmp_path)
    assert found.probes == (("/up", 2),)
