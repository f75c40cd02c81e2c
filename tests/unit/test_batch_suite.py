"""When the suite about batches can tell that a batch was counted: not while as much may have come back."""

from __future__ import annotations

from types import ModuleType

import pytest
from by_path import load_suite
from promises import PROMISES

from seatrial.config import LimitSettings
from seatrial.throttle import Policy


@pytest.fixture(scope="module")
def suite(pytestconfig: pytest.Config) -> ModuleType:
    """Return the suite, which is loaded by its path, as pytest does."""
    return load_suite(pytestconfig, "ratelimit_batch")


@pytest.mark.parametrize(
    ("algorithm", "size", "seconds", "decided"),
    [
        ("fixed-window", 4, 9.9, True),
        ("fixed-window", 4, 10.0, False),
        ("sliding-log", 4, 9.9, True),
        ("token-bucket", 4, 1.9, True),
        ("token-bucket", 4, 2.1, False),  # half of a batch was left, and two came back
        ("sliding-counter", 4, 0.9, True),
        ("sliding-counter", 4, 1.9, False),  # and one where only a part of one came back
    ],
)
def test_what_came_back_decides_nothing(
    suite: ModuleType, algorithm: str, size: int, seconds: float, decided: bool
) -> None:
    """A last batch that is taken was counted as less only where no room for it came back meanwhile."""
    settings = {**PROMISES, "quota": 10, "window_s": 10, "algorithm": algorithm, "path": "/a"}
    policy = Policy.declared(LimitSettings.model_validate(settings), {})
    assert suite.certain(policy, size=size, seconds=seconds) is decided
