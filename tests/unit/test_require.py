"""A tool that a test needs and the machine lacks: told in the end, or a failure where SEATRIAL_REQUIRE names it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
NEEDY = """
def test_needs_a_ship(require):
    assert require("wrk").endswith("wrk")

def test_found_out_by_itself(lacks):
    lacks("tracers", "the index is ashore")

def test_needs_nothing():
    assert True
"""
SKIPPED = """
import pytest

def test_skipped_past_it():
    pytest.skip("no wind")

@pytest.mark.skip(reason="a doldrum")
def test_marked():
    assert False
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lay out a folder of tests with the project's conftest, and a PATH without any tool."""
    shutil.copyfile(CONFTEST, tmp_path / "conftest.py")
    (tmp_path / "bin").mkdir()
    (tmp_path / "test_needy.py").write_text(NEEDY)
    return tmp_path


def run(folder: Path, *arguments: str, require: str = "") -> subprocess.CompletedProcess[str]:
    """Run the folder's tests."""
    environment = {**os.environ, "PATH": str(folder / "bin"), "SEATRIAL_REQUIRE": require}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_closing_list_says_what_and_why(folder: Path, workers: str) -> None:
    """Also when tests ran in several processes, each gap is listed with its tool, its reason and its tests."""
    done = run(folder, "-n", workers)
    assert done.returncode == 0, done.stdout + done.stderr
    listed = done.stdout.partition("not verified here")[2]
    assert "\ntracers: the index is ashore (1 tests)\n  test_needy.py::test_found_out_by_itself\n" in listed
    assert "\nwrk: wrk is not installed (1 tests)\n  test_needy.py::test_needs_a_ship\n" in listed
    assert "test_needs_nothing" not in listed


def test_what_is_there_is_used(folder: Path) -> None:
    """A tool that is found is handed to the test, and is not listed."""
    (folder / "bin" / "wrk").write_text("#!/bin/sh\n")
    (folder / "bin" / "wrk").chmod(0o755)
    done = run(folder, "-k", "ship", require="wrk")
    assert done.returncode == 0, done.stdout
    assert "not verified here" not in done.stdout


@pytest.mark.parametrize(
    ("require", "says"),
    [
        ("wrk", "SEATRIAL_REQUIRE names 'wrk', but wrk is not installed"),
        ("docker", "SEATRIAL_REQUIRE names 'docker', but docker is not installed"),
        ("curl,dokcer", "SEATRIAL_REQUIRE names 'dokcer', which no test knows; did you mean 'docker'?"),
    ],
)
def test_a_required_tool_is_there_or_nothing_begins(folder: Path, require: str, says: str) -> None:
    """A tool that is named and missing, and a name that nobody knows, end the session before its first test."""
    done = run(folder, require=require)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert says in done.stderr
    assert "passed" not in done.stdout


def test_a_lack_that_a_test_finds_is_a_failure_too(folder: Path) -> None:
    """What only the test itself can find out fails it when SEATRIAL_REQUIRE names the tool."""
    done = run(folder, "-k", "itself", require="tracers")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "the index is ashore, but SEATRIAL_REQUIRE names 'tracers'" in done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_no_skip_goes_past_the_list(folder: Path, workers: str) -> None:
    """A test that skips by itself, or is marked so, fails: a gap that nobody lists is hidden."""
    (folder / "test_skipped.py").write_text(SKIPPED)
    done = run(folder, "-n", workers, "test_skipped.py")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 error" in done.stdout
    assert "was skipped, and not by require(tool): no wind" in done.stdout
