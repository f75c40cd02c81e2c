"""What the suite about metrics takes for a sample."""

from __future__ import annotations

import re

import pytest
from by_path import load_suite


@pytest.fixture(scope="module")
def sample(pytestconfig: pytest.Config) -> re.Pattern[str]:
    """Return the pattern of the suite, which is loaded by its path, as pytest does."""
    module = load_suite(pytestconfig, "health_metrics")
    pattern: re.Pattern[str] = module.SAMPLE
    return pattern


@pytest.mark.parametrize(
    "line",
    [
        "up 1",
        "process_start_time_seconds 1.7e+09 1700000000000",
        'requests_total{method="GET",status="200"} 3.0',
        'requests_total{route="/orders/{id}/lines/{line}",} 3',
        r'requests_total{route="a \"quoted\" {brace"} +Inf',
        "requests_total{} NaN",
    ],
)
def test_a_sample_is_one(sample: re.Pattern[str], line: str) -> None:
    """Labels may be absent, and their values hold braces and quotes, as those of routes with parameters do."""
    assert sample.fullmatch(line)


@pytest.mark.parametrize(
    "line", ["requests", '{"a": 1}', 'requests{route="/a} 1', "requests{route=/a{b}} 1", "<p>1</p>"]
)
def test_what_is_none_is_not(sample: re.Pattern[str], line: str) -> None:
    """A name alone, JSON, a quote that does not end, a brace outside of one, and a page."""
    assert sample.fullmatch(line) is None
