"""The product as a child process, and the proof that nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from laid import SERVER, served
from leavings import await_gone

from seatrial.core import content

LEFT_S = 10.0
PATIENCE_S = 120.0
Product = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
Lay = Callable[..., Path]


def await_nothing_left(pid: int) -> None:
    """Assert that whatever a harness started is gone within some seconds of its end."""
    assert not await_gone(pid, patience_s=LEFT_S)


def begin_product(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start the product in a folder, as a terminal does: leader of a group; both of its outputs are pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "seatrial", *arguments],
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def run_product(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the product in a folder to its end, and assert that nothing of it is left."""
    with begin_product(*arguments, cwd=cwd, environment=environment) as child:
        try:
            out, err = child.communicate(timeout=PATIENCE_S)
        finally:
            child.kill()
    await_nothing_left(child.pid)
    return subprocess.CompletedProcess(child.args, child.returncode, out, err)


@pytest.fixture
def product() -> Product:
    """Return the function that runs the product to its end."""
    return run_product


@pytest.fixture
def begin() -> Begin:
    """Return the function that starts the product."""
    return begin_product


@pytest.fixture
def nothing_left() -> Callable[[int], None]:
    """Return the assertion that nothing of a harness is left."""
    return await_nothing_left


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Return the function that lays out a project: one service (a file server), and suites by name."""

    def lay_out(*, command: str = SERVER, more: str = "", **suites: str) -> Path:
        project = tmp_path / "project"
        (project / "suites").mkdir(parents=True)
        (project / "seatrial.toml").write_text(served(command) + more)
        (project / "suites" / "pytest.ini").write_text((content("suites") / "pytest.ini").read_text())
        for name, text in suites.items():
            (project / "suites" / f"test_{name}.py").write_text(text)
        return project

    return lay_out
