"""The reference stack's own tests, in an environment that holds its requirements and not the harness's."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from seatrial.stack import ServerPool, ensure_environment

STACK = Path(__file__).parents[2] / "fixtures" / "stack"
COUNTED = re.compile(r"(\d+) passed, (\d+) deselected")
COMPONENT = re.compile(r"^coverage (\S+) +(\d+) %", re.MULTILINE)


@pytest.fixture(scope="module")
def servers() -> Iterator[Mapping[str, str]]:
    """Start a PostgreSQL and a Valkey, with an empty database."""
    pool = ServerPool.start()
    lease, port = pool.lease_database(), pool.postgres.port
    yield {
        "TEST_DATABASE_URL": pool.postgres.url(
            database=lease.name, role=lease.name, password=lease.password, port=port
        ),
        "TEST_REDIS_URL": pool.valkey.url(number=pool.lease_number(), port=pool.valkey.port),
    }
    pool.stop()


def test_every_component_passes_and_is_covered(servers: Mapping[str, str], tmp_path: Path) -> None:
    """`make test-coverage` of the stack ends with 0, and says what each component reached."""
    done = make("test-coverage", {**servers, "COVERAGE_FILE": str(tmp_path / "coverage")})
    assert done.returncode == 0, done.stdout
    reached = dict(COMPONENT.findall(done.stdout))
    assert reached.keys() >= {"health", "main", "onboarding", "tenancy", "overall"}, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.long
def test_unit_tests_need_no_server() -> None:
    """`make test-unit` of the stack ends with 0 where no server is named, and most tests are among them."""
    done = make("test-unit", {})
    assert done.returncode == 0, done.stdout
    ((passed, left_out),) = [map(int, numbers) for numbers in COUNTED.findall(done.stdout)]
    assert passed > left_out > 0, done.stdout
    assert "skipped" not in done.stdout


def make(target: str, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Make a target of the stack, in the environment of its tests and without the machine's servers."""
    environment = ensure_environment(STACK / "requirements-dev.txt", marks={}, progress=print)
    own = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    return subprocess.run(
        ["make", "--no-print-directory", "-C", str(STACK), target, f"BIN={environment / 'bin'}"],
        env={**own, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
