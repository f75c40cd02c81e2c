"""What is put into a service's interpreters, and which processes it leaves alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import (
    ServiceAddition,
    copy_readable,
    fault_addition,
    merge_additions,
    startup_addition,
    write_startup,
)
from seatrial.stack._inside.sitecustomize import is_tool, started_as

SPAWN = "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe_handle=7)"


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("python -c pass", ("-c", "pass")),
        ("python -Ic pass", ("-c", "pass")),
        ("python -cpass", ("-c", "pass")),
        ("python -m app.worker", ("-m", "app.worker")),
        ("python -u -W error -X dev -m app", ("-m", "app")),
        ("python -Werror app.py -c pass", ("", "app.py")),
        ("python --check-hash-based-pycs always", ("", "always")),
        ("python -", ("", "-")),
        ("python", ("", "")),
    ],
)
def test_command_lines_are_read_as_python_reads_them(command: str, how: tuple[str, str]) -> None:
    """Options of the interpreter are told from the program and its arguments."""
    assert started_as(command.split()) == how


@pytest.mark.parametrize("words", [["python", "-c", "print()"], ["python", "-m", "pip", "list"], ["python", "/b/pip"]])
def test_tools_and_one_liners_are_left_alone(words: list[str]) -> None:
    """Health probes written as `python -c` and installers are no part of a service."""
    assert is_tool(words)


@pytest.mark.parametrize("words", [["python", "-c", SPAWN], ["python", "/b/uvicorn"], ["python", "-m", "celery"]])
def test_parts_of_a_service_are_not(words: list[str]) -> None:
    """Programs are parts of it, and so are the children that multiprocessing starts with `-c`."""
    assert not is_tool(words)


@given(st.lists(st.text(min_size=1)))
def test_any_command_line_can_be_read(words: list[str]) -> None:
    """No command line makes the reading of it fail."""
    is_tool(["python", *words])


def test_hooks_are_named_by_their_place_in_the_share() -> None:
    """The service learns where the share is, which hooks to run and in which order."""
    environment = startup_addition(hooks=["a.py", "b.py"], environment={"X": "1"}).environment
    assert environment["SEATRIAL_HOOKS"] == "{share}/hooks/a.py:{share}/hooks/b.py"
    assert (environment["PYTHONPATH"], environment["SEATRIAL_SHARE"]) == ("{share}/py", "{share}")
    assert environment["X"] == "1"


def test_merging_joins_hooks_and_paths() -> None:
    """Several additions keep all hooks, in order and once; of any other variable the last value counts."""
    first = startup_addition(hooks=["a.py"], environment={"X": "1"})
    second = startup_addition(hooks=["a.py", "b.py"], environment={"X": "2"})
    merged = merge_additions(first, second, ServiceAddition(environment={"PYTHONPATH": "/more"})).environment
    assert merged["SEATRIAL_HOOKS"] == "{share}/hooks/a.py:{share}/hooks/b.py"
    assert (merged["PYTHONPATH"], merged["X"]) == ("{share}/py:/more", "2")


def test_any_user_can_read_what_is_written(tmp_path: Path) -> None:
    """Containers run as users of their own: files of the share are readable, its folders can be passed through."""
    share = tmp_path / "share"
    share.mkdir(mode=0o700)
    write_startup(share)
    for path in (share, share / "py"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o555 == 0o555
    for path in (share / "py").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_fault_brings_its_helpers(tmp_path: Path) -> None:
    """Files that begin with an underscore beside a fault go with it; other faults do not."""
    faults, share = tmp_path / "faults", tmp_path / "share"
    faults.mkdir()
    for name in ("one-too-many.py", "_patch.py", "other.py"):
        (faults / name).write_text("")
    added = fault_addition(fault=faults / "one-too-many.py", application="app.main:create_app", share=share)
    assert sorted(path.name for path in (share / "hooks" / "fault").iterdir()) == ["_patch.py", "one-too-many.py"]
    assert added.environment["SEATRIAL_FAULT"] == "{share}/hooks/fault/one-too-many.py"
    assert (share / "py" / "sitecustomize.py").exists()


@pytest.mark.parametrize("application", ["", "app", "app:", ":app", "app main:app", "app:a-b", "../app:x"])
def test_what_names_no_application_is_refused(tmp_path: Path, application: str) -> None:
    """An application is written module:attribute."""
    with pytest.raises(UsageError, match="application-invalid"):
        fault_addition(fault=tmp_path / "f.py", application=application, share=tmp_path)


def test_a_share_that_cannot_be_written_is_the_environments_fault(tmp_path: Path) -> None:
    """No traceback for a full disk or a file that lies in the way."""
    (tmp_path / "share").write_text("")
    with pytest.raises(EnvironmentFailure, match="folder-unwritable"):
        copy_readable(Path(__file__), tmp_path / "share" / "py" / "x.py")
