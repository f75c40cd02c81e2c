"""What an inference costs, in requests and in windows that it waits for: nobody waits for a clock here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pytest
import virtual
from algorithms import ALGORITHMS
from virtual import infer

from seatrial.throttle.infer import Found

QUOTA, WINDOW_S = 8, 6.0
TOLD, SILENT = 2.2, 4.0
"""Windows, where headers tell the quota, and where they tell nothing."""
ANCHORS = {"fixed-window": "first-request", "clock": "clock", "per-key": "per-key", "sliding-counter": "clock"}
PHASES_ALIKE = [*(("none", seed) for seed in (0, 2, 6, 11, 13)), ("epoch", 0), ("epoch", 13)]
"""Where the first clients' phases are closer to each other than slow answers can tell."""
HIDDEN = [("clock", "none", 0), ("clock", "none", 1), ("sliding-counter", "epoch", 0), ("sliding-counter", "epoch", 4)]
"""Where answers take so long that each client who uses its quota up does so in two windows."""
QUICK, SOME, ALL = (0, 26, 36), (0, 26), range(40)
"""Each seed is another place in a window at which the first client comes, and other phases of clients."""


def seeded(quick: Iterable[int]) -> list[Any]:
    """Return all seeds; those that are not quick are for test-full."""
    return [pytest.param(seed, marks=[] if seed in quick else pytest.mark.long) for seed in ALL]


def judge(found: Found, algorithm: str, window_s: float) -> float:
    """Assert that a limiter was found, and return in how many windows."""
    name = {"clock": "fixed-window", "per-key": "fixed-window"}.get(algorithm, algorithm)
    assert (found.values["algorithm"], found.values["anchor"]) == (name, ANCHORS.get(algorithm)), found
    assert found.defects == set(), found
    return found.seconds / window_s


@pytest.mark.parametrize("seed", seeded(QUICK))
@pytest.mark.parametrize("headers", ["epoch", "delta", "draft"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_budget_where_headers_tell(monkeypatch: pytest.MonkeyPatch, algorithm: str, headers: str, seed: int) -> None:
    """12 N + 200 requests in 2.2 windows, wherever in its window a limiter is met."""
    said: list[str] = []
    found = infer(
        monkeypatch, algorithm, headers=headers, quota=QUOTA, window_s=WINDOW_S, seed=seed, progress=said.append
    )
    assert not any("no header tells" in line for line in said)
    windows = judge(found, algorithm, WINDOW_S)
    assert found.values["window_s"] == WINDOW_S, found
    print(f"{algorithm}, headers {headers}: {found.requests} requests, {windows:.2f} windows")  # noqa: T201 - a figure
    assert found.requests <= 12 * QUOTA + 200
    assert windows <= TOLD


@pytest.mark.parametrize("seed", seeded(SOME))
@pytest.mark.parametrize("headers", ["limit", "none"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_budget_where_nothing_tells_an_end(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, headers: str, seed: int
) -> None:
    """The same where the quota alone is told, and four windows where nothing is: others come before the first ends."""
    said: list[str] = []
    found = infer(
        monkeypatch, algorithm, headers=headers, quota=QUOTA, window_s=WINDOW_S, seed=seed, progress=said.append
    )
    assert any("no header tells when a window ends" in line for line in said)
    windows = judge(found, algorithm, WINDOW_S)
    assert found.values["window_s"] == pytest.approx(WINDOW_S, rel=0.15), found
    print(f"{algorithm}, headers {headers}: {found.requests} requests, {windows:.2f} windows")  # noqa: T201 - a figure
    assert windows <= (TOLD if headers == "limit" else SILENT)
    assert headers == "none" or found.requests <= 12 * QUOTA + 200


@pytest.mark.parametrize(
    ("algorithm", "headers", "seed"),
    [
        *((algorithm, "draft", 1) for algorithm in ("fixed-window", "sliding-log", "token-bucket")),
        ("per-key", "epoch", 26),
        ("per-key", "delta", 0),
        ("sliding-counter", "delta", 0),
        ("sliding-counter", "draft", 15),
        ("fixed-window", "limit", 1),
        ("token-bucket", "limit", 0),
        ("sliding-counter", "limit", 36),
    ],
)
def test_budget_of_a_usual_quota(monkeypatch: pytest.MonkeyPatch, algorithm: str, headers: str, seed: int) -> None:
    """Sixty requests a minute."""
    found = infer(monkeypatch, algorithm, headers=headers, quota=60, window_s=60.0, seed=seed)
    windows = judge(found, algorithm, 60.0)
    assert found.values["window_s"] == pytest.approx(60, rel=0.15 if headers == "limit" else 0), found
    print(f"{algorithm}, headers {headers}: {found.requests} requests, {windows:.2f} windows")  # noqa: T201 - a figure
    assert found.requests <= 12 * 60 + 200
    assert windows <= TOLD


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


@pytest.mark.parametrize(("headers", "seed"), PHASES_ALIKE)
def test_phases_that_look_alike_are_no_clock(monkeypatch: pytest.MonkeyPatch, headers: str, seed: int) -> None:
    """Answers that take long blur the ends of windows: more clients are asked until one clock is no accident."""
    monkeypatch.setattr(virtual.Wire, "takes_s", (0.0125, 0.05))
    found = infer(monkeypatch, "per-key", headers=headers, quota=QUOTA, window_s=2.0, seed=seed)
    judge(found, "per-key", 2.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_window_that_ends_while_its_quota_is_counted_is_told_truly(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """What remains goes up once, to all but one: that is another window, and no untruth."""
    monkeypatch.setattr(virtual.Wire, "takes_s", (0.0125, 0.05))
    judge(infer(monkeypatch, "clock", headers="epoch", quota=QUOTA, window_s=2.0, seed=seed), "clock", 2.0)


@pytest.mark.parametrize(("served", "headers", "seed"), HIDDEN)
def test_a_quota_that_slow_answers_hide_stays_open(
    monkeypatch: pytest.MonkeyPatch, served: str, headers: str, seed: int
) -> None:
    """Where windows end while a quota is counted, neither another limiter nor a defect is made of that."""
    monkeypatch.setattr(virtual.Wire, "takes_s", (0.0125, 0.15))
    found = infer(monkeypatch, served, headers=headers, quota=QUOTA, window_s=2.0, seed=seed, max_s=40.0)
    assert (found.values["algorithm"], found.values["quota"], found.values["rejected_count"]) == (None, None, None)
    assert not found.defects, found
    assert "a window may have ended" in found.inconclusive["quota"]
