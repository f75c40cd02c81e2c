"""What an inference costs, in requests and in windows that it waits for: nobody waits for a clock here."""

from __future__ import annotations

import re

import pytest
from algorithms import ALGORITHMS
from virtual import infer

QUOTA, WINDOW_S = 8, 6.0
TOLD, SILENT = 2.2, 4.0
"""Windows, where headers tell and where they do not."""
UNTOLD = {("delta", "per-key"), ("delta", "sliding-counter")}
"""Seconds to the end of a window that began before its client came do not tell how long one is."""
ANCHORS = {"fixed-window": "first-request", "clock": "clock", "per-key": "per-key", "sliding-counter": "clock"}


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("headers", ["epoch", "delta", "draft", "none"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_budget(monkeypatch: pytest.MonkeyPatch, algorithm: str, headers: str, seed: int) -> None:
    """12 N + 200 requests in 2.2 windows where headers tell quota and window, else four windows; and it is found."""
    found = infer(monkeypatch, algorithm, headers=headers, quota=QUOTA, window_s=WINDOW_S, seed=seed)
    name = {"clock": "fixed-window", "per-key": "fixed-window"}.get(algorithm, algorithm)
    assert (found.values["algorithm"], found.values["anchor"]) == (name, ANCHORS.get(algorithm)), found
    assert found.values["window_s"] == pytest.approx(WINDOW_S, rel=0.15), found
    assert found.defects == set()
    windows = found.seconds / WINDOW_S
    print(f"{algorithm}, headers {headers}: {found.requests} requests, {windows:.2f} windows")  # noqa: T201 - a figure
    assert headers == "none" or found.requests <= 12 * QUOTA + 200
    if headers == "none" or (headers, algorithm) in UNTOLD:
        assert windows <= SILENT
    else:
        assert windows <= TOLD


@pytest.mark.parametrize("algorithm", ["fixed-window", "sliding-log", "token-bucket"])
def test_budget_of_a_usual_quota(monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    """Sixty requests a minute."""
    found = infer(monkeypatch, algorithm, headers="draft", quota=60, window_s=60.0, seed=1)
    assert (found.values["algorithm"], found.values["window_s"]) == (algorithm, 60), found
    assert found.requests <= 12 * 60 + 200
    assert found.seconds <= TOLD * 60.0


def test_cost_of_one_client_is_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one claim after the other takes is printed, and kept."""
    told: list[str] = []
    found = infer(
        monkeypatch,
        "fixed-window",
        headers="draft",
        quota=QUOTA,
        window_s=WINDOW_S,
        seed=1,
        address_pool="",
        progress=told.append,
    )
    (cost,) = [line for line in told if "one round takes" in line]
    numbers = re.search(r"up to ([\d.]+) windows and (\d+) requests more, all 3 .* ([\d.]+) windows", cost)
    assert numbers, cost
    assert found.values["algorithm"] == "fixed-window", found
    print(f"one client: {found.requests} requests, {found.seconds / WINDOW_S:.2f} windows; {cost}")  # noqa: T201 - a figure
    assert found.seconds <= float(numbers[3]) * WINDOW_S
