"""The stack as somebody starts it who works on it: the development file, which the harness never reads."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

STACK = Path(__file__).parents[2] / "fixtures" / "stack"
PATIENCE_S = 300
ANSWERS_S = 60.0
ANY_PORT = """
services:
  api: {ports: !override ["127.0.0.1::8000"]}
  web: {ports: !override ["127.0.0.1::3000"]}
"""
Compose = Callable[..., str]


@pytest.fixture
def compose(engine: None, tmp_path: Path) -> Iterator[Compose]:
    """Return what runs compose on the file, under a project and on a port of its own; all of it goes in the end."""
    del engine
    (tmp_path / "port.yml").write_text(ANY_PORT)
    project = f"seatrial-test-{uuid.uuid4().hex[:12]}"
    files = ["-f", "docker-compose.yml", "-f", str(tmp_path / "port.yml")]

    def run(*arguments: str) -> str:
        command = ["docker", "compose", "--project-name", project, *files, *arguments]
        done = subprocess.run(command, cwd=STACK, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    yield run
    run("down", "--volumes", "--rmi", "local", "--timeout", "0")


def answer(url: str) -> int:
    """Return the status of an address, 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as found:  # noqa: S310 - our own
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_the_development_file_starts_a_stack(compose: Compose) -> None:
    """`docker compose up --build` is enough: the api answers, and reaches its database and Redis."""
    compose("up", "--build", "--wait", "api", "worker")
    address, deadline = compose("port", "api", "8000").strip(), time.monotonic() + ANSWERS_S
    for path in ("/api/v1/health", "/api/v1/health/readiness"):
        while (status := answer(f"http://{address}{path}")) != 200:
            assert time.monotonic() < deadline, f"{path} answers {status}\n{compose('logs', 'api')}"
            time.sleep(0.2)
    assert "worker" in compose("ps", "--services", "--status", "running").split()


@pytest.mark.long  # half a minute of processor time where the page's image is not in the engine's cache
def test_the_development_file_starts_the_page(compose: Compose) -> None:
    """The page answers, and reaches the api."""
    compose("up", "--build", "--wait")
    address, deadline = compose("port", "web", "3000").strip(), time.monotonic() + ANSWERS_S
    while (status := answer(f"http://{address}/health/readiness")) != 200:
        assert time.monotonic() < deadline, f"it answers {status}\n{compose('logs', 'web')}"
        time.sleep(0.2)
