"""A worker, seen from its own machine: one load process after the other, each for one scenario of whoever is master."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from seatrial.core import EnvironmentFailure
from seatrial.swarm._crew import NOBODY, Left
from seatrial.swarm._process import PYTHON

WORKER = (*PYTHON, "seatrial.swarm._inside._worker")


def work_for(  # noqa: PLR0913 - where, who, what it may do, and whom to tell
    host: str,
    port: int,
    *,
    root: Path,
    committed: Collection[str],
    allow_target: str,
    wait_s: float,
    progress: Callable[[str], None],
) -> int:
    """Send what a master has to be sent, until none has answered for `wait_s`; return how many whole shares it was.

    `committed` and `allow_target` say which targets beside this machine are allowed here, whatever the master wants.
    Raises EnvironmentFailure when no master ever came, none got a whole share, or a load process fails.
    """
    ends: list[Left] = []
    facts = {"host": host, "port": port, "root": str(root), "wait_s": wait_s}
    while True:
        with tempfile.TemporaryDirectory(prefix="seatrial-worker-") as work:
            code, log = _serve({**facts, "committed": [*committed], "allow_target": allow_target, "work": work})
        if code == NOBODY:
            break
        if code not in {*Left}:
            raise EnvironmentFailure(
                f"the load process ended with exit code {code}",
                slug="load-worker-process",
                where=f"{host}:{port}",
                remedy="see what it wrote, and start the worker again",
                details=log,
            )
        ends.append(Left(code))
        progress(f"{ends[-1].told}; waits for {host}:{port}")
    if Left.SENT not in ends:
        raise _nothing_sent(ends, f"{host}:{port}", wait_s)
    return ends.count(Left.SENT)


def _nothing_sent(ends: Sequence[Left], where: str, wait_s: float) -> EnvironmentFailure:
    if ends:
        return EnvironmentFailure(
            f"this worker sent nothing that counts: at last it {ends[-1].told}",
            slug="load-worker-idle",
            where=where,
            remedy="see what the master said",
        )
    return EnvironmentFailure(
        f"no master answered within {wait_s:g} s",
        slug="load-master-missing",
        where=where,
        remedy="start it with seatrial load --workers N --bind HOST:PORT, or wait longer for it with --wait",
    )


def _serve(facts: dict[str, object]) -> tuple[int, str]:
    """Run one load process, which ends with this one; return its exit code and the end of its log."""
    log = Path(str(facts["work"])) / "locust.log"
    environment = {**os.environ, "NO_PROXY": "*"}
    environment.pop("SEATRIAL_TOKEN", None)
    with log.open("wb") as errors:
        child = subprocess.Popen(
            (*WORKER, json.dumps(facts)), env=environment, stdin=subprocess.PIPE, stdout=errors, stderr=errors,
            start_new_session=True,
        )  # fmt: skip
    try:
        child.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if child.stdin:
            child.stdin.close()
    return child.returncode, log.read_text(encoding="utf-8", errors="replace")[-2000:]
