"""What the suite about deployments makes of a service that is started once more: a slow start refuses nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from by_path import load_suite

from seatrial.config import PostureSettings
from seatrial.core import Check, EnvironmentFailure, Severity
from seatrial.plugin import Defects
from seatrial.plugin._outcomes import DefectsFound, Inconclusive
from seatrial.stack import Completed

SLOW = "import time; time.sleep(60)"
BLUNT = "raise SystemExit('address already in use')"
HALTING = "import os, time; time.sleep(60 if 'SLOW' in os.environ else 0); raise SystemExit({says})"
CAREFUL, CARELESS = HALTING.format(says="'QUICK is wrong'"), HALTING.format(says="'address already in use'")
SETTINGS: Any = SimpleNamespace(stack=SimpleNamespace(entry="api:8000"))
POSTURES = {
    "weak_keys": PostureSettings(strong_keys=("QUICK", "SLOW")),
    "malformed": PostureSettings(malformed={"QUICK": "?", "SLOW": "?"}),
}
PATIENT_S = 60.0


class Shell:
    """A stack of one service, whose program runs on this machine; only with a variable called SLOW it never ends."""

    def __init__(self, program: str, *, patient: bool = False) -> None:
        self._program = program
        self._patient = patient

    def command(self, _service: str) -> list[str]:
        """Return what starts the service."""
        return [sys.executable, "-c", self._program]

    def execute(self, service: str, words: Sequence[str], *, timeout_s: float) -> Completed:
        """Run a command, and fail as the drivers do where it does not end."""
        timeout_s = PATIENT_S if self._patient and "SLOW" not in str(words[:-1]) else timeout_s
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
    module = load_suite(pytestconfig, "deployment")
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    return module


def test_a_start_that_takes_too_long_decides_nothing(suite: ModuleType) -> None:
    """Whether it would have refused the value is open."""
    ends = suite.start_with_each(Shell(SLOW), "api", {"API_KEY": "short"})
    with pytest.raises(Inconclusive, match=r"other API_KEY, still ran after 0\.3 s"):
        suite.all_ended("api", ends)


@pytest.mark.parametrize("posture", POSTURES)
def test_a_slow_start_hides_no_defect_of_another(suite: ModuleType, posture: str) -> None:
    """What can be judged is judged first, each variable alone where all at once take too long."""
    judge, defects = getattr(suite, f"test_{posture}_refused"), noted()
    with pytest.raises(DefectsFound):
        judge(Shell(CARELESS, patient=True), SETTINGS, POSTURES[posture], defects)
    assert [finding.cause for finding in defects.found] == [f"{posture.removesuffix('_keys')}-QUICK"]


@pytest.mark.parametrize("posture", POSTURES)
def test_a_slow_start_alone_is_undecided(suite: ModuleType, posture: str) -> None:
    """What refuses the others is not wrong yet."""
    judge, defects = getattr(suite, f"test_{posture}_refused"), noted()
    with pytest.raises(Inconclusive, match=r"other SLOW, still ran"):
        judge(Shell(CAREFUL, patient=True), SETTINGS, POSTURES[posture], defects)
    assert not defects.found


def noted() -> Defects:
    """Return what a check notes its defects in."""
    return Defects(Check(slug="deployment.any", title="any", severity=Severity.HIGH, suite="deployment"))


def test_a_service_that_ends_for_another_reason_refuses_nothing(
    suite: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it cannot have the port shows that it took the value."""
    monkeypatch.setattr(suite, "PATIENCE_S", 60)
    ended = suite.start_with(Shell(BLUNT), "api", {"API_KEY": "short"})
    assert not suite.refuses(ended, "API_KEY")
    assert suite.refuses(ended, "address")
