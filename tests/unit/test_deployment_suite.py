"""What the suite about deployments makes of a service that is started once more: a slow start refuses nothing."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType

import pytest

from seatrial.core import EnvironmentFailure, content
from seatrial.plugin._checks import MARK
from seatrial.plugin._outcomes import Inconclusive
from seatrial.stack import Completed

SLOW = "import time; time.sleep(60)"
BLUNT = "raise SystemExit('address already in use')"


class Shell:
    """A stack of one service, whose program runs on this machine."""

    def __init__(self, program: str) -> None:
        self._program = program

    def command(self, _service: str) -> list[str]:
        """Return what starts the service."""
        return [sys.executable, "-c", self._program]

    def execute(self, service: str, words: Sequence[str], *, timeout_s: float) -> Completed:
        """Run a command, and fail as the drivers do where it does not end."""
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=timeout_s, check=False)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFailure(
                "it did not end", slug="exec-failed", where=service, remedy="run it by hand"
            ) from error
        return Completed(exit_code=done.returncode, output=done.stdout + done.stderr)


@pytest.fixture
def suite(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the suite, which is loaded by its path, as pytest does; it is less patient here."""
    pytestconfig.addinivalue_line("markers", f"{MARK}: a check, as the plugin says")
    found = importlib.util.spec_from_file_location("deployment_suite", content("suites") / "test_deployment.py")
    assert found
    assert found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    return module


def test_a_start_that_takes_too_long_decides_nothing(suite: ModuleType) -> None:
    """Whether it would have refused the value is open."""
    with pytest.raises(Inconclusive, match=r"other API_KEY, still ran after 0\.3 s"):
        suite.start_with_each(Shell(SLOW), "api", {"API_KEY": "short"})


def test_a_service_that_ends_for_another_reason_refuses_nothing(
    suite: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it cannot have the port shows that it took the value."""
    monkeypatch.setattr(suite, "PATIENCE_S", 60)
    ended = suite.start_with(Shell(BLUNT), "api", {"API_KEY": "short"})
    assert not suite.refuses(ended, "API_KEY")
    assert suite.refuses(ended, "address")
