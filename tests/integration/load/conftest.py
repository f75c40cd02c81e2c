"""What the tests of load have in common: servers, a bench, and that nothing is left behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from loading import Bench, Server, load_processes, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """Return the service that is loaded."""
    with serving() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Server]:
    """Return another service, at an address of its own, which nobody allowed."""
    with serving() as running:
        yield running


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Return a bench in an empty folder."""
    return Bench(tmp_path)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test leaves a load process behind."""
    yield
    assert load_processes() == []


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let arrivals begin late: who else runs on this machine is no test's affair.

    One whose generator cannot be in time itself makes it later than that.
    """
    monkeypatch.setattr("seatrial.swarm._honesty.LAG_MS", 1500.0)
