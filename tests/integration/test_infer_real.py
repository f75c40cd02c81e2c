"""`discover` and `prove` on limiters that this project did not write: each finding has its reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from by_path import load_script

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "real_limiters.py"
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "real-limiters.md"
FAST = {"FixedWindowRateLimiter", "slowapi", "drf"}
TOOLS = {"nginx-nodelay": "nginx", "nginx-delay": "nginx", "haproxy": "haproxy"}
NODE = {"express-rate-limit", "rate-limiter-flexible"}


REAL = load_script(SCRIPT)


def _parameter(name: str) -> object:
    """Return a limiter as a parameter; those that take long to install, or to wait for, are long ones."""
    return pytest.param(name, marks=() if name in FAST else pytest.mark.long)


@pytest.mark.parametrize("name", [_parameter(target.name) for target in REAL.TARGETS])
def test_real_limiter_is_found_as_it_is(name: str, require: Callable[[str], str]) -> None:
    """Algorithm, quota, window and status as its documentation has them, and the defects that it is known for."""
    for tool in ("node", "npm") if name in NODE else filter(None, [TOOLS.get(name)]):
        require(tool)
    (target,) = (target for target in REAL.TARGETS if target.name == name)
    seen, wrong = REAL.examine(target)
    assert wrong == [], "\n".join(REAL.rows(target, seen, wrong))


def test_the_page_has_every_limiter_and_every_reason() -> None:
    """What the script explains stands in the reference, by limiter and finding."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    for target in REAL.TARGETS:
        own = [line for line in lines if line.startswith(f"| `{target.name}` ")]
        assert own, target.name
        for word, reason in {**target.reasons, **target.refuted, **target.sometimes}.items():
            assert any(f"`{word}`" in line and reason in line for line in own), (target.name, word)


def test_what_nobody_explains_is_told() -> None:
    """A finding without a reason, and a reason without its finding, both count."""
    assert REAL.unexplained("defect", ["race"], ["status-503"]) == [
        "defect not found: race", "defect without a reason: status-503"
    ]  # fmt: skip
    assert REAL.unexplained("defect", ["race"], ["race"]) == []
