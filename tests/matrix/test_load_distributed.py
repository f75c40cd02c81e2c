"""The compose overlay of load from several machines: an image of this checkout, a master, three workers, one verdict.

What these promise of processes, tests/cli/test_load_workers.py proves, a lost worker too; here it is the image and the
overlay. With the requirements' layer in the cache the first test takes a dozen seconds, without it twice as long.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("engine"), pytest.mark.alone]
ROOT = Path(__file__).parents[2]
FILE = ROOT / "load" / "distributed" / "docker-compose.yml"
IMAGE, BASE, WORKERS = "seatrial-test-load", "python:3.13-slim", 3
PROJECT = """
[stack]
ready = "/"
start_timeout_s = 10
[targets]
allow = ["target:8000"]
[load.look]
paths = ["/"]
rate_per_s = 60
deadline_s = 10
duration_s = { quick = 1, full = 30 }
objectives = { error_ratio = "<= 0", p95 = "<= 9000 ms" }
"""


def docker(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, **options)


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Build the image of this checkout, for as long as it is needed."""
    docker("build", "--tag", IMAGE, "--file", str(ROOT / "load" / "distributed" / "Dockerfile"), str(ROOT))
    yield IMAGE
    docker("rmi", IMAGE)


@pytest.fixture
def overlay(image: str, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Return how the overlay is started beside a stack of one service; nothing of either is left behind."""
    name = f"seatrial-test-{uuid.uuid4().hex[:10]}"
    (tmp_path / "seatrial.toml").write_text(PROJECT)
    tmp_path.chmod(0o755)
    environment = {
        "STACK_NETWORK": name, "TARGET": "http://target:8000", "ALLOW_TARGET": "target:8000",
        "PROJECT": str(tmp_path), "SEATRIAL_IMAGE": image, "WORKERS": str(WORKERS), "COMPOSE_PROJECT_NAME": name,
    }  # fmt: skip
    options = {"cwd": ROOT, "env": {**os.environ, **environment}}
    docker("network", "create", name)
    target = docker(
        "run", "--detach", "--rm", "--network", name, "--network-alias", "target", BASE, "python", "-m", "http.server"
    ).stdout.strip()
    try:
        yield options
    finally:
        docker("compose", "--file", str(FILE), "down", "--volumes", "--remove-orphans", "--timeout", "2", **options)
        docker("rm", "--force", target)
        docker("network", "rm", name)


def up(options: dict[str, Any], words: str) -> subprocess.Popen[str]:
    """Bring workers and then the master up, with more words for it; what is returned ends as the master does."""
    compose = ["compose", "--file", str(FILE)]
    docker(*compose, "up", "--no-build", "--detach", "--scale", f"worker={WORKERS}", "worker", **options)
    given = {**options, "env": {**options["env"], "OPTIONS": words}}
    command = ["docker", *compose, "run", "--no-TTY", "--use-aliases", "master"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **given)


def test_three_workers_send_what_was_asked(overlay: dict[str, Any]) -> None:
    """Each arrival once, from three unprivileged containers, counted as one."""
    child = up(overlay, "--json")
    output, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    found = json.loads(output)
    assert (found["verdict"], found["generator"]["workers"]) == ("pass", WORKERS)
    assert found["ledger"] == {"due": 60, "started": 60, "dropped": 0, "answered": 60, "failed": 0, "unfinished": 0}
    mine = f"label=com.docker.compose.project={overlay['env']['COMPOSE_PROJECT_NAME']}"
    told = json.loads(docker("inspect", *docker("ps", "--all", "--quiet", "--filter", mine).stdout.split()).stdout)
    assert len(told) == WORKERS + 1
    for one in told:
        assert one["Config"]["User"] == "load"
        assert one["HostConfig"]["ReadonlyRootfs"]
        assert one["HostConfig"]["CapDrop"] == ["ALL"]
        assert 0 < one["HostConfig"]["Memory"] < 1 << 31


@pytest.mark.long
def test_a_worker_that_is_killed_ends_the_load_without_a_verdict(overlay: dict[str, Any]) -> None:
    """In the middle, by its container's id: inconclusive, and the exit code says so."""
    with up(overlay, "full --json") as child:
        assert child.stderr
        assert any(" 2 s of 30 s" in line for line in child.stderr)
        victim = docker("compose", "--file", str(FILE), "ps", "--quiet", "worker", **overlay).stdout.split()[0]
        docker("kill", victim)
        output, errors = child.communicate(timeout=60)
    assert child.returncode == 3, errors
    found = json.loads(output)
    assert (found["verdict"], found["valid"]) == ("inconclusive", False)
    doubt = found["scenarios"]["look"]["doubt"]
    assert doubt.endswith("of 3 was lost before it reported")
    assert victim[:12] in doubt
