"""In which order parts of a run come, and which files they are."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import SUITES, in_suite_order, suite_named, suites_of
from seatrial.plugin._checks import part

NAMES = st.sampled_from([*SUITES, "own", "zeal", "health_late", "own_late", "health_aside", "own_aside", "jobs_last"])


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("test_jobs.py", "jobs"),
        ("test_health_metrics.py", "health"),
        ("test_jobs_aside.py", "jobs_aside"),
        ("test_own_aside_more.py", "own_aside"),
        ("test_health_late_requests.py", "health_late"),
        ("test_jobs_last.py", "jobs_last"),
        ("test_own_more_aside.py", "own"),
    ],
)
def test_the_part_of_a_file(file: str, expected: str) -> None:
    """The second word of a file's name may say when it comes."""
    assert part(Path("suites") / file) == expected


@given(st.lists(NAMES))
def test_the_order_of_parts(names: list[str]) -> None:
    """What runs aside comes after every suite on the instrumented stack, then the contract, then what comes last."""
    ordered = in_suite_order(names)
    assert sorted(ordered) == sorted(set(names))
    places = [place_of(name) for name in ordered]
    assert places == sorted(places)


def place_of(name: str) -> tuple[float, bool]:
    """Return where a part is to be."""
    return (2.5, True) if name.endswith("_last") else (stage_of(name), suite_named(name).aside)


def stage_of(name: str) -> int:
    """Return the place of a part's stage."""
    return ["posture", "functional", "contract", "ratelimit", "load", "coverage"].index(suite_named(name).stage)


def test_a_part_counts_as_its_suite() -> None:
    """The part that runs aside is no suite of its own, and runs where nothing is measured."""
    assert suites_of(["jobs", "jobs_aside", "load"]) == ["jobs", "load"]
    aside = suite_named("jobs_aside")
    assert (aside.needs, aside.stage, aside.instrument) == ("clean", "functional", False)
