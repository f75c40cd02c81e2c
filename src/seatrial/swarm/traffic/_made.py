"""Valid requests of a document, made by Schemathesis in a process of its own: it is never loaded where load is sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from seatrial.core import EnvironmentFailure

COMMAND = (sys.executable, "-P", "-m", "seatrial.swarm.traffic._child")
PATIENCE_S = 300.0
COUNT = 8
"""How many different requests are made of an operation; its examples alone, where it has some."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What the process is asked for; `only` are labels."""

    document: dict[str, Any]
    only: list[str]
    seed: int
    count: int = COUNT


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A valid request; `named`: the document says one by one what the parameters of its path may be."""

    path: str
    headers: dict[str, str]
    named: bool = False
    body: bytes = b""


class Makings(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of each operation, and why nothing could be made of others."""

    made: dict[str, list[Made]]
    failed: dict[str, str]


def make_requests(document: Mapping[str, Any], only: Sequence[str], *, seed: int) -> Makings:
    """Return valid requests of operations, the same for the same seed; raises EnvironmentFailure when none come."""
    task = msgspec.json.encode(Task(document=dict(document), only=list(only), seed=seed))
    try:
        done = subprocess.run(COMMAND, input=task, capture_output=True, timeout=PATIENCE_S, check=True)
        return msgspec.json.decode(done.stdout, type=Makings)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        said = getattr(error, "stderr", None) or b""
        raise EnvironmentFailure(
            "cannot make requests of the OpenAPI document",
            slug="load-contract-requests",
            where=f"{len(only)} operations",
            details=said.decode("utf-8", "replace")[-2000:] or str(error),
            remedy="choose operations with --only, or name what to GET with --path",
        ) from error


def without_headers(makings: Makings, names: Collection[str]) -> Makings:
    """Return what was made without the headers that who sends it has already: a made-up key would take their place."""
    owned = {name.lower() for name in names}
    made = {label: [_without(one, owned) for one in requests] for label, requests in makings.made.items()}
    return Makings(made=made, failed=makings.failed)


def _without(one: Made, owned: Collection[str]) -> Made:
    headers = {name: value for name, value in one.headers.items() if name.lower() not in owned}
    return msgspec.structs.replace(one, headers=headers)
