"""The pytest plugin from outside: a project of one's own, with checks of one's own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from laid import SERVER, served

from seatrial.core import content

PATIENCE_S = 120
CONFIG = served()
GOOD = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/").status_code == 200
'''
BAD = '''
from seatrial.plugin import check

@check("own.teapot", title="it is a teapot", severity="low")
def test_teapot(client):
    """It is a teapot."""
    assert client.get("/").status_code == 418, "it is no teapot"
'''
UNSURE = '''
from seatrial.plugin import check, inconclusive

@check("own.unsure", title="it is unsure", severity="low", presupposes=("own.answers",))
def test_unsure():
    """Nobody knows."""
    inconclusive("nobody knows")
'''
FATAL = '''
import os
from seatrial.plugin import check

@check("own.fatal", title="it takes its process along", severity="low")
def test_fatal():
    """It takes its process along."""
    os._exit(7)
'''
SURVIVOR = '''
@check("own.survivor", title="it stands on what died", severity="low", presupposes=("own.fatal",))
def test_survivor():
    """It stands on what died."""
    raise AssertionError("must not run")
'''
UNHEALTHY = '''
from seatrial.plugin import check

@check("health.true", title="health is true", severity="low", cwe=(754,), owasp=("API8:2023",))
def test_true(client, health):
    """Health is true."""
    assert client.get(health.basic).status_code == 200, "it is not there"
'''
IN_TURN = '''
import time
from seatrial.plugin import check

def test_answers_slowly():
    """It keeps the first worker busy, so that the second one comes to the last check first."""
    time.sleep(2)

@check("own.disturbs", title="it disturbs", severity="low", needs=("control",))
def test_disturbs():
    """It disturbs the stack."""

@check("own.disturbs-too", title="it disturbs too", severity="low", needs=("control",), presupposes=("own.disturbs",))
def test_disturbs_too():
    """It disturbs the stack, after the other one."""

def test_ends():
    """It gives the second worker as many checks as the first."""
'''
WAIVER = """
[health]
basic = "/health"
[[waivers]]
check = "own.teapot"
reason = "kettles are out of stock"
owner = "me"
expires = "2999-12-31"
"""
DEPENDENT = '''
from seatrial.plugin import check

@check("own.second", title="it stands on the teapot", severity="low", presupposes=("own.teapot",))
def test_second():
    """It stands on the teapot."""
    raise AssertionError("must not run")
'''


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a project whose service is a file server."""
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "pytest.ini").write_text((content("suites") / "pytest.ini").read_text())
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a module's command in the project."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def verdict(project: Path) -> dict[str, Any]:
    """Return the latest verdict."""
    found: dict[str, Any] = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    return found


PRODUCT = ("seatrial", "run", "--stack", "local")
PLAIN = ("pytest", "suites", "--seatrial-options", json.dumps({"only": [], "stack": "local"}))
TWO_WORKERS = (*PLAIN, "-n", "2")


@pytest.mark.parametrize(
    ("checks", "code", "outcomes", "commands"),
    [
        ((GOOD,), 0, {"own.answers": "passed"}, (TWO_WORKERS,)),
        ((GOOD, UNSURE), 3, {"own.answers": "passed", "own.unsure": "inconclusive"}, (PRODUCT, TWO_WORKERS)),
        (
            (GOOD, BAD, DEPENDENT),
            1,
            {"own.answers": "passed", "own.teapot": "failed", "own.second": "blocked"},
            (PRODUCT, PLAIN, TWO_WORKERS),
        ),
    ],
)
def test_own_checks_decide(
    project: Path, checks: tuple[str, ...], code: int, outcomes: dict[str, str], commands: tuple[tuple[str, ...], ...]
) -> None:
    """`seatrial run` and plain pytest, alone and in two workers, give the same outcomes and the same exit code."""
    (project / "suites" / "test_own.py").write_text("\n".join(checks))
    for command in commands:
        done = run(project, *command)
        assert done.returncode == code, done.stdout + done.stderr
        found = {result["check"]: result["outcome"] for result in verdict(project)["outcomes"]}
        assert found == outcomes, command


def test_a_check_that_waits_for_another_does_not_keep_the_stack(project: Path) -> None:
    """Of two that disturb it, the second one lets the first have it, in whatever order workers come to them."""
    (project / "suites" / "test_own.py").write_text(IN_TURN)
    done = run(project, "seatrial", "run", "--stack", "local", "-n", "2")  # the followers' patience is 900 s, ours 120
    assert done.returncode == 0, done.stdout + done.stderr
    assert {result["outcome"] for result in verdict(project)["outcomes"]} == {"passed"}
    assert len(verdict(project)["outcomes"]) == 4


def test_a_worker_that_dies_ends_the_run_soon(project: Path) -> None:
    """Its check is inconclusive, what stands on that is blocked, the rest goes on, and the run is not whole."""
    (project / "suites" / "test_own.py").write_text(f"{GOOD}\n{FATAL}\n{SURVIVOR}")
    (project / "suites" / "test_zeta.py").write_text(GOOD)
    done = run(project, "seatrial", "run", "--stack", "local", "-n", "2")  # the followers' patience is 900 s, ours 120
    assert done.returncode == 3, done.stdout + done.stderr
    found = {result["check"]: (result["outcome"], result["reason"]) for result in verdict(project)["outcomes"]}
    assert found == {
        "own.answers": ("passed", ""),
        "own.fatal": ("inconclusive", "the worker that ran it died"),
        "own.survivor": ("blocked", "own.fatal did not pass"),
        "zeta.answers": ("passed", ""),
    }
    assert "[worker-crashed]" in verdict(project)["reason"]


def test_a_stack_that_does_not_start_ends_every_worker_soon(project: Path) -> None:
    """Workers that wait for a later suite than the one that cannot be entered are told too."""
    text = CONFIG.replace(SERVER, "import sys; sys.exit('no')")
    (project / "seatrial.toml").write_text(text)
    for name in ("alpha", "beta", "gamma"):
        (project / "suites" / f"test_{name}.py").write_text(GOOD)
    done = run(project, "seatrial", "run", "--stack", "local", "-n", "3")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[service-exited]" in verdict(project)["reason"]


def test_failed_check_shows_its_request(project: Path) -> None:
    """A failed assertion becomes a finding with the request that shows it and a line that sends it again."""
    (project / "suites" / "test_own.py").write_text(BAD)
    run(project, "seatrial", "run", "--stack", "local")
    (finding,) = verdict(project)["findings"]
    assert (finding["title"], finding["operation"]) == ("it is no teapot", "GET /")
    assert finding["evidence"]
    assert finding["replay"].startswith("curl ")


def test_a_finding_says_where_to_mend_it(project: Path) -> None:
    """What nothing else places is placed by the promise that it breaks; a waived finding is called one."""
    (project / "seatrial.toml").write_text(CONFIG + WAIVER)
    (project / "suites" / "test_health.py").write_text(UNHEALTHY)
    (project / "suites" / "test_own.py").write_text(BAD)
    done = run(project, "seatrial", "run", "--stack", "local")
    found = {finding["check"]: finding for finding in verdict(project)["findings"]}
    lines = (CONFIG + WAIVER).splitlines()
    assert found["health.true"]["location"] == f"seatrial.toml:{lines.index('[health]') + 1}"
    assert (found["health.true"]["cwe"], found["health.true"]["owasp"]) == ([754], ["API8:2023"])
    assert found["own.teapot"]["location"] == "seatrial.toml"
    assert {check: finding["status"] for check, finding in found.items()} == {
        "health.true": "confirmed",
        "own.teapot": "waived",
    }
    assert found["health.true"]["waiver"] == ""
    assert found["own.teapot"]["waiver"].startswith("own.teapot is waived until ")
    assert "it is no teapot (waived)" in done.stdout
    assert "CWE-754 · API8:2023" in (project / ".seatrial" / "latest" / "report.html").read_text()


def test_broken_suite_is_a_usage_error(project: Path) -> None:
    """A suite that does not import is named, with exit code 2, and nothing is started."""
    (project / "suites" / "test_own.py").write_text("import nothing_of_that_name\n")
    done = run(project, "seatrial", "run", "--stack", "local")
    assert done.returncode == 2
    assert "[suite-broken]" in done.stderr
    assert not (project / ".seatrial").exists()


def test_plain_pytest_uses_the_stack_that_is_up(project: Path) -> None:
    """Between `up` and `down` plain pytest asks the same stack, and afterwards nothing is left of it."""
    (project / "suites" / "test_own.py").write_text(GOOD)
    up = run(project, "seatrial", "up", "--stack", "local")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        state = json.loads((project / ".seatrial" / "stack.json").read_text())
        assert run(project, "pytest", "suites").returncode == 0
        assert "left running" in verdict(project)["why_stack"]
        status = run(project, "seatrial", "status").stdout
        assert state["url"] in status
        assert "GET /" in run(project, "seatrial", "logs", "app").stdout
    finally:
        down = run(project, "seatrial", "down")
    assert down.returncode == 0
    assert run(project, "seatrial", "status").returncode == 2
