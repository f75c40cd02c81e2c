"""What a run left in a Docker engine is found by its labels and removed."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest

from seatrial.stack import Watchdog, leftovers, run_labels, sweep, work_folder

IMAGE = "seatrial-test-empty:latest"


def docker(*arguments: str) -> str:
    """Run docker and return what it printed."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def image(engine: None) -> Iterator[str]:
    """Make an image with nothing in it: a container of it can be created, and needs no registry."""
    del engine
    with subprocess.Popen(["tar", "-cf", "-", "--files-from", os.devnull], stdout=subprocess.PIPE) as archive:
        subprocess.run(["docker", "import", "-", IMAGE], stdin=archive.stdout, check=True, capture_output=True)
    yield IMAGE
    docker("rmi", "-f", IMAGE)


def lay_out(run: str, image: str, labels: dict[str, str]) -> None:
    """Create a container in a network with a volume, all labelled."""
    words = [word for name, value in labels.items() for word in ("--label", f"{name}={value}")]
    docker("network", "create", *words, run)
    docker("volume", "create", *words, run)
    docker("create", *words, "--network", run, "-v", f"{run}:/data", "--name", run, image, "/none")


def left(run: str) -> list[str]:
    """Return what the engine still holds of a run."""
    listings = (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q"))
    return [word for listing in listings for word in docker(*listing, "--filter", f"name={run}").split()]


def test_everything_labelled_is_removed(image: str) -> None:
    """Container, network and volume of the run go, in that order; those of another run stay."""
    mine, other = (f"test-{uuid.uuid4().hex}" for _ in range(2))
    lay_out(mine, image, dict(run_labels(mine, keep=False)))
    lay_out(other, image, dict(run_labels(other, keep=False)))
    assert mine not in leftovers()
    swept = sweep(mine)
    assert (swept.containers, swept.networks, swept.volumes) == (1, 1, 1)
    assert left(mine) == []
    assert len(left(other)) == 3
    sweep(other)
    assert left(other) == []


@pytest.mark.parametrize("keep", [False, True])
def test_a_dead_owner_is_noticed(image: str, *, keep: bool) -> None:
    """What a dead harness of this machine left is a leftover, unless it was kept; another machine's is not ours."""
    run, elsewhere = (f"test-{uuid.uuid4().hex}" for _ in range(2))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    owner = {"dev.seatrial.owner": str(gone.pid)}
    lay_out(run, image, {**run_labels(run, keep=keep), **owner})
    lay_out(elsewhere, image, {**run_labels(elsewhere, keep=False), **owner, "dev.seatrial.machine": "another"})
    assert (run in leftovers()) is not keep
    assert run in leftovers(kept=True)
    assert elsewhere not in leftovers(kept=True)
    sweep(run)
    sweep(elsewhere)
    assert left(run) == left(elsewhere) == []


def test_the_watchdog_clears_the_engine(image: str) -> None:
    """When the harness closes its watchdog, what the engine holds of the run is gone too."""
    run = f"test-{uuid.uuid4().hex}"
    watchdog = Watchdog(run=run, work=work_folder(run)).start()
    lay_out(run, image, dict(run_labels(run, keep=False)))
    watchdog.close()
    assert left(run) == []
