"""Kill a worker in the middle of a job, and follow what becomes of the job.

kill_in_the_middle --submit, kill, start again--> Survivor --wait for every repetition--> the job as it is then
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from seatrial.config import JobSettings
from seatrial.core import Identity
from seatrial.disrupt._asks import Unusable
from seatrial.stack import Stack

POLLS = 40
"""So often a job is looked at, at the most: polling must not use up the user's quota."""

WORKS_S = 60.0
"""How long the worker has to do new work once it was started again."""

TAKES_S = 1.5
"""How long the worker has to take the job, after which it waits for what is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivor:
    """A job of `owner` (or of nobody) whose worker was killed: whether it was done, and as it was then or last seen."""

    owner: Identity | None
    path: str
    done: bool
    waited_s: float
    first: Mapping[str, Any]
    repeated_until_s: float

    def later(self, owner: httpx.Client) -> Mapping[str, Any]:
        """Return the job once every repetition of it is over; raises Unusable where it cannot be read any more."""
        time.sleep(max(0.0, self.repeated_until_s - time.monotonic()))
        return _read(owner, self.path)


def kill_in_the_middle(
    stack: Stack, jobs: JobSettings, owner: Identity | None, client: httpx.Client, *, lost_after_s: float
) -> Survivor:
    """Submit a job as `owner`, kill its worker while it cannot be done, start that again, and wait for the job.

    How long counts from when the worker does new work: a machine may be slow to start it. Raises Unusable where a job
    is not taken, cannot be read, or new work is not done either.
    """
    path = _orphan(stack, client, jobs)
    control, patience_s = _submit(client, jobs), 2 * lost_after_s + jobs.timeout_s
    began = time.monotonic()
    until, works = began + WORKS_S + patience_s, False
    first = _read(client, path)
    while not _done(first, jobs) and time.monotonic() < until:
        time.sleep(patience_s / POLLS)
        if not works and (works := _done(_read(client, control), jobs)):
            until = time.monotonic() + patience_s
        first = _read(client, path)
    ended = time.monotonic()
    if not works and not _done(first, jobs):
        raise Unusable(
            f"a job that was submitted after the worker was started again is not done in {ended - began:.0f} s"
        )
    return Survivor(
        owner=owner,
        path=path,
        done=_done(first, jobs),
        waited_s=ended - began,
        first=first,
        repeated_until_s=ended + 1.5 * lost_after_s + 1,
    )


def _orphan(stack: Stack, client: httpx.Client, jobs: JobSettings) -> str:
    """Submit a job, kill its worker while it cannot be done, start the worker again, and return the job's path.

    The worker stands still until what it needs is paused: however quick it is, it is then in the middle of the job.
    """
    stack.control("pause", jobs.worker)
    try:
        path = _submit(client, jobs)
        stack.control("pause", jobs.stalled_by)
        try:
            stack.control("unpause", jobs.worker)
            time.sleep(TAKES_S)
            stack.control("kill", jobs.worker)
        finally:
            stack.control("unpause", jobs.stalled_by)
    finally:
        _restart(stack, jobs.worker)
    return path


def _submit(client: httpx.Client, jobs: JobSettings) -> str:
    """Submit a job and return where it can be read."""
    answer = client.post(jobs.submit, json=jobs.body)
    if answer.is_error:
        raise Unusable(f"POST {jobs.submit} answers {answer.status_code} while its worker stands still")
    return f"{jobs.submit}/{answer.json()[jobs.id_field]}"


def _done(job: Mapping[str, Any], jobs: JobSettings) -> bool:
    return bool(job.get(jobs.status_field) == jobs.done)


def _restart(stack: Stack, service: str) -> None:
    """Start a service, whatever state it is in."""
    state = next(state.status for state in stack.services() if state.name == service)
    stack.control("unpause" if state == "paused" else "start", service)


def _read(client: httpx.Client, path: str) -> Mapping[str, Any]:
    """Return a job as it is now."""
    answer = client.get(path)
    if answer.is_error:
        raise Unusable(f"GET {path} answers {answer.status_code}")
    body: Mapping[str, Any] = answer.json()
    return body
