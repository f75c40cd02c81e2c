"""The Makefile: every command stands there once, tells what it does, and works wherever the checkout lies."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split()  # type: ignore[index]  # it is there
SETS_UP = ("python -m pip install tox", "python -m pip install build")
CALLS = re.compile(r"(?:make|tox run) ")


def make(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell: what a make above this process wants is not handed on."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL"}}
    return subprocess.run(
        ["make", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=500, check=False
    )


def test_make_alone_lists_every_target() -> None:
    """Without a target nothing is done but to say, in one line each, what there is."""
    done = make()
    lines = dict(line.split(maxsplit=2)[1:] for line in done.stdout.splitlines())
    assert (done.returncode, sorted(lines)) == (0, sorted(TARGETS))
    assert all(len(text) > 10 for text in lines.values())


def test_tox_has_no_command_of_its_own() -> None:
    """Every environment of tox calls one target of the Makefile, and every way to the main job has an environment."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    calls = {name: section["commands"].split() for name, section in tox.items() if "commands" in section}
    assert {words[0] for words in calls.values()} == {"make"}
    plain = {name: re.sub(r"-o \S+|\S+=\S*", "", " ".join(words[1:])).split() for name, words in calls.items()}
    assert plain == {
        "testenv": ["test"],
        "testenv:lint": ["lint"],
        "testenv:type": ["type"],
        "testenv:suites": ["run"],
        "testenv:contract": ["contract"],
        "testenv:load": ["load"],
        "testenv:gate": ["gate"],
    }


def test_the_workflow_has_no_command_of_its_own() -> None:
    """Beside installing tox or build, every step of the workflow calls tox or make."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    own = [command for command in commands if command not in SETS_UP and not CALLS.match(command)]
    assert commands
    assert own == []


@pytest.mark.parametrize(
    ("target", "command"),
    [
        ("run", "seatrial run --stack local"),
        ("contract", "seatrial run --only contract --stack local"),
        ("load", "seatrial load --stack local"),
        ("gate", "seatrial run --profile full --timeout 20m --stack local"),
    ],
)
def test_options_reach_the_command(target: str, command: str) -> None:
    """The four ways to the main job take further options."""
    done = make("--dry-run", "-o", "install", target, "ARGS=--stack local")
    assert done.stdout.strip() == f".venv/bin/{command}"


@pytest.mark.parametrize(
    ("codes", "tests", "passes"),
    [
        ("000", "", True),
        ("050", "", False),
        ("550", "tests/matrix", True),
        ("055", "tests/matrix", True),
        ("555", "tests/matrix", False),
        ("501", "tests/matrix", False),
        ("100", "tests/matrix", False),
    ],
)
def test_tests_of_any_phase_may_be_run_alone(tmp_path: Path, codes: str, tests: str, passes: bool) -> None:
    """Where some are named, each phase but one may have none of them (pytest's code 5); none at all is a mistake."""
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\necho x >>{tmp_path}/called\nexit $(echo {codes} | cut -c $(wc -l <{tmp_path}/called))"
    )
    python.chmod(0o755)
    done = make("-o", "lint", "-o", "type", "test", f"BIN={tmp_path}", f"TESTS={tests}")
    assert (done.returncode == 0) is passes, done.stdout + done.stderr
    assert ("no test that is not long" in done.stderr) is (codes == "555")


LOCAL = ["speed.py --stack local --full", "proof.py"]
BOTH = ["speed.py --stack local --stack compose --full", "proof.py", "image.py", "compose_ready.py"]


@pytest.mark.parametrize(
    ("there", "measured", "said"),
    [
        ((), LOCAL, ["no Docker engine answers", "there is no wrk"]),
        (("docker",), BOTH, ["there is no wrk"]),
        (("wrk",), [*LOCAL, "health_cost.py"], ["no Docker engine answers"]),
        (("docker", "wrk"), [*BOTH, "health_cost.py"], []),
    ],
)
def test_benchmarks_measure_what_can_be_and_say_the_rest(
    tmp_path: Path, there: Sequence[str], measured: Sequence[str], said: Sequence[str]
) -> None:
    """One target measures runs on each driver that there is, the proof, the image and a health request.

    What this machine lacks is named. Further benchmarks, of hours or of other people's limiters, are run by hand.
    """
    tools, python = tmp_path / "tools", tmp_path / "bin" / "python"
    for name in there:
        tools.mkdir(exist_ok=True)
        (tools / name).symlink_to("/bin/true")
    python.parent.mkdir()
    python.symlink_to("/bin/echo")  # which file would be run, without an hour of measuring
    command = [str(shutil.which("make")), "-o", "dev", "benchmark", "ARGS=--full", f"BIN={python.parent}"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(tools)}, capture_output=True, text=True, check=True)
    assert re.findall(r"^tests/benchmarks/(.+)$", done.stdout, re.MULTILINE) == measured
    assert re.findall(r"no Docker engine answers|there is no wrk", done.stdout) == said


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clone the checkout, with what is not committed yet, into a path with a space."""
    place = tmp_path_factory.mktemp("sea trials") / "a fresh clone"
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(place)], check=True)
    changed = subprocess.run(["git", "diff", "--binary", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    if changed:
        subprocess.run(["git", "apply", "--whitespace=nowarn"], cwd=place, input=changed, check=True)
    return place


def test_a_fresh_clone_in_a_path_with_a_space_runs_twice(clone: Path) -> None:
    """`make run` sets itself up and verifies the reference stack; the second time it starts at once, and passes."""
    options = "ARGS=--stack local --only posture --only health"
    for _ in range(2):
        done = make("run", options, cwd=clone)
        assert done.returncode == 0, done.stdout + done.stderr
        verdict = json.loads((clone / ".seatrial" / "latest" / "verdict.json").read_text(encoding="utf-8"))
        assert (verdict["verdict"], verdict["stack"]) == ("pass", "local")
        assert verdict["checks"]["passed"] > 10
    runs = list((clone / ".seatrial" / "runs").iterdir())
    assert len(runs) == 2
    assert "pip install" not in done.stdout


@pytest.mark.long
def test_a_fresh_clone_in_a_path_with_a_space_is_tested_twice(clone: Path) -> None:
    """`make test` sets itself up as well, lints, checks types and runs tests; the second time it starts at once."""
    for _ in range(2):
        done = make("test", "TESTS=tests/unit/test_core.py", cwd=clone)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(r"=+ \d+ passed in", done.stdout), done.stdout
    assert "pip install" not in done.stdout
