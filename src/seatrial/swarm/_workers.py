"""A worker, seen from its own machine: one load process after the other, each for one scenario of whoever is master."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from seatrial.core import EnvironmentFailure
from seatrial.swarm._process import PYTHON

WORKER = (*PYTHON, "seatrial.swarm._inside._worker")
NOBODY = 3


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
    """Send what a master has to be sent, until none has answered for `wait_s`; return how many scenarios it was.

    `committed` and `allow_target` say which targets beside this machine are allowed here, whatever the master wants.
    Raises EnvironmentFailure when no master ever came, or a load process fails.
    """
    count = 0
    facts = {"host": host, "port": port, "root": str(root), "wait_s": wait_s}
    while True:
        with tempfile.TemporaryDirectory(prefix="seatrial-worker-") as work:
            code, log = _serve({**facts, "committed": [*committed], "allow_target": allow_target, "work": work})
        if code == NOBODY:
            break
        if code:
            raise EnvironmentFailure(
                f"the load process ended with exit code {code}",
                slug="load-worker-process",
                where=f"{host}:{port}",
                remedy="see what it wrote, and start the worker again",
                details=log,
            )
        count += 1
        progress(f"done: {count}; waiting for {host}:{port}")
    if not count:
        raise EnvironmentFailure(
            f"no master answered within {wait_s:g} s",
            slug="load-master-missing",
            where=f"{host}:{port}",
            remedy="start it with seatrial load --workers N --bind HOST:PORT, or wait longer for it with --wait",
        )
    return count


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
