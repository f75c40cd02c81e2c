"""Fill in placeholders and compose the environment of a local service."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from seatrial.config import LocalService
from seatrial.core import UsageError
from seatrial.stack._base import StackPlan
from seatrial.stack._sweep import run_marks

PLACEHOLDER = re.compile(r"\{(?P<name>[A-Za-z][A-Za-z0-9_-]*\.(?:url|port)|port)\}")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


def fill(text: str, values: Mapping[str, str], *, service: str) -> str:
    """Put `{port}`, `{NAME.url}` and `{NAME.port}` in; other braces stay. Raises UsageError for an unknown NAME."""

    def replace(match: re.Match[str]) -> str:
        if match["name"] not in values:
            raise UsageError(
                f"{match[0]} names no local service",
                slug="placeholder-unknown",
                where=f"[stack.local.services.{service}]",
                remedy=f"known: {', '.join(f'{{{name}}}' for name in sorted(values))}",
            )
        return values[match["name"]]

    return PLACEHOLDER.sub(replace, text)


def base_environment(plan: StackPlan) -> dict[str, str]:
    """Return what every process gets: the few variables that programs need, and the marks of the run."""
    passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return {"PATH": os.defpath, **passed, **run_marks(plan.run, keep=plan.keep)}


def service_environment(
    name: str, *, service: LocalService, plan: StackPlan, values: Mapping[str, str], folder: Path | None
) -> dict[str, str]:
    """Compose a service's environment: base, profile, plan, the service's own, the fault's, what instruments add.

    `folder` is the Python environment that holds its requirements.
    """
    knobs = plan.settings.stack.knobs(plan.profile)
    # As in a container nobody else sees what it keeps for a while, and nothing of that is left when the run is.
    own = {"PYTHONUNBUFFERED": "1", **base_environment(plan), "TMPDIR": str(plan.temporary(name))}
    composed = {**own, **knobs, **plan.environment_of(name)}
    composed |= {key: fill(text, values, service=name) for key, text in service.environment.items()}
    composed |= plan.service_environment.get(name, {})
    if folder:
        composed["PATH"] = f"{folder / 'bin'}{os.pathsep}{composed['PATH']}"
        composed["VIRTUAL_ENV"] = str(folder)
    addition = plan.additions.get(name)
    return _add(composed, addition.environment, plan.share) if addition else composed


def _add(composed: dict[str, str], added: Mapping[str, str], share: Path) -> dict[str, str]:
    filled = {name: text.replace("{share}", str(share)) for name, text in added.items()}
    paths = [path for path in (filled.get("PYTHONPATH"), composed.get("PYTHONPATH")) if path]
    return {**composed, **filled, **({"PYTHONPATH": os.pathsep.join(paths)} if paths else {})}


def check_services(services: Mapping[str, LocalService]) -> None:
    """Raise UsageError for what no local stack can be made of."""
    if not services:
        raise _wrong(
            "no local services are declared", "", "declare [stack.local.services.NAME], or use --stack compose"
        )
    for name, service in services.items():
        unknown = set(service.needs) - set(services)
        if unknown:
            raise _wrong(f"needs names no service: {', '.join(sorted(unknown))}", name, "name declared services")
        if service.kind == "process" and not service.command:
            raise _wrong("a process has no command", name, 'add command = ["program", "argument"]')
        if service.kind == "balancer" and not service.needs:
            raise _wrong("a balancer has nothing behind it", name, 'add needs = ["service"]')
    _check_order(services)


def _check_order(services: Mapping[str, LocalService]) -> None:
    placed: set[str] = set()
    while len(placed) < len(services):
        wave = {name for name, service in services.items() if name not in placed and placed.issuperset(service.needs)}
        if not wave:
            raise _wrong(
                "services need each other in a circle", ", ".join(set(services) - placed), "remove one `needs`"
            )
        placed |= wave


def _wrong(what: str, name: str, remedy: str) -> UsageError:
    where = f"[stack.local.services.{name}]" if name else "[stack.local.services]"
    return UsageError(what, slug="local-services-invalid", where=where, remedy=remedy)


def uses_own_port(service: LocalService) -> bool:
    """Return whether the service listens where it is told to."""
    texts: Sequence[str] = (*service.command, *service.environment.values())
    return any("{port}" in text for text in texts)
