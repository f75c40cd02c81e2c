"""What `seatrial contract` makes of its words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.parametrize("words", [("contract",), ("contract", "fuzz")], ids=" ".join)
def test_fuzz_needs_no_word(words: tuple[str, ...], product: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """What is no command is an argument of `fuzz`."""
    done = product(*words, "http://127.0.0.1:9", "--stack", "local", cwd=Path.cwd())
    assert done.returncode == 2
    assert "both a URL and --stack local are given" in done.stderr
    assert "seatrial contract fuzz" in done.stderr
