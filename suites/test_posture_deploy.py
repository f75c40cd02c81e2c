"""What the files promise by which platforms run the stack: what was verified here is what runs there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from seatrial.config import DeploySettings, PostureSettings, Settings
from seatrial.manifests import (
    Document,
    Flaw,
    Limits,
    Unreadable,
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
)
from seatrial.openapi.diff import baseline_document
from seatrial.plugin import Defects, check, declared, not_applicable
from seatrial.stack import compose_model, handed_over, parse_template

VALID = ("posture.deploy-valid",)
Judge = Callable[[Sequence[Workload]], Iterator[Flaw]]


@pytest.fixture
def deploy(posture: PostureSettings) -> DeploySettings:
    """Return which files there are."""
    return declared(posture.deploy, "[posture.deploy]")


@pytest.fixture
def files(deploy: DeploySettings, tree: Path) -> Mapping[str, Path]:
    """Return the files by the names that they have below the project's folder."""
    found = sorted({file for glob in deploy.files for file in tree.glob(glob) if file.is_file()})
    assert found, f"[posture.deploy] files: nothing is at {', '.join(deploy.files)}"
    return {str(file.relative_to(tree)): file for file in found}


@pytest.fixture
def known_variables(deploy: DeploySettings, posture: PostureSettings, settings: Settings, tree: Path) -> set[str]:
    """Return names and globs of the variables that may be set; ends the check where no template is promised."""
    if not posture.environment_template:
        not_applicable("[posture] environment_template is not declared")
    template = parse_template((tree / posture.environment_template).read_text(encoding="utf-8"))
    handed = handed_over(compose_model(settings, tree)) if settings.stack.compose else {}
    return {*template, *deploy.variables}.union(*handed.values())


@pytest.fixture
def workloads(files: Mapping[str, Path]) -> Mapping[str, Sequence[Workload]]:
    """Return what each file runs; all can be read, which every check of them presupposes."""
    return {name: list(workloads_of(read_documents(file))) for name, file in files.items()}


def note(flaws: Mapping[str, Sequence[Flaw]], defects: Defects) -> None:
    """Note each flaw with its file and line, and fail where there is one."""
    for name, found in flaws.items():
        for flaw in found:
            place = f"{name}:{flaw.line}"
            defects.add(f"{flaw.title} ({place})", cause=f"{flaw.cause}-{name}", location=place)
    defects.none()


def judged(workloads: Mapping[str, Sequence[Workload]], judge: Judge) -> dict[str, list[Flaw]]:
    """Return the flaws of each file."""
    return {name: list(judge(found)) for name, found in workloads.items()}


@check("posture.deploy-valid", title="every platform can read its file", severity="high")
def test_deploy_valid(files: Mapping[str, Path], deploy: DeploySettings, tree: Path, defects: Defects) -> None:
    """Each file parses, is one of a platform, and keeps to the schema that is published for it.

    Schemas are here of compose, Kubernetes, Cloud Run and ECS; of the others it is read what is known of them.
    """
    for glob in deploy.files:
        assert any(tree.glob(glob)), f"[posture.deploy] files: nothing is at {glob}"
    note({name: list(_misread(file)) for name, file in files.items()}, defects)


def _misread(file: Path) -> Iterator[Flaw]:
    try:
        documents: list[Document] = read_documents(file)
    except Unreadable as error:
        yield Flaw(f"it cannot be read: {error}", "unreadable", error.line)
        return
    yield from misread(documents)


@check(
    "posture.deploy-variables",
    title="platforms set variables that there are",
    severity="medium",
    presupposes=VALID,
)
def test_deploy_variables(
    workloads: Mapping[str, Sequence[Workload]], known_variables: set[str], defects: Defects
) -> None:
    """Each variable stands in the template, is handed over by the compose file, or is one of `variables`.

    What is misspelled sets nothing, and the service runs with its default until somebody asks why.
    """
    note(judged(workloads, lambda found: unknown_variables(found, known_variables)), defects)


@check("posture.deploy-probes", title="platforms ask for endpoints that there are", severity="high", presupposes=VALID)
def test_deploy_probes(
    workloads: Mapping[str, Sequence[Workload]], settings: Settings, deploy: DeploySettings, defects: Defects
) -> None:
    """Each path of a probe is declared in `[health]` or `[metrics]`, or documented in the published contract.

    A probe of something else gets 404: the platform restarts what works, or never sends it a request.
    """
    known = endpoints(settings) | set(deploy.endpoints)
    if not known:
        not_applicable("neither [health], [metrics], [contract] baseline nor [posture.deploy] endpoints is declared")
    note(judged(workloads, lambda found: unknown_endpoints(found, known)), defects)


def endpoints(settings: Settings) -> set[str]:
    """Return the paths that the project says it answers."""
    health, web = settings.health, settings.web
    told = [health.basic, health.detailed, health.liveness, health.readiness] if health else []
    told += [web.health, web.readiness] if web else []
    published = baseline_document(settings) or {}
    metrics = {settings.metrics.path} if settings.metrics else set()
    return {path for path in told if path} | metrics | set(published.get("paths", ()))


@check(
    "posture.deploy-limits",
    title="platforms give what the stack was verified with",
    severity="medium",
    presupposes=VALID,
    cwe=(770,),
)
def test_deploy_limits(
    workloads: Mapping[str, Sequence[Workload]], settings: Settings, tree: Path, defects: Defects
) -> None:
    """What has the name of a service may use as much CPU and memory as that in the compose file, and has a limit.

    What was verified held with that much; with less, nobody knows. A platform whose sizes are steps may give more.
    """
    if not settings.stack.compose:
        not_applicable("[stack] compose names no file")
    services = {name: limits_of(service) for name, service in compose_model(settings, tree)["services"].items()}
    note(judged(workloads, lambda found: beneath(found, services)), defects)


def limits_of(service: Mapping[str, Mapping[str, Mapping[str, Mapping[str, object]]]]) -> Limits:
    """Return the limits of a service of the compose file."""
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    size = memory(limits.get("memory", service.get("mem_limit")), binary=True)
    return Limits(cpus(limits.get("cpus", service.get("cpus"))), size)


@check(
    "posture.deploy-images",
    title="every image stays the one that was verified",
    severity="medium",
    presupposes=VALID,
    cwe=(829,),
)
def test_deploy_images(workloads: Mapping[str, Sequence[Workload]], defects: Defects) -> None:
    """Each image has a tag that says which version it is, or a digest: `latest` is another one after each build."""
    retagged = {workload.retags for found in workloads.values() for workload in found}
    note(judged(workloads, lambda found: movable_images(found, retagged)), defects)
