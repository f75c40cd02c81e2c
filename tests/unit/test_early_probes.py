"""The words of a container's health check, as its engine tells them."""

import pytest

from seatrial.stack._early import health_command


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, []),
        ({"Healthcheck": None}, []),
        ({"Healthcheck": {"Interval": 5}}, []),
        ({"Healthcheck": {"Test": ["NONE"]}}, []),
        ({"Healthcheck": {"Test": ["CMD", "valkey-cli", "ping"]}}, ["valkey-cli", "ping"]),
        ({"Healthcheck": {"Test": ["CMD-SHELL", "ask || exit 1"]}}, ["/bin/sh", "-c", "ask || exit 1"]),
        (
            {"Shell": ["/bin/bash", "-o", "pipefail", "-c"], "Healthcheck": {"Test": ["CMD-SHELL", "ask"]}},
            ["/bin/bash", "-o", "pipefail", "-c", "ask"],
        ),
    ],
)
def test_health_command(config: dict[str, object], expected: list[str]) -> None:
    """Words of a shell go to the image's own shell; a check that is switched off has none."""
    assert list(health_command(config)) == expected
