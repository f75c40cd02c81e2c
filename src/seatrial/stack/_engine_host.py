"""Where an engine publishes: on loopback, or for an engine elsewhere on its own address, if its host may be tested.

DOCKER_HOST or docker's context --host--> named in [targets] and by --allow-target? --> one IPv4 address for all the run
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from seatrial.core import EnvironmentFailure
from seatrial.stack._ports import LOOPBACK
from seatrial.stack._remote import ANY_PORT, check_named, check_target, is_loopback

UNSPECIFIED = "0.0.0.0"  # noqa: S104 - to be refused: every interface of a machine is not asked for
MISMATCH = "correct DOCKER_HOST, or run seatrial on that machine; over ssh, its name has to be one that is looked up"


def engine_target() -> str:
    """Return what has to be named for the stacks of the engine to be tested, `HOST:*`; empty for one beside us."""
    host = str(import_module("seatrial.stack._engine").engine_host())  # where it is used: it is heavy
    return f"{host}:{ANY_PORT}" if host and not is_loopback(host) else ""


def find_address(*, committed: Collection[str], allow_target: str) -> str:
    """Return the IPv4 address on which the engine publishes what we ask; loopback where it has no other host.

    Raises UsageError for a host that was not allowed, and EnvironmentFailure for one without such an address.
    """
    target = engine_target()
    if not target:
        return LOOPBACK
    where = os.environ.get("DOCKER_HOST", "the engine of docker's context")
    check_named(target, where=where, committed=committed, allow_target=allow_target)
    return _look_up(target.removesuffix(f":{ANY_PORT}"), where)


def _look_up(host: str, where: str) -> str:
    try:
        found = str(socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
    except OSError as error:
        raise no_address(f"the engine's host {host} has no IPv4 address: {error}", where) from error
    if found == UNSPECIFIED:
        raise no_address(f"the engine's host {host} is no address", where)
    return found


def no_address(what: str, where: str, details: str = "") -> EnvironmentFailure:
    """Return the error for an engine that cannot publish where its host is reached."""
    return EnvironmentFailure(what, slug="engine-address", where=where, remedy=MISMATCH, details=details)


def check_kept(state: Mapping[str, Any], *, committed: Collection[str], allow_target: str) -> None:
    """Raise UsageError for a stack that is up elsewhere, unless its engine's host is allowed, or its URL is."""
    kept = str(state.get("address", LOOPBACK))
    if kept != LOOPBACK:
        there = find_address(committed=committed, allow_target=allow_target) == kept
        check_target(str(state["url"]), committed=committed, allow_target=allow_target, allowed=there)
