"""Work whose worker is killed in the middle: done all the same, and once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from seatrial.config import JobSettings
from seatrial.plugin import check, inconclusive, not_applicable
from seatrial.stack import Stack

POLLS = 40
"""So often a job is looked at, at the most: polling must not use up the user's quota."""

TAKES_S = 1.5
"""How long the worker has to take the job, after which it waits for what is paused."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A job whose worker was killed: as it was when it was done, or last seen, and once every repetition was over."""

    done: bool
    waited_s: float
    first: Mapping[str, Any]
    later: Mapping[str, Any]


SURVIVOR = pytest.StashKey[Survivor]()


@pytest.fixture
def survivor(
    request: pytest.FixtureRequest, stack: Stack, user: httpx.Client, jobs: JobSettings, profile: str
) -> Survivor:
    """Kill the worker in the middle of a job and return what became of it: once for all checks, as it takes long."""
    lost_after_s = next((seconds for name, seconds in jobs.lost_after_s.items() if name == profile), None)
    if not jobs.worker or not jobs.stalled_by or lost_after_s is None:
        not_applicable(f"[jobs] worker, stalled_by and lost_after_s for the profile {profile} are not declared")
    if SURVIVOR not in request.config.stash:
        path = orphan(stack, user, jobs)
        request.config.stash[SURVIVOR] = follow(user, jobs, path, lost_after_s)
    return request.config.stash[SURVIVOR]


def orphan(stack: Stack, user: httpx.Client, jobs: JobSettings) -> str:
    """Submit a job, kill its worker while it cannot be done, start the worker again, and return the job's path.

    The worker stands still until what it needs is paused: however quick it is, it is then in the middle of the job.
    """
    stack.control("pause", jobs.worker)
    try:
        answer = user.post(jobs.submit, json=jobs.body)
        if answer.is_error:
            inconclusive(f"POST {jobs.submit} answers {answer.status_code} while the worker stands still")
        stack.control("pause", jobs.stalled_by)
        try:
            stack.control("unpause", jobs.worker)
            time.sleep(TAKES_S)
            stack.control("kill", jobs.worker)
        finally:
            stack.control("unpause", jobs.stalled_by)
    finally:
        restart(stack, jobs.worker)
    return f"{jobs.submit}/{answer.json()[jobs.id_field]}"


def restart(stack: Stack, service: str) -> None:
    """Start a service, whatever state it is in."""
    state = next(state.status for state in stack.services() if state.name == service)
    stack.control("unpause" if state == "paused" else "start", service)


def follow(user: httpx.Client, jobs: JobSettings, path: str, lost_after_s: float) -> Survivor:
    """Wait until a job is done, and then until whoever else was told to do it has done it too."""
    began = time.monotonic()
    patience_s = 2 * lost_after_s + jobs.timeout_s
    first = read(user, path)
    while first.get(jobs.status_field) != jobs.done and time.monotonic() - began < patience_s:
        time.sleep(patience_s / POLLS)
        first = read(user, path)
    waited_s = time.monotonic() - began
    done = first.get(jobs.status_field) == jobs.done
    if done:
        time.sleep(1.5 * lost_after_s + 1)
    return Survivor(done, waited_s, first, read(user, path))


def read(user: httpx.Client, path: str) -> Mapping[str, Any]:
    """Return a job as it is now."""
    answer = user.get(path)
    if answer.is_error:
        inconclusive(f"GET {path} answers {answer.status_code}")
    body: Mapping[str, Any] = answer.json()
    return body


@check(
    "jobs.outlives-worker",
    title="work survives the worker that does it",
    severity="high",
    needs=("control",),
    presupposes=("jobs.completed",),
)
def test_outlives_worker(survivor: Survivor, jobs: JobSettings) -> None:
    """Work that was accepted is done although its worker was killed in the middle: deployments and crashes do that."""
    state = survivor.first.get(jobs.status_field)
    assert survivor.done, f"a job whose worker was killed is still {state!r} after {survivor.waited_s:.0f} s"


@check(
    "jobs.ends-once",
    title="work that is begun twice ends once",
    severity="medium",
    needs=("control",),
    presupposes=("jobs.outlives-worker",),
)
def test_ends_once(survivor: Survivor) -> None:
    """A job that is done stays as it is while repetitions of it come to their end: a result is stored once."""
    first, later = survivor.first, survivor.later
    changed = sorted(name for name in first.keys() | later.keys() if first.get(name) != later.get(name))
    assert not changed, f"a job changes after it is done: {', '.join(changed)}"
