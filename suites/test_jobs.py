"""Work that is handed to a worker: accepted, done, and kept."""

from __future__ import annotations

import time
from typing import Any

import httpx

from seatrial.config import JobSettings
from seatrial.plugin import check

POLL_S = 0.05


def submit(user: httpx.Client, jobs: JobSettings) -> dict[str, Any]:
    """Submit work and return the answer's body."""
    answer = user.post(jobs.submit, json=jobs.body)
    assert answer.is_success, f"POST {jobs.submit} answers {answer.status_code}"
    body: dict[str, Any] = answer.json()
    assert body.get(jobs.id_field), f"POST {jobs.submit} answers without {jobs.id_field!r}"
    return body


def finish(user: httpx.Client, jobs: JobSettings, job: str) -> dict[str, Any]:
    """Wait until work is done and return it; fails after the declared time."""
    deadline = time.monotonic() + jobs.timeout_s
    pause_s = POLL_S
    while True:
        body: dict[str, Any] = user.get(f"{jobs.submit}/{job}").json()
        if body.get(jobs.status_field) == jobs.done:
            return body
        state = body.get(jobs.status_field)
        assert time.monotonic() < deadline, f"a job is still {state!r} after {jobs.timeout_s:g} s"
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 1.0)  # polling must not use up the user's quota


@check("jobs.accepted", title="work is accepted", severity="high")
def test_accepted(user: httpx.Client, jobs: JobSettings) -> None:
    """Submitting work is answered with success and an id by which to find it."""
    assert submit(user, jobs)


@check("jobs.completed", title="accepted work is done", severity="high", presupposes=("jobs.accepted",))
def test_completed(user: httpx.Client, jobs: JobSettings) -> None:
    """Accepted work is done in the declared time: a queue that nobody works off answers just as kindly."""
    body = submit(user, jobs)
    assert finish(user, jobs, body[jobs.id_field])


@check("jobs.result-kept", title="a result does not change", severity="medium", presupposes=("jobs.completed",))
def test_result_kept(user: httpx.Client, jobs: JobSettings) -> None:
    """A result reads the same twice: it is kept, not made anew or lost."""
    body = submit(user, jobs)
    first = finish(user, jobs, body[jobs.id_field])
    second = user.get(f"{jobs.submit}/{body[jobs.id_field]}").json()
    assert second == first, "a finished result reads differently the second time"
