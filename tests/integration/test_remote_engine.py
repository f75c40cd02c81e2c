"""An engine that does not see this machine's files: what is measured there is what is measured anywhere.

The harness gets a view of its own of the folder where runs have theirs (a mount namespace), which hides them from the
engine as another machine would.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker
import docker.errors
import pytest
from engine_relay import bridge_address, relayed
from leavings import left_of

from seatrial.config import CoverageSettings, load_settings
from seatrial.core import EnvironmentFailure, Outcome
from seatrial.cover import Collector
from seatrial.record import read_record
from seatrial.stack import StackPlan, image_name, run_labels, sweep
from seatrial.stack._compose import ELSEWHERE, TOLD_APART, ComposeStack
from seatrial.stack._copied import Copied, _check_end, _unpack
from seatrial.stack._folders import work_parent
from seatrial.stack._visible import is_visible

Hidden = Callable[[Path], list[str]]
PYTHON = "python:3.13-slim"
PATIENCE_S = 240
CONFIG = """
[stack]
compose = ["docker-compose.yml"]
services = ["api"]
entry = "api:8000"

[coverage]
services = ["api"]
source = "svc"
packages = ["app"]
container_source = "/service"
"""
COMPOSE = """
services:
  api:
    build: .
    user: "65534"
    read_only: true
    command: [python, -m, app.serve]
"""
DOCKERFILE = f"FROM {PYTHON}\nCOPY svc /service\nWORKDIR /service\n"
SERVER = """from wsgiref.simple_server import make_server


def first():
    return b"first"


def second():
    return b"second"


def answer(environ, start_response):
    text = globals().get(environ["PATH_INFO"][1:], bytes)()
    start_response("200 OK", [])
    return [text]


make_server("", 8000, answer).serve_forever()
"""
"""Whoever has an answer knows that no line is still to come: it is written when the function has returned."""

HARNESS = """
import os, sys
from pathlib import Path
import httpx
from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings
from seatrial.cover import Collector

settings = load_settings(Path("seatrial.toml"))
run = open_run(settings, Options(stack="compose", out=sys.argv[1], allow_target="".join(sys.argv[2:])))
print(os.getpid(), flush=True)
collector = Collector(settings.coverage, root=settings.root)
stacks = Stacks(run, collector=collector, variants=["instrumented"])
try:
    stack = stacks.get("instrumented")
    for phase in ("first", "second", "end"):
        collector.set_phase(phase)
        assert collector.wait_acknowledged(60), phase
        if phase != "end":
            assert httpx.get(f"{stack.url()}/{phase}").text == phase
    stack.control("kill", "api")
    stacks.end("instrumented").result()
    print(*(result.outcome for result in collector.collect(out=Path(sys.argv[1], "coverage")).results))
finally:
    stacks.stop_all()
    run.close()
"""
START = """
import os
from pathlib import Path
from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings

print(os.getpid(), flush=True)
run = open_run(load_settings(Path("seatrial.toml")), Options(stack="compose", out="out"))
try:
    Stacks(run, collector=None).get("clean")
finally:
    run.close()
"""
HEALTH = """    healthcheck:
      test: [CMD, python, -c, "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000')"]
"""
VISIBLE = """
import sys
from pathlib import Path
import docker
from seatrial.stack import run_labels
from seatrial.stack._visible import is_visible

image, run, folder = sys.argv[1:]
Path(folder).mkdir(exist_ok=True)
print(is_visible(docker.from_env(), Path(folder), image=image, labels=run_labels(run, keep=False)))
"""
HIDDEN = 'mount -t tmpfs -o mode=711 none "$0" && cd "$PWD" && exec "$@"'


@pytest.fixture(scope="module")
def client(engine: None) -> Iterator[docker.DockerClient]:
    """Return a client of the engine."""
    del engine
    with ExitStack() as opened:
        found = docker.from_env()
        opened.callback(found.close)
        yield found


@pytest.fixture
def run() -> Iterator[str]:
    """Name a run, and remove whatever a test left of it."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    sweep(name)


@pytest.fixture
def hidden(require: Callable[[str], str]) -> Hidden:
    """Return what a command is begun with to have an empty folder in place of one, for itself alone."""
    require("mount")

    def words(folder: Path) -> list[str]:
        return ["unshare", "--mount", "sh", "-c", HIDDEN, str(folder)]

    return words


@pytest.fixture
def project(client: docker.DockerClient, tmp_path: Path) -> Iterator[Path]:
    """Return a project with one service, which is built; its image is removed in the end."""
    package = tmp_path / "svc" / "app"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "serve.py").write_text(SERVER)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    yield tmp_path
    with suppress(docker.errors.ImageNotFound):  # nothing was built where nothing may start
        client.images.remove(image_name(tmp_path, "api"), force=True)


def measure(project: Path, out: str, *before: str, engine: str = "", allow: str = "") -> Any:
    """Return what a service executed that was killed in the end, once nothing of the run is left."""
    command = [*before, sys.executable, "-c", HARNESS, out, *filter(None, [allow])]
    done = run_at(engine, command, project)
    assert done.returncode == 0, done.stdout + done.stderr
    harness, *outcomes = done.stdout.split()
    assert set(outcomes) == {"passed"}
    assert left_of(int(harness)) == []
    return json.loads((project / out / "coverage" / "attribution.json").read_text())["files"]


def run_at(engine: str, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with the engine that a URL names; the one beside us, where none does."""
    environment = {**os.environ, **({"DOCKER_HOST": engine} if engine else {})}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@pytest.fixture
def elsewhere(engine: None) -> Iterator[str]:
    """Return the URL of the engine at an address of this machine that is not loopback."""
    del engine
    with relayed(bridge_address()) as url:
        yield url


def test_lines_are_those_of_an_engine_beside_us(project: Path, hidden: Hidden, elsewhere: str) -> None:
    """Of a killed container too, by suite, by a user that owns nothing, on a read-only root; and nothing stays.

    An engine elsewhere publishes at its own address, once both name its host; clients keep theirs on the way there.
    """
    host = str(urlsplit(elsewhere).hostname)
    (project / "seatrial.toml").write_text(f'{CONFIG}\n[targets]\nallow = ["{host}:*"]\n')
    copied = measure(project, "copied", *hidden(work_parent()), engine=elsewhere, allow=f"{host}:*")
    assert copied == measure(project, "mounted")
    lines = copied["svc/app/serve.py"]
    for name in ("first", "second"):
        assert lines[str(SERVER.splitlines().index(f'    return b"{name}"') + 1)] == [name]
    said = [(project / out / "events.ndjson").read_text() for out in ("copied", "mounted")]
    assert ["copying them in" in text for text in said] == [True, False]
    stacks = [read_record(project / out).stacks[0] for out in ("copied", "mounted")]
    assert [urlsplit(stack.url).hostname for stack in stacks] == [host, "127.0.0.1"]
    assert [stack.limitations for stack in stacks] == [(TOLD_APART, ELSEWHERE.format(host)), (TOLD_APART,)]


def test_a_folder_of_the_same_name_is_another_one(
    client: docker.DockerClient, run: str, hidden: Hidden, tmp_path: Path
) -> None:
    """What the engine sees is told by what is in the folder, not by its path; and nothing is made that is missing."""
    labels = run_labels(run, keep=False)
    assert is_visible(client, tmp_path, image=PYTHON, labels=labels)
    script = [sys.executable, "-c", VISIBLE, PYTHON, run]
    for folder in (tmp_path, tmp_path / "here"):
        done = subprocess.run([*hidden(tmp_path), *script, str(folder)], check=True, capture_output=True, text=True)
        assert done.stdout == "False\n"
    assert list(tmp_path.iterdir()) == []
    assert client.containers.list(all=True, filters={"label": f"dev.seatrial.run={run}"}) == []


def test_an_engine_elsewhere_that_is_not_allowed_starts_nothing(project: Path, elsewhere: str) -> None:
    """What to write, and where, is said before there is so much as a folder of the run."""
    host = urlsplit(elsewhere).hostname
    said = start(project, engine=elsewhere)
    assert f"{host}:* is not this machine and was not allowed [target-not-allowed]" in said
    assert f"add allow = [\"{host}:*\"] to [targets] of seatrial.toml and give --allow-target '{host}:*'" in said
    assert not (project / "out").exists()


def test_an_engine_that_has_not_the_address_of_its_host_is_told(
    client: docker.DockerClient, run: str, tmp_path: Path
) -> None:
    """As behind a router that translates addresses: it cannot publish where it is reached."""
    (tmp_path / "docker-compose.yml").write_text(f"services: {{api: {{image: '{PYTHON}'}}}}")
    (tmp_path / "seatrial.toml").write_text(CONFIG.partition("[coverage]")[0])
    places: dict[str, Any] = {"root": tmp_path, "logs": tmp_path / "logs", "work": tmp_path / "w"}
    settings = load_settings(tmp_path / "seatrial.toml")
    plan = StackPlan(settings=settings, profile="quick", variant="clean", run=run, address="192.0.2.1", **places)
    with pytest.raises(EnvironmentFailure, match=r"does not have 192\.0\.2\.1.*\[engine-address\]"):
        ComposeStack(plan).start(lambda _: None)
    assert client.containers.list(all=True, filters={"label": f"dev.seatrial.run={run}"}) == []


def start(project: Path, *before: str, engine: str = "") -> str:
    """Return what is said of a stack that does not start, once nothing of it is left."""
    command = [*before, sys.executable, "-c", START]
    done = run_at(engine, command, project)
    harness, *_ = done.stdout.split()
    assert left_of(int(harness)) == []
    return done.stderr


def test_files_of_the_project_that_the_engine_does_not_see_are_told(project: Path, hidden: Hidden) -> None:
    """It would mount an empty folder in their place, and nobody would know why the service fails."""
    (project / "settings").mkdir()
    (project / "docker-compose.yml").write_text(f"{COMPOSE}    volumes: ['./settings:/settings']\n")
    copy = project.rename(project.with_name("copy"))
    project.mkdir()
    said = start(project, *hidden(project), "sh", "-c", 'cp -R "$0/." . && exec "$@"', str(copy))
    assert f"does not see the project's files: api mounts {project}/settings" in said
    assert list(project.iterdir()) == []


def test_the_loopback_address_of_another_machine_is_told(project: Path, require: Callable[[str], str]) -> None:
    """A stack that works, and is published where we are not, is no service that does not answer in time."""
    require("mount")
    (project / "docker-compose.yml").write_text(COMPOSE + HEALTH)
    said = start(project, "unshare", "--net")
    assert "the service api is healthy, and nobody takes connections at http://127.0.0.1:" in said
    assert "service-unreachable" in said


@pytest.fixture
def copied(client: docker.DockerClient, run: str, tmp_path: Path) -> Copied:
    """Return a share by a volume, with what a service needs."""
    for name in ("data/ack", "data/problems"):
        (tmp_path / "share" / name).mkdir(parents=True)
    (tmp_path / "share/data/ack/api@host.1").write_text("health")
    share = Copied(client, tmp_path / "share", name=run, image=PYTHON, labels=run_labels(run, keep=False))
    share.open()
    return share


def test_what_a_volume_has_is_looked_at(copied: Copied) -> None:
    """It has what was in the folder, with what was handed in since; times are those of who wrote it."""
    file = copied.folder / "data/ack/api@host.1"
    file.write_text("load")
    assert [seen.text for seen in copied.look("data/ack")] == ["health"]
    os.utime(file, (0, 12))
    copied.hand_in("data/ack/api@host.1")
    assert [(seen.name, seen.text, seen.written_s) for seen in copied.look("data/ack")] == [("api@host.1", "load", 12)]


def test_what_cannot_be_copied_out_leaves_coverage_incomplete(copied: Copied, tmp_path: Path) -> None:
    """It is told why, and there is no figure: neither 0 % nor that of what is here."""
    (tmp_path / "svc/app").mkdir(parents=True)
    (tmp_path / "svc/app/main.py").write_text("X = 1\n")
    settings = CoverageSettings(services=("api",), source="svc", packages=("app",))
    collector = Collector(settings, root=tmp_path)
    collector.use_share(copied)
    copied.close()
    copied.bring_back("data")
    evidence = collector.collect(out=tmp_path / "out")
    result = evidence.results[0]
    assert (result.outcome, evidence.measurements) == (Outcome.INCONCLUSIVE, ())
    assert "cannot copy out of the volume" in result.reason
    assert "No such container" in result.reason
    with pytest.raises(EnvironmentFailure, match="share-unreachable"):
        copied.hand_in("data")


def test_links_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    """Services wrote it: what is no file, or lies elsewhere, is left out."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, kind in (("data/link", tarfile.SYMTYPE), ("data/fifo", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        for name in ("data/link/in", "../out", f"{tmp_path}/absolute", "data/good"):
            tar.addfile(tarfile.TarInfo(name))
    packed.seek(0)
    folder = tmp_path / "share"
    with tarfile.open(fileobj=packed) as tar:
        _unpack(tar, folder)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == [
        "share/data/good",
        "share/data/link/in",
    ]


def test_an_archive_that_breaks_off_is_not_taken_for_a_whole_one() -> None:
    """An engine that cannot read a file to its end says nothing: the archive ends there, as if there were no more."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name in ("first", "second"):
            tar.addfile(tarfile.TarInfo(name))
    _check_end(packed)
    assert packed.tell() == 0
    for size in (0, 1, 512, 1024, 1536):
        broken = io.BytesIO()
        broken.write(packed.getvalue()[:size])
        with pytest.raises(tarfile.ReadError, match="breaks off"):
            _check_end(broken)
