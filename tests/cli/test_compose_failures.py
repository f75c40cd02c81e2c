"""A compose stack that does not come up: what is said, the logs that are kept, and that nothing is left of it."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from seatrial.config import load_settings
from seatrial.stack import StackPlan
from seatrial.stack._compose import ComposeStack
from seatrial.stack._compose_project import CommandFailed, Project

pytestmark = pytest.mark.usefixtures("engine")

IMAGE = "python:3.13-slim"
CONFIG = """
[stack]
compose = ["docker-compose.yml"]
services = {services}
entry = "app:8000"
ready = "/"
start_timeout_s = 8
[gate]
rules = ["checks.passed >= 0"]
"""
SERVES = "python -m http.server 8000"
WAITS = "echo I wait for a miracle && sleep 60"
ENDS = "echo BOOM: missing SECRET && exit 3"
Product = Callable[..., subprocess.CompletedProcess[str]]


def service(command: str, **more: object) -> dict[str, object]:
    """Return a service that runs a shell line; as PID 1 the shell would ignore SIGTERM, so an init does it."""
    return {"image": IMAGE, "init": True, "command": ["sh", "-c", command], **more}


def probe(command: str) -> dict[str, object]:
    """Return a health check that gives up after its second failure."""
    return {"test": ["CMD-SHELL", command], "interval": "30s", "timeout": "2s", "retries": 2}


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that lays out a project of these services."""

    def lay_out(**services: dict[str, object]) -> Path:
        (tmp_path / "seatrial.toml").write_text(CONFIG.replace("{services}", str(list(services))))
        (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump({"services": services}))
        return tmp_path

    return lay_out


def run(product: Product, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the product, which asserts that no process, container, network or volume is left."""
    return product("run", "--stack", "compose", "--only", "health", "--out", str(folder / "run"), cwd=folder)


NEEDS_DB = {"depends_on": {"db": {"condition": "service_healthy"}}}
SICK = {"healthcheck": probe("exit 1")}
SLOW = {"healthcheck": {**probe("sleep 60"), "timeout": "60s"}}
FAILURES = {
    "exits": ({"app": service(ENDS)}, "app exited with code 3 [service-exited]"),
    "exits-later": ({"app": service(f"sleep 2; {ENDS}")}, "app exited with code 3 [service-exited]"),
    "another-exits": ({"app": service(SERVES), "job": service(ENDS)}, "job exited with code 3 [service-exited]"),
    "db-exits": ({"app": service(SERVES, **NEEDS_DB), "db": service(ENDS)}, "db exited with code 3 [service-exited]"),
    "unhealthy": ({"app": service(WAITS, **SICK)}, "app is unhealthy [service-unready]"),
    "db-unhealthy": (
        {"app": service(SERVES, **NEEDS_DB), "db": service(WAITS, **SICK)},
        "db is unhealthy [service-unready]",
    ),
    "never-healthy": ({"app": service(WAITS, **SLOW)}, "app is not healthy in time [service-unready]"),
    "no-answer": ({"app": service(WAITS)}, "app does not answer / with 2xx in time [service-unready]"),
}


@pytest.mark.parametrize(("services", "says"), FAILURES.values(), ids=FAILURES)
def test_a_service_that_does_not_come_up(
    product: Product, project: Callable[..., Path], services: dict[str, dict[str, object]], says: str
) -> None:
    """Exit code 3, the service by its name, its last log lines, and its whole log in the run's directory."""
    folder = project(**services)
    done = run(product, folder)
    output = done.stdout + done.stderr
    assert done.returncode == 3, output
    said, line = f"the service {says}\n", "BOOM: missing SECRET" if "exited" in says else "I wait for a miracle"
    assert said in output
    assert line in output.partition(said)[2]
    assert "to do:" in output
    assert "Traceback" not in output
    assert line in (folder / "run" / "logs" / f"{says.partition(' ')[0]}.log").read_text()
    assert says in (folder / "run" / "verdict.json").read_text()


def test_an_image_that_cannot_be_built(product: Product, project: Callable[..., Path]) -> None:
    """The end of the builder's output is shown; there was nothing to log."""
    folder = project(app={"build": "."})
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo the hull leaks && exit 5\n")
    done = run(product, folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[compose-build-failed]" in done.stdout + done.stderr
    assert "the hull leaks" in done.stdout + done.stderr


def test_an_image_that_is_not_there(product: Product, project: Callable[..., Path]) -> None:
    """Compose's own words are shown where no container can say more."""
    folder = project(app={"image": "seatrial-test-nowhere.invalid/ship:1"})
    done = run(product, folder)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[compose-up-failed]" in done.stdout + done.stderr
    assert "seatrial-test-nowhere.invalid" in done.stdout + done.stderr


@pytest.fixture
def taken() -> Iterator[int]:
    """Listen on a port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_the_file_publishes_may_be_taken(
    product: Product, project: Callable[..., Path], taken: int
) -> None:
    """A run publishes random ports in place of the file's: what listens there is in nobody's way."""
    health = "cd /tmp && echo '{}' > health.json && " + SERVES
    folder = project(app=service(health, ports=[f"127.0.0.1:{taken}:8000"]))
    with (folder / "seatrial.toml").open("a") as file:
        file.write('[health]\nbasic = "/health.json"\n')
    done = run(product, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "http://127.0.0.1:" in done.stdout
    assert f"http://127.0.0.1:{taken}" not in done.stdout


def test_a_port_that_a_service_takes_on_the_host(product: Product, project: Callable[..., Path], taken: int) -> None:
    """A service in the host's own network meets who is there; its own words say so."""
    listens = f"python -m http.server {taken} --bind 127.0.0.1"
    done = run(product, project(app=service(SERVES), aside=service(listens, network_mode="host")))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "the service aside exited with code 1 [service-exited]" in done.stdout + done.stderr
    assert "Address already in use" in done.stdout + done.stderr


def test_compose_words_for_a_taken_port_are_understood(project: Callable[..., Path], taken: int) -> None:
    """Should the engine ever meet a taken port, what it really says of one is told as that, not as a riddle."""
    folder = project(app=service(SERVES, ports=[f"127.0.0.1:{taken}:8000"]))
    settings = load_settings(folder / "seatrial.toml")
    plan = StackPlan(
        settings=settings,
        profile="quick",
        variant="clean",
        run=f"test-{uuid.uuid4().hex}",
        work=folder / "work",
        logs=folder / "logs",
        root=folder,
    )
    name = f"seatrial-{plan.run}-c"
    # The file alone, without the override that gives it a random port.
    files = Project(
        context=folder, compose_file_name="docker-compose.yml", name=name, environment=os.environ, wait=False
    )
    try:
        with pytest.raises(CommandFailed) as said:
            files.start()
        failure = ComposeStack(plan)._explain(said.value)  # noqa: SLF001 - `start` cannot be brought to meet one
    finally:
        files.remove(kill=True)
    assert (failure.slug, str(taken) in failure.details) == ("port-taken", True)
