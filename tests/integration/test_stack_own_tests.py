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
    environment = ensure_environment(STACK / "requirements-dev.txt", marks={}, progress=print)
    done = subprocess.run(
        ["make", "--no-print-directory", "-C", str(STACK), "test-coverage", f"BIN={environment / 'bin'}"],
        env={**os.environ, **servers, "COVERAGE_FILE": str(tmp_path / "coverage")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    reached = dict(COMPONENT.findall(done.stdout))
    assert reached.keys() >= {"health", "main", "overall"}, done.stdout
    assert "skipped" not in done.stdout
