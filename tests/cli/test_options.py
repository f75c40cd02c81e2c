"""What options of the command line do to a whole run: keep, time limits, targets, and plain pytest beside them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from seatrial.core import content

ROOT = Path(__file__).parents[2]
PATIENCE_S = 200
SERVES = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
CONFIG = f"""
suites = ["suites"]
[stack]
entry = "app:8000"
[stack.local.services.app]
command = [{sys.executable!r}, "-c", "{SERVES}"]
ready = "/"
"""
CHECK = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/").status_code == 200
'''
Product = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project whose service is a file server, with one check of its own."""
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "pytest.ini").write_text((content("suites") / "pytest.ini").read_text())
    (tmp_path / "suites" / "test_own.py").write_text(CHECK)
    return tmp_path


def verdict(project: Path) -> dict[str, Any]:
    """Return the latest verdict."""
    found: dict[str, Any] = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    return found


def test_keep_leaves_the_stack_up(begin: Callable[..., subprocess.Popen[str]], product: Product, project: Path) -> None:
    """With --keep the stack answers after the run, later commands find it, and `down` removes all of it."""
    with begin("run", "--stack", "local", "--keep", cwd=project) as child:
        out, err = child.communicate(timeout=PATIENCE_S)
    try:
        assert child.returncode == 0, out + err
        state = json.loads((project / ".seatrial" / "stack.json").read_text())
        assert (project / ".seatrial" / "stack.json").stat().st_mode & 0o777 == 0o600
        with urllib.request.urlopen(state["url"] + "/", timeout=10) as answer:  # noqa: S310 - the stack's own URL
            assert answer.status == 200
        assert state["url"] in product("status", cwd=project).stdout
    finally:
        down = product("down", cwd=project)
    assert down.returncode == 0, down.stdout + down.stderr


def test_down_after_keep_leaves_nothing(
    begin: Callable[..., subprocess.Popen[str]],
    product: Product,
    nothing_left: Callable[[int], None],
    project: Path,
) -> None:
    """What a kept run left carries its owner's number, and all of that goes with `down`."""
    with begin("run", "--stack", "local", "--keep", cwd=project) as child:
        child.communicate(timeout=PATIENCE_S)
    with pytest.raises(AssertionError, match="process"):
        nothing_left(child.pid)
    assert product("down", cwd=project).returncode == 0
    nothing_left(child.pid)
    assert not (project / ".seatrial" / "stack.json").exists()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_run_that_takes_too_long_is_ended(product: Product, project: Path, workers: str) -> None:
    """With --timeout a check that hangs ends the run: exit 3, the limit by its name, a record, and nothing left."""
    (project / "suites" / "test_own.py").write_text(
        f"import time\n{CHECK}\n\ndef test_hangs(client):\n    '''It hangs.'''\n    time.sleep(300)\n"
    )
    began = time.monotonic()
    done = product("run", "--stack", "local", "--timeout", "30s", "-n", workers, cwd=project)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[run-timeout]" in done.stdout + done.stderr
    assert "longer than 30 s" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert 30 <= time.monotonic() - began < 150
    assert "run-timeout" in verdict(project)["reason"]
    assert {result["check"]: result["outcome"] for result in verdict(project)["outcomes"]}["own.answers"] == "passed"


@pytest.fixture
def elsewhere(require: Callable[[str], str]) -> Iterator[str]:
    """Serve HTTP on an address that is not loopback, in a container of our own; return host and port."""
    docker, name = require("docker"), f"seatrial-test-{uuid.uuid4().hex[:12]}"
    words = ["run", "--detach", "--rm", "--init", "--name", name, "python:3.13-slim"]
    subprocess.run([docker, *words, "python", "-m", "http.server", "8000"], check=True, capture_output=True)
    address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    found = subprocess.run([docker, "inspect", "--format", address, name], check=True, capture_output=True, text=True)
    yield f"{found.stdout.strip()}:8000"
    subprocess.run([docker, "rm", "--force", name], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("committed", "named", "code"), [(False, False, 2), (True, False, 2), (False, True, 2), (True, True, 0)]
)
def test_a_target_that_is_not_loopback(  # noqa: PLR0913 - a table of who allows what
    product: Product, project: Path, elsewhere: str, *, committed: bool, named: bool, code: int
) -> None:
    """Only a target that the committed file *and* the command line name is sent anything."""
    if committed:
        (project / "seatrial.toml").write_text(f'{CONFIG}[targets]\nallow = ["{elsewhere}"]\n')
    options = ["--allow-target", elsewhere] if named else []
    done = product("run", "--stack", f"http://{elsewhere}", *options, cwd=project)
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert ("[target-not-allowed]" in output) is (code == 2)
    assert (project / ".seatrial" / "latest").exists() is (code == 0)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Copy the reference stack's project, whose `.seatrial` is nobody else's."""
    shutil.copyfile(ROOT / "seatrial.toml", tmp_path / "seatrial.toml")
    for folder in ("suites", "contracts", "fixtures/stack"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    return tmp_path


FAULT = '''
"""The database has no restart policy."""
trips = "posture.restart-policy"
implies = ()
suites = ("posture",)


def edit_compose(document):
    """Take the policy away."""
    del document["services"]["db"]["restart"]
'''


def test_a_fault_may_lie_anywhere(product: Product, tmp_path: Path) -> None:
    """A file that somebody wrote beside his own work, named as it lies there, is seeded like one that came along."""
    (tmp_path / "mine.py").write_text(FAULT)
    options = ("--stack", "local", "--only", "posture", "--config", str(ROOT / "seatrial.toml"))
    done = product("run", *options, "--fault", "mine.py", "--out", "run", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    found = json.loads((tmp_path / "run" / "verdict.json").read_text())
    assert (found["fault"], ended(found, "failed")) == ("mine", {"posture.restart-policy"})


def plain_pytest(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the command that the README shows, where no Docker engine answers: it starts a local stack."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "suites", "-n", "auto", "-k", "health"],
        cwd=project,
        env={**os.environ, "DOCKER_HOST": "unix:///nowhere"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_plain_pytest_starts_a_stack_or_uses_the_one_that_is_up(product: Product, reference: Path) -> None:
    """`pytest suites -n auto -k health` passes alone, and on the stack that `seatrial up` left, which stays up."""
    alone = plain_pytest(reference)
    assert alone.returncode == 0, alone.stdout + alone.stderr
    by_itself = verdict(reference)
    assert (by_itself["verdict"], by_itself["stack"]) == ("pass", "local")
    assert "left running" not in by_itself["why_stack"]
    up = subprocess.run(
        [sys.executable, "-m", "seatrial", "up", "--stack", "local"],
        cwd=reference,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        attached = plain_pytest(reference)
        assert attached.returncode == 0, attached.stdout + attached.stderr
        on_the_one_that_is_up = verdict(reference)
        assert "running" in product("status", cwd=reference).stdout
    finally:
        down = product("down", cwd=reference)
    assert down.returncode == 0
    assert "left running" in on_the_one_that_is_up["why_stack"]
    passed, attached_passed = (ended(v, "passed") for v in (by_itself, on_the_one_that_is_up))
    assert attached_passed <= passed
    # Nobody told this run the credentials of a stack that it did not start.
    assert passed - attached_passed <= ended(on_the_one_that_is_up, "not-tested")
    assert len(attached_passed) >= 8


def ended(found: Any, outcome: str) -> set[str]:
    """Return the checks of a verdict that ended so."""
    return {result["check"] for result in found["outcomes"] if result["outcome"] == outcome}
