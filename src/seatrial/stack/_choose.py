"""Which driver a run uses, and why."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack._base import Stack, StackPlan
from seatrial.stack._embedded import postgres_installation, valkey_program
from seatrial.stack._engine_host import find_address
from seatrial.stack._local import LocalStack
from seatrial.stack._logs import Redact
from seatrial.stack._pool import ServerPool
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._remote import AttachedRemote, RemoteStack, check_target

DriverName = Literal["compose", "local", "remote"]
ENGINE_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A driver, the URL of a remote target, and a sentence that says why.

    `distinct_addresses` says whether requests from 127.a.b.c may reach the stack with that address (a started one says
    for certain). `key_file` is the signing key of a stack that was left running, empty otherwise. `address` is where
    an engine publishes: looked up once, so that it stays the one that was allowed.
    """

    driver: DriverName
    why: str
    url: str = ""
    key_file: str = ""
    allow_target: str = ""
    address: str = LOOPBACK

    @property
    def distinct_addresses(self) -> bool:
        """Return whether this machine can send as several clients."""
        return self.driver != "remote" and os.uname().sysname == "Linux"


def choose_driver(wanted: str, settings: Settings, *, allow_target: str = "") -> Choice:
    """Choose by name or URL; `auto` prefers compose where an engine answers.

    Raises UsageError for a wrong name, and for a target or an engine's host that is not allowed; EnvironmentFailure for
    a missing engine or missing embedded servers.
    """
    if "://" in wanted:
        check_target(wanted, committed=settings.targets.allow, allow_target=allow_target)
        return Choice(driver="remote", url=wanted.rstrip("/"), why="a URL was given", allow_target=allow_target)
    if wanted == "compose":
        address = _require_compose(settings, allow_target)
        return Choice(driver="compose", why="it was asked for", address=address)
    if wanted == "local":
        require_embedded(settings)
        return Choice(driver="local", why="it was asked for")
    if wanted == "auto":
        return _choose_automatically(settings, allow_target)
    raise UsageError(
        f"there is no driver {wanted!r}",
        slug="driver-unknown",
        where="--stack",
        remedy="use auto, compose, local, up (what `seatrial up` left running) or a URL such as http://127.0.0.1:8000",
    )


def _choose_automatically(settings: Settings, allow_target: str) -> Choice:
    try:
        address = _require_compose(settings, allow_target)
    except (UsageError, EnvironmentFailure) as reason:
        if not settings.stack.local.services:
            raise
        require_embedded(settings)
        return Choice(driver="local", why=f"compose cannot be used here ({reason.what})")
    return Choice(driver="compose", why="a Docker engine with compose answers", address=address)


def _require_compose(settings: Settings, allow_target: str) -> str:
    """Return the address on which the engine publishes; raises UsageError or EnvironmentFailure."""
    if not settings.stack.compose:
        raise UsageError(
            "no compose file is configured",
            slug="compose-unconfigured",
            where="[stack] compose",
            remedy='name it: compose = ["docker-compose.yml"]',
        )
    check_engine()
    return find_address(committed=settings.targets.allow, allow_target=allow_target)


def check_engine() -> None:
    """Raise EnvironmentFailure unless a Docker engine and the compose plugin (v2 or newer) answer within 5 s each."""
    if shutil.which("docker") is None:
        raise _engine("docker is not installed", "docker-missing", "install Docker Engine with its compose plugin")
    code, output = _ask("docker", "info", "--format", "{{.ServerVersion}}")
    if "permission denied" in output.lower():
        remedy = "join the group docker (then log in again), or use rootless Docker"
        raise _engine("no permission to use the Docker socket", "docker-permission", remedy, output)
    if code != 0:
        remedy = "start the engine (systemctl start docker), or correct DOCKER_HOST"
        raise _engine("no Docker engine answers", "docker-unreachable", remedy, output)
    code, output = _ask("docker", "compose", "version", "--short")
    if code != 0 or output.strip().lstrip("v").startswith("1."):
        remedy = "install the package docker-compose-plugin (v2 or newer)"
        raise _engine("docker has no compose plugin", "compose-plugin-missing", remedy, output)


def _ask(*command: str) -> tuple[int, str]:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ENGINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {ENGINE_S:g} s"
    except OSError as error:
        return 1, str(error)
    # An old docker info ends with 0 although no engine answered.
    return done.returncode or int("Cannot connect" in done.stderr), done.stdout + done.stderr


def _engine(what: str, slug: str, remedy: str, details: str = "") -> EnvironmentFailure:
    where = os.environ.get("DOCKER_HOST", "the default Docker socket")
    remedy = f"{remedy}; or use --stack local"
    return EnvironmentFailure(what, slug=slug, where=where, remedy=remedy, details=details.strip()[-1000:])


def require_embedded(settings: Settings) -> None:
    """Raise EnvironmentFailure where a local service needs a server that is not installed."""
    kinds = {service.kind for service in settings.stack.local.services.values()}
    if "postgres" in kinds:
        postgres_installation()
    if "valkey" in kinds:
        valkey_program()


def open_stack(choice: Choice, plan: StackPlan) -> Stack:
    """Return the stack of a choice, not started; a local one uses the servers that SEATRIAL_POOL names."""
    if choice.driver == "remote":
        return RemoteStack(choice.url, plan, allow_target=choice.allow_target)
    if choice.driver == "compose":
        compose: Stack = _compose().ComposeStack(plan)
        return compose
    # A stack that is kept must not depend on servers that end with a test session.
    return LocalStack(plan, pool=None if plan.keep else ServerPool.from_environment())


def attach(state: Mapping[str, Any], *, redact: Redact = str) -> Stack:
    """Return a handle of a stack that another process started, from its `state()`; raises EnvironmentFailure.

    `redact` is for whoever ends it, and keeps its logs.
    """
    if state.get("driver") == "local":
        return LocalStack.attach(state, redact=redact)
    if state.get("driver") == "remote":
        return AttachedRemote(
            str(state["url"]), variant="instrumented" if state["variant"] == "instrumented" else "clean"
        )
    compose: Stack = _compose().ComposeStack.attach(state, redact=redact)
    return compose


def _compose() -> Any:
    """Import the compose driver where it is used: Testcontainers is heavy."""
    return import_module("seatrial.stack._compose")
