"""`discover` on limiters that this project did not write: those that install fast and show something of their own."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "real_limiters.py"


def load() -> ModuleType:
    """Import the script that knows all of them."""
    spec = importlib.util.spec_from_file_location("real_limiters", SCRIPT)
    assert spec
    assert spec.loader
    module = sys.modules["real_limiters"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REAL = load()


@pytest.mark.parametrize(
    "name", ["FixedWindowRateLimiter", "MovingWindowRateLimiter", "slowapi", "flask-limiter", "drf"]
)
def test_real_limiter_is_found_as_it_is(name: str) -> None:
    """Algorithm, quota, window and status as its documentation has them, and the defects that it is known for."""
    (target,) = (target for target in REAL.TARGETS if target.name == name)
    found, wrong = REAL.examine(target)
    assert wrong == [], found
