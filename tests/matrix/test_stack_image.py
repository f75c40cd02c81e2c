"""The reference stack's files, to the letter of what its operator was promised; its image, small and quick to build."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import load_settings
from seatrial.stack import compose_model

ROOT = Path(__file__).parents[2]
STACK = ROOT / "fixtures" / "stack"
BASE, TAG = "python:3.13-slim", "seatrial-test-stack-image"
LARGEST_ABOVE_BASE = 250_000_000
SHORTEST_KEY = 32
PROBES = {"interval": "30s", "timeout": "10s", "retries": 3, "start_period": "40s"}
CONFINED = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
SERVICES: dict[str, Any] = dict(compose_model(load_settings(ROOT / "seatrial.scale.toml"), ROOT)["services"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_probed_and_confined(name: str) -> None:
    """Probes have the promised timing; nothing writes to its image, keeps a capability or gains a privilege."""
    assert {key: SERVICES[name]["healthcheck"].get(key) for key in PROBES} == PROBES
    assert {key: SERVICES[name].get(key) for key in CONFINED} == CONFINED
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["api", "worker"])
def test_what_needs_servers_waits_for_healthy_ones(name: str) -> None:
    """Neither starts before the database and Redis answer: with `service_started` it would meet a closed door."""
    found = {needed: wait["condition"] for needed, wait in SERVICES[name]["depends_on"].items()}
    assert found == dict.fromkeys(("db", "redis"), "service_healthy")


def test_the_page_waits_for_a_healthy_api() -> None:
    """It starts when whoever looks at it can be shown something."""
    assert {name: wait["condition"] for name, wait in SERVICES["web"]["depends_on"].items()} == {
        "api": "service_healthy"
    }


def test_the_page_is_probed_by_what_its_image_has() -> None:
    """It asks its own health route with Node.js: that route asks nobody else, as a restart would not mend the api."""
    *program, code = SERVICES["web"]["healthcheck"]["test"]
    assert program == ["CMD", "node", "-e"]
    assert "'http://127.0.0.1:3000/health'" in code


def test_the_lock_file_names_no_registry() -> None:
    """Every package is fixed by a checksum, and comes from whatever registry npm is told of."""
    packages = json.loads((STACK / "web" / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {name: package for name, package in packages.items() if name}
    assert len(fetched) > 1
    assert [name for name, package in fetched.items() if "resolved" in package or "integrity" not in package] == []


def test_the_api_is_probed_by_what_the_image_has() -> None:
    """It asks the health route with Python, which the image has, and not with curl or wget, which it lacks."""
    *program, code = SERVICES["api"]["healthcheck"]["test"]
    assert program == ["CMD", "python", "-c"]
    assert "'http://127.0.0.1:8000/api/v1/health'" in code


def test_the_queue_is_never_evicted() -> None:
    """Redis takes 512 MB and evicts only keys with an expiry, which queued jobs have not."""
    words = " ".join(SERVICES["redis"]["command"])
    assert "--maxmemory 512mb --maxmemory-policy volatile-lru" in words


def test_concurrency_comes_from_the_environment() -> None:
    """An operator sets how many tasks a worker runs at a time."""
    assert any("${CELERY_CONCURRENCY" in word for word in SERVICES["worker"]["command"])


@pytest.mark.usefixtures("engine")
def test_the_template_makes_a_deployment(tmp_path: Path) -> None:
    """With secrets made by the commands above them, and an issuer's names, compose accepts the template as it is."""
    text = (STACK / ".env.production.template").read_text(encoding="utf-8")
    made = re.sub(r"^# \$ (openssl rand .+)\n([A-Z_]+)=$", _make, text, flags=re.MULTILINE)
    assert made.count("\nENCRYPTION_KEY=\n") == 0
    made = re.sub(r"^(JWT_ISSUER|JWT_AUDIENCE)=$", r"\1=https://clerk.example.com", made, flags=re.MULTILINE)
    (tmp_path / "environment").write_text(made, encoding="utf-8")
    command = ["docker", "compose", "--env-file", str(tmp_path / "environment")]
    command += ["-f", "docker-compose.prod.yml", "-f", "docker-compose.scale.yml", "config", "--quiet"]
    done = subprocess.run(command, cwd=STACK, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _make(match: re.Match[str]) -> str:
    made = subprocess.run(match[1].split(), check=True, capture_output=True, text=True).stdout.strip()
    assert len(made) >= SHORTEST_KEY
    return f"{match[2]}={made}"


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """Return a copy of what the image is built from; the image is gone afterwards."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=STACK, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((STACK / name).read_bytes())
    yield tmp_path
    subprocess.run(["docker", "rmi", "--force", TAG], check=True, capture_output=True)


def build(tree: Path) -> str:
    """Build the image and return what the engine said of each step."""
    command = ["docker", "build", "--progress", "plain", "--tag", TAG, str(tree)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def size(image: str) -> int:
    """Return the size of an image in bytes."""
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.usefixtures("engine")
def test_the_image_is_small_and_rebuilt_without_installing(tree: Path) -> None:
    """It stays under 250 MB above its base; a change of Python code takes the requirements' layer from the cache.

    How long both builds take is printed by tests/benchmarks/image.py.
    """
    build(tree)
    assert size(TAG) - size(BASE) < LARGEST_ABOVE_BASE
    with (tree / "app" / "main.py").open("a", encoding="utf-8") as file:
        file.write(f"\n# changed at {time.time_ns()}\n")
    said = build(tree)
    installs, compiles = step(said, "pip install"), step(said, "compileall")
    assert f"{installs} CACHED" in said, said
    assert f"{compiles} CACHED" not in said, said


def step(said: str, command: str) -> str:
    """Return the number by which the engine names the step that runs a command: `#9`."""
    found = re.search(rf"^(#\d+) \[[^\]]*\] RUN .*{command}", said, re.MULTILINE)
    assert found, said
    return found[1]
