"""What was handed in outlives its database: a backup that was restored, and a schema that went back and forward."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from seatrial.campaign import Entered
from seatrial.config import DataSettings, JobSettings, Settings
from seatrial.core import Identity
from seatrial.http import IdentityPool
from seatrial.plugin import check, declared, inconclusive, not_applicable, not_tested
from seatrial.stack import Stack

DOCUMENTS, OWNERS = 2, 2
POLL_S, BACK_S, GONE_S, COMMAND_S = 0.2, 5.0, 60.0, 120.0
IN_CONTAINER = "/tmp/seatrial-backup"  # noqa: S108 - a container's own, and only this run's
Documents = Mapping[tuple[httpx.Client, str], Mapping[str, Any]]


@pytest.fixture
def data(settings: Settings, entered: Entered, profile: str) -> DataSettings:
    """Return how data is backed up, where it may be destroyed."""
    found = declared(settings.data, "[data]")
    if profile not in found.profiles:
        not_applicable(f"[data] profiles: not in the profile {profile}")
    if not entered.variables:
        not_tested("this run did not start the stack, and destroys nobody else's data")
    return found


@pytest.fixture
def run(stack: Stack, tree: Path, tmp_path: Path) -> Callable[..., None]:
    """Return what runs a command inside a service to a good end, or fails."""
    backup = IN_CONTAINER if stack.driver == "compose" else str(tmp_path / "backup")

    def run_in(service: str, command: Sequence[str], *, meant: str) -> None:
        words = [(tree / word[1:]).read_text(encoding="utf-8") if word.startswith("@") else word for word in command]
        done = stack.execute(service, [word.replace("{backup}", backup) for word in words], timeout_s=COMMAND_S)
        last = " ".join(done.output.split("\n")[-3:])[-300:]
        assert done.exit_code == 0, f"{meant} ends with {done.exit_code}: {last}"

    return run_in


@pytest.fixture
def documents(
    data: DataSettings,
    jobs: JobSettings,
    identities: IdentityPool,
    client_as: Callable[[Identity | None], httpx.Client],
) -> Documents:
    """Hand in documents of users of several organisations, and return what reads each when it is done."""
    del data
    owners = [client_as(identities.lease(1)[0]) for _ in range(OWNERS)]
    paths = [(owner, submit(owner, jobs)) for owner in owners for _ in range(DOCUMENTS)]
    return {(owner, path): read_done(owner, path, jobs) for owner, path in paths}


def submit(owner: httpx.Client, jobs: JobSettings) -> str:
    """Hand in a document and return the path that reads it."""
    answer = owner.post(jobs.submit, json=jobs.body)
    if answer.is_error:
        inconclusive(f"POST {jobs.submit} answers {answer.status_code}: there is nothing to back up")
    return f"{jobs.submit}/{answer.json()[jobs.id_field]}"


def read_done(owner: httpx.Client, path: str, jobs: JobSettings) -> Mapping[str, Any]:
    """Return what a document reads when it is done."""
    until_s = time.monotonic() + jobs.timeout_s
    while True:
        body: Mapping[str, Any] = owner.get(path).json()
        if body.get(jobs.status_field) == jobs.done:
            return body
        if time.monotonic() > until_s:
            inconclusive(f"{path} is not done after {jobs.timeout_s:g} s: there is nothing to back up")
        time.sleep(POLL_S)


def lose_and_restore(data: DataSettings, documents: Documents, run: Callable[..., None]) -> None:
    """Back up, destroy, see that nothing is left, and restore: what is read from now on comes from the backup."""
    run(data.service, data.backup, meant="[data] backup")
    run(data.service, data.destroy, meant="[data] destroy")
    await_gone(documents)
    run(data.service, data.restore, meant="[data] restore")


def await_gone(documents: Documents) -> None:
    """Wait until no document is read any more: a cache may hold some for a while, and would prove nothing."""
    until_s, pause_s = time.monotonic() + GONE_S, POLL_S
    while left := [path for owner, path in documents if not is_gone(owner.get(path))]:
        if time.monotonic() > until_s:
            inconclusive(f"{len(left)} documents are read {GONE_S:g} s after [data] destroy, as if it did not destroy")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 5.0)  # polling must not use up the user's quota


def is_gone(answer: httpx.Response) -> bool:
    """Return whether a document is not there: a client that asks too often learns nothing of it."""
    return not answer.is_success and answer.status_code != httpx.codes.TOO_MANY_REQUESTS


def await_same(documents: Documents, fields: Sequence[str], *, after: str) -> None:
    """See that each document reads as before, in these fields (all where none is named); fails when it never does."""
    until_s = time.monotonic() + BACK_S  # connections may have to be made anew
    while True:
        lost = [each for each, before in documents.items() if not reads_as(each, before, fields)]
        if not lost or time.monotonic() > until_s:
            break
        time.sleep(POLL_S * 5)
    assert not lost, f"{len(lost)} of {len(documents)} documents are not as they were before {after}: {lost[0][1]}"


def reads_as(document: tuple[httpx.Client, str], before: Mapping[str, Any], fields: Sequence[str]) -> bool:
    """Return whether a document reads as before."""
    owner, path = document
    answer = owner.get(path)
    body = answer.json() if answer.is_success else {}
    return bool(body) and all(body.get(name) == before.get(name) for name in fields or before)


@check(
    "jobs.restored",
    title="a backup brings everything back",
    severity="critical",
    needs=("exec",),
    presupposes=("jobs.completed",),
    cwe=(459,),
)
def test_restored(data: DataSettings, documents: Documents, run: Callable[..., None]) -> None:
    """What was handed in is backed up, destroyed, restored, and reads as before: a backup is one that was restored."""
    lose_and_restore(data, documents, run)
    await_same(documents, (), after="a backup was restored")


@check(
    "jobs.migrated",
    title="a schema goes back and forward with its data",
    severity="high",
    needs=("exec",),
    presupposes=("jobs.restored",),
)
def test_migrated(data: DataSettings, documents: Documents, run: Callable[..., None], jobs: JobSettings) -> None:
    """A step back and forward again leaves every document: a release that is taken back takes no data with it.

    The documents were restored before, so that none is read from a cache.
    """
    steps = declared(data.migrations, "[data.migrations]")
    lose_and_restore(data, documents, run)
    run(steps.service, steps.back, meant="[data.migrations] back")
    run(steps.service, steps.forward, meant="[data.migrations] forward")
    kept = [jobs.id_field, jobs.status_field, *steps.kept]
    await_same(documents, kept, after="the schema went back and forward")
