"""Which services a suite began without: those that lived, and not those that were gone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from coverage import CoverageData

from seatrial.config import CoverageSettings
from seatrial.cover._phases import Phases
from seatrial.cover.recorded import unite
from seatrial.stack import Mounted

LATE = [{"phase": "two", "before": "one", "service": "api", "processes": 1}]
Later = Callable[[Path, Path], object]


def show(file: Path, phase: str, at_s: int) -> None:
    """Write what a process writes when it arrives in a phase, or shows that it lives."""
    file.write_text(phase)
    os.utime(file, (at_s, at_s))


def went_on(ack: Path, began: Path) -> None:
    """Wake up, or have time again."""
    del began
    show(ack, "two", 2)


def slept(ack: Path, began: Path) -> None:
    """Show that one lives, and no more."""
    del began
    show(ack, "one", 2)


def ended(ack: Path, began: Path) -> None:
    """End in order."""
    del began
    ack.unlink()


def started_anew(ack: Path, began: Path) -> None:
    """Have the number of one that was killed, as the first process of a container has."""
    show(ack, "two", 2)
    show(began, "{}", 2)


def was_killed(ack: Path, began: Path) -> None:
    """Say nothing more."""


@pytest.mark.parametrize(
    ("later", "late"), [(went_on, LATE), (slept, LATE), (ended, LATE), (started_anew, []), (was_killed, [])]
)
@pytest.mark.parametrize("stale", [True, False])
def test_what_a_process_does_later_shows_whether_it_was_late(
    tmp_path: Path, later: Later, late: list[object], *, stale: bool
) -> None:
    """Who says nothing while a suite begins is late if it lives, and nothing is said of one that was killed."""
    ack, began = tmp_path / "data/ack/api@host.1", tmp_path / "data/processes/api@host.1.json"
    for file, text in ((ack, "one"), (began, "{}")):
        file.parent.mkdir(parents=True)
        file.write_text(text)
        os.utime(file, (1, 1) if stale else None)
    phases = Phases(Mounted(tmp_path), ["api"])
    phases.switch("two")
    assert not phases.wait(0.02)
    later(ack, began)
    assert phases.late() == late


def test_whoever_arrived_in_time_is_not_late(tmp_path: Path) -> None:
    """Also when the next suite begins, and when it ends."""
    ack = tmp_path / "data/ack/api@host.1"
    ack.parent.mkdir(parents=True)
    phases = Phases(Mounted(tmp_path), ["api"])
    for phase in ("one", "two"):
        phases.switch(phase)
        ack.write_text(phase)
        assert phases.wait(60)
    ack.unlink()
    assert phases.late() == []


@pytest.mark.parametrize(("told", "late"), [({"late": LATE}, LATE), ({}, []), ({"late": [{"phase": 1}]}, [])])
def test_of_shards_each_says_who_was_late(tmp_path: Path, told: dict[str, object], late: list[object]) -> None:
    """What is measured of all of them together knows it too; of what another version left nothing is taken."""
    (tmp_path / "svc/app").mkdir(parents=True)
    (tmp_path / "svc/app/main.py").write_text("X = 1\n")
    shard = tmp_path / "shard"
    shard.mkdir()
    with closing(CoverageData(str(shard / ".coverage"))) as data:
        data.set_context("one")
        data.add_arcs({"/app/app/main.py": {(-1, 1), (1, -1)}})
    interpreters = [{"service": "api", "python": "3.13", "core": "sysmon"}]
    (shard / "components.json").write_text(json.dumps({"interpreters": interpreters, **told}))
    settings = CoverageSettings(services=("api",), source="svc", packages=("app",))
    unite({"shard 1/1": shard}, settings, root=tmp_path, out=tmp_path / "out")
    for name in ("components", "attribution"):
        assert json.loads((tmp_path / f"out/{name}.json").read_text())["late"] == late
    assert json.loads((tmp_path / "out/components.json").read_text())["interpreters"] == interpreters
