"""What the compose file promises to whoever operates the stack."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings
from seatrial.plugin import Defects, check, not_applicable, not_tested
from seatrial.stack import compose_model, dockerfile_of, service_lines

Services = Mapping[str, Mapping[str, Any]]
TIMING = ("interval", "timeout", "retries", "start_period")
ROOT = {"root", "0"}


@pytest.fixture(scope="module")
def model_cache() -> dict[str, Mapping[str, Any]]:
    """Return a place for the model: reading it takes a process."""
    return {}


@pytest.fixture
def services(settings: Settings, tree: Path, model_cache: dict[str, Mapping[str, Any]]) -> Services:
    """Return the long-running services of the compose file."""
    if not settings.stack.compose:
        not_applicable("[stack] compose names no file")
    if "model" not in model_cache:
        model_cache["model"] = compose_model(settings, tree)
    return long_running(model_cache["model"]["services"])


def long_running(services: Services) -> Services:
    """Return services that are not one-shot: nobody waits for their successful end."""
    awaited = {
        name
        for service in services.values()
        for name, condition in _dependencies(service)
        if condition == "service_completed_successfully"
    }
    return {name: service for name, service in services.items() if name not in awaited}


def _dependencies(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    needs = service.get("depends_on") or {}
    for name in needs:
        yield name, needs[name].get("condition", "") if isinstance(needs, Mapping) else ""


def place(settings: Settings, tree: Path, service: str) -> str:
    """Return file and line of a service."""
    for file in settings.stack.compose:
        lines = service_lines(tree / file)
        if service in lines:
            return f"{file}:{lines[service]}"
    return settings.stack.compose[0]


@check("posture.health-checks", title="every service has a health check", severity="medium")
def test_health_checks(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each service has a health check that is not disabled: without one, `depends_on` and restarts act blindly."""
    for name, service in services.items():
        healthcheck = service.get("healthcheck") or {}
        if not healthcheck.get("test") or healthcheck.get("disable"):
            defects.add(
                f"{name} has no health check", cause=f"health-check-{name}", location=place(settings, tree, name)
            )
    defects.none()


@check(
    "posture.health-check-timing",
    title="every health check states its timing",
    severity="low",
    presupposes=("posture.health-checks",),
)
def test_health_check_timing(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each health check states interval, timeout, retries and start period.

    The defaults let a probe hang for 30 s, and count failures while the service is still starting.
    """
    for name, service in services.items():
        healthcheck = service.get("healthcheck") or {}
        missing = [what for what in TIMING if what not in healthcheck]
        if healthcheck.get("test") and not healthcheck.get("disable") and missing:
            where, what = place(settings, tree, name), " and ".join(missing)
            defects.add(f"the health check of {name} states no {what}", cause=f"timing-{name}", location=where)
    defects.none()


@check(
    "posture.dependencies-awaited",
    title="a service starts after what it needs is healthy",
    severity="medium",
    presupposes=("posture.health-checks",),
)
def test_dependencies_awaited(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each `depends_on` of a service that has a health check waits for `service_healthy`.

    Otherwise the dependent starts first, finds nobody, and goes through restarts until it does.
    """
    checked = {name for name, service in services.items() if (service.get("healthcheck") or {}).get("test")}
    for name, service in services.items():
        for needed, condition in _dependencies(service):
            if needed in checked and condition not in {"service_healthy", "service_completed_successfully"}:
                what = f"{name} does not wait until {needed} is healthy"
                defects.add(what, cause=f"awaits-{name}-{needed}", location=place(settings, tree, name))
    defects.none()


@check("posture.unprivileged-user", title="no service built here runs as root", severity="high", cwe=(250,))
def test_unprivileged_user(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each service runs as a user other than root, by `user` in the compose file or USER in its Dockerfile.

    Whoever breaks into a process of root owns the container. An image from elsewhere, without `user`, may step down by
    itself: it is not judged here, but where it runs.
    """
    users = {name: _user(service, tree, settings) for name, service in services.items()}
    known = {name: user for name, user in users.items() if user is not None}
    if not known:
        not_tested("no service names its user, and none is built from a Dockerfile that is there")
    for name, user in known.items():
        if user.partition(":")[0] in ROOT:
            where = place(settings, tree, name)
            defects.add(f"{name} runs as root", cause=f"root-{name}", location=where)
    defects.none()


def _user(service: Mapping[str, Any], tree: Path, settings: Settings) -> str | None:
    """Return the user of a service, None where the files do not say it."""
    if service.get("user"):
        return str(service["user"])
    file = dockerfile_of(service, settings, tree)
    staged = isinstance(service.get("build"), Mapping) and "target" in service["build"]
    return _last_user(file.read_text(encoding="utf-8")) if file and not staged else None


def _last_user(dockerfile: str) -> str | None:
    """Return the USER of the last stage; None where it has the one of its base image, or a variable."""
    stage = re.split(r"^\s*FROM\s", dockerfile, flags=re.MULTILINE | re.IGNORECASE)[-1]
    users = re.findall(r"^\s*USER\s+(\S+)", stage, re.MULTILINE | re.IGNORECASE)
    return users[-1] if users and "$" not in users[-1] else None


@check("posture.restart-policy", title="every service comes back by itself", severity="medium")
def test_restart_policy(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each service restarts after a crash: with the default policy `no`, one crash is an outage until a human comes."""
    for name, service in services.items():
        policy = str(service.get("restart") or _deploy(service).get("restart_policy", {}).get("condition", "no"))
        if policy in {"no", "none", "False"}:
            where = place(settings, tree, name)
            defects.add(f"{name} is not restarted after a crash", cause=f"restart-{name}", location=where)
    defects.none()


@check("posture.resource-limits", title="every service has CPU and memory limits", severity="medium", cwe=(770,))
def test_resource_limits(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each service is limited in CPU and memory: without limits, one service starves all others on the host."""
    for name, service in services.items():
        limits = _deploy(service).get("resources", {}).get("limits", {})
        missing = [what for what, set_ in _limited(service, limits).items() if not set_]
        if missing:
            where = place(settings, tree, name)
            defects.add(f"{name} has no limit of {' and '.join(missing)}", cause=f"limits-{name}", location=where)
    defects.none()


def _limited(service: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, bool]:
    return {
        "CPU": bool(limits.get("cpus") or service.get("cpus")),
        "memory": bool(limits.get("memory") or service.get("mem_limit")),
    }


def _deploy(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return service.get("deploy") or {}


@check("posture.log-rotation", title="no log can fill the disk", severity="medium", cwe=(400,))
def test_log_rotation(services: Services, settings: Settings, tree: Path, defects: Defects) -> None:
    """Each service's log rotates: the default driver keeps everything until the disk is full."""
    for name, service in services.items():
        logging = service.get("logging") or {}
        driver, options = logging.get("driver", "json-file"), logging.get("options") or {}
        if driver == "json-file" and not options.get("max-size"):
            where = place(settings, tree, name)
            defects.add(f"the log of {name} grows without bound", cause=f"logs-{name}", location=where)
    defects.none()
