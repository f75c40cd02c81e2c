"""Which files count, what is said of data that is not complete, and how percentages come about."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from coverage import CoverageData
from hypothesis import given
from hypothesis import strategies as st
from published import check_cobertura, read_cobertura, read_lcov

from seatrial.config import CoverageSettings
from seatrial.core import Evidence, Outcome, UsageError
from seatrial.cover import Collector
from seatrial.cover._figures import measure
from seatrial.cover._inside import Place
from seatrial.cover._library import tracers
from seatrial.cover._lines import FileLines
from seatrial.cover._phases import Phases
from seatrial.cover._places import find_places, matches
from seatrial.stack import Mounted

SETTINGS = CoverageSettings(services=("api", "worker"), source="svc", packages=("app",))
MAIN = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with a package, an environment and what tools leave behind."""
    for name in (
        "app/main.py",
        "app/deep/er/x.py",
        "app/.venv/y.py",
        "app/env/z.py",
        "app/__pycache__/c.py",
        "setup.py",
    ):
        path = tmp_path / "svc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MAIN)
    (tmp_path / "svc/app/env/pyvenv.cfg").write_text("")
    (tmp_path / "svc/app/notes.txt").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("app/*.py", "app/main.py", True),
        ("app/*.py", "app/deep/main.py", False),
        ("app/**/*.py", "app/main.py", True),
        ("app/**/*.py", "app/deep/er/main.py", True),
        ("app/**", "app/deep/er/main.py", True),
        ("app/m?in.py", "app/main.py", True),
        ("app/main.py", "app/mainXpy", False),
        ("**/main.py", "main.py", True),
        ("app/**/x/*.py", "app/yx/a.py", False),
    ],
)
def test_globs_mean_what_shells_mean(pattern: str, path: str, *, expected: bool) -> None:
    """One star stays within a folder, two do not, and everything else is literal."""
    assert matches(pattern, path) is expected


@given(st.lists(st.text(alphabet="ab.[](+é", min_size=1), min_size=1, max_size=4))
def test_a_path_names_itself_and_is_found_below_its_folders(parts: list[str]) -> None:
    """A path without wildcards matches itself, and `**` of each folder above it."""
    path = "/".join(parts)
    assert matches(path, path)
    assert matches("**", path)
    assert all(matches("/".join([*parts[:depth], "**", parts[-1]]), path) for depth in range(len(parts)))


def test_environments_and_leftovers_are_not_source(root: Path) -> None:
    """Only Python files of the packages count."""
    assert find_places(SETTINGS, root).files == ("app/deep/er/x.py", "app/main.py")
    everything = SETTINGS.model_copy(update={"packages": (".",)})
    assert find_places(everything, root).files == ("app/deep/er/x.py", "app/main.py", "setup.py")


@pytest.mark.parametrize("wrong", [{"source": "none"}, {"packages": ("none",)}, {"components": {"web": ("web/*.py",)}}])
def test_what_names_nothing_is_a_configuration_error(root: Path, wrong: dict[str, object]) -> None:
    """A folder, package or component without a file is said before anything starts."""
    collector = Collector(SETTINGS.model_copy(update=wrong), root=root)
    with pytest.raises(UsageError, match="coverage-source"):
        collector.prepare(root / "share", progress=print)
    assert not (root / "share").exists()


def record(share: Path, service: str, arcs: dict[str, set[tuple[int, int]]], *, phase: str = "health") -> Path:
    """Write what a process of a service would have."""
    (share / "data").mkdir(parents=True, exist_ok=True)
    file = share / "data" / f".coverage.{service}.host.1.x"
    with closing(CoverageData(str(file))) as data:
        data.set_context(phase)
        data.add_arcs(arcs)
    return file


def collect(root: Path, **named: object) -> Evidence:
    """Collect from the share of the project."""
    settings = SETTINGS.model_copy(update=named)
    return Collector(settings, root=root).collect(root / "share", out=root / "out")


def outcomes(evidence: Evidence) -> dict[str, Outcome]:
    """Return the outcome of each check."""
    return {result.check.removeprefix("coverage."): result.outcome for result in evidence.results}


HALF = {"/app/app/main.py": {(-1, 1), (1, -1), (-1, 2), (2, 3), (3, -1)}}


def test_percentages_come_from_all_services_and_all_files(root: Path) -> None:
    """Lines of every service count, on the source of this machine; a file never imported counts as not executed."""
    record(root / "share", "api", HALF)
    record(root / "share", "worker", {"/app/app/main.py": {(-1, 2), (2, 4), (4, -1)}}, phase="jobs")
    evidence = collect(root, components={"main": ("app/main.py",), "deep": ("app/deep/**/*.py",)})
    assert set(outcomes(evidence).values()) == {Outcome.PASSED}, evidence
    values = {found.name: found.value for found in evidence.measurements}
    assert values["coverage.total"] == 50
    assert values["coverage.branches"] == 50
    assert (values["coverage.components.main"], values["coverage.components.deep"]) == (100, 0)
    attribution = json.loads((root / "out" / "attribution.json").read_text())
    assert attribution["files"]["svc/app/main.py"]["2"] == ["health", "jobs"]
    assert attribution["files"]["svc/app/main.py"]["3"] == ["health"]
    assert attribution["phases"] == ["health", "jobs"]


def test_reports_name_files_as_the_project_does(root: Path) -> None:
    """Paths are relative to the project's folder, wherever one works; Cobertura's DTD and geninfo's records hold."""
    record(root / "share", "api", HALF)
    record(root / "share", "worker", HALF)
    collect(root)
    cobertura, lcov = ((root / "out" / name).read_text() for name in ("coverage.xml", "lcov.info"))
    check_cobertura(cobertura)
    assert dict(read_cobertura(cobertura)) == read_lcov(lcov)
    assert read_lcov(lcov)["svc/app/main.py"] == {1: 1, 2: 1, 3: 1, 4: 0}
    assert "svc/app/main.py" in json.loads((root / "out/coverage.json").read_text())["files"]
    assert (root / "out/html/index.html").exists()


@pytest.mark.parametrize("damage", ["absent", "empty", "garbage", "torn", "version", "without-lines", "unmeasured"])
def test_a_service_without_data_leaves_no_figure(root: Path, damage: str) -> None:
    """Missing or unreadable data is incomplete, never 0 %: no percentage is given, the reports are."""
    record(root / "share", "api", HALF)
    file = record(root / "share", "worker", {} if damage == "without-lines" else HALF)
    if damage == "absent":
        file.unlink()
    if damage == "empty":
        os.truncate(file, 0)
    if damage == "torn":
        os.truncate(file, file.stat().st_size - 5000)
    if damage == "garbage":
        file.write_bytes(b"x" * 5000)
    if damage == "version":
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("update coverage_schema set version = 99")
            connection.commit()
    if damage == "unmeasured":
        (root / "share/data/problems").mkdir()
        (root / "share/data/problems/worker@host.1").write_text("RuntimeError: no coverage for Python 3.8")
    evidence = collect(root)
    assert outcomes(evidence)["collected"] is Outcome.INCONCLUSIVE
    assert "worker" in evidence.results[0].reason
    assert "coverage incomplete" in evidence.results[0].reason
    assert evidence.measurements == ()
    assert (root / "out/coverage.xml").exists()


def test_a_share_without_any_data_is_inconclusive(root: Path) -> None:
    """Nothing from anybody: both checks are open, and nothing fails."""
    assert set(outcomes(collect(root)).values()) == {Outcome.INCONCLUSIVE}


def test_a_file_that_is_not_in_the_source_fails(root: Path) -> None:
    """Measured files map onto the source, or the check says which do not."""
    record(root / "share", "api", {**HALF, "/app/app/gone.py": {(-1, 1), (1, -1)}})
    record(root / "share", "worker", {"/elsewhere/app/main.py": {(-1, 1), (1, -1)}})
    evidence = collect(root)
    assert outcomes(evidence)["source-mapped"] is Outcome.FAILED
    assert [finding.operation for finding in evidence.results[1].findings] == [
        "/app/app/gone.py",
        "/elsewhere/app/main.py",
    ]


def test_an_old_image_is_not_taken_for_the_source(root: Path) -> None:
    """A service that ran another version of a file proves nothing about this one."""
    record(root / "share", "api", HALF)
    record(root / "share", "worker", HALF)
    (root / "share/data/sources").mkdir()
    (root / "share/data/sources/api.json").write_text(json.dumps({"app/main.py": "0", "app/deep/er/x.py": "0"}))
    evidence = collect(root)
    assert outcomes(evidence)["source-mapped"] is Outcome.INCONCLUSIVE
    assert "svc/app/main.py" in evidence.results[1].reason
    assert "er/x.py" not in evidence.results[1].reason


def test_a_file_that_cannot_be_parsed_leaves_no_figure(root: Path) -> None:
    """A file in a newer Python's syntax must not drop out of the total unseen."""
    (root / "svc/app/main.py").write_text("def f(:\n")
    record(root / "share", "api", HALF)
    record(root / "share", "worker", HALF)
    evidence = collect(root)
    assert outcomes(evidence)["source-mapped"] is Outcome.INCONCLUSIVE
    assert evidence.measurements == ()


def test_nothing_to_cover_is_no_percentage() -> None:
    """A package of empty files has no coverage, not 0 % and not 100 %."""
    empty = FileLines(executable=frozenset(), suites={})
    summary = {"covered_branches": 0, "num_branches": 0}
    assert measure({"app/__init__.py": empty}, {"all": ["app/__init__.py"]}, {"app/__init__.py": summary}) == ()


def test_phases_wait_for_the_living(tmp_path: Path) -> None:
    """All living processes of all services have to arrive; one that wrote nothing for long is not waited for."""
    ack = tmp_path / "data" / "ack"
    ack.mkdir(parents=True)
    phases = Phases(Mounted(tmp_path), ["api", "worker"])
    phases.switch("health")
    assert (tmp_path / "phase").read_text() == "health"
    (ack / "api@host.1").write_text("health")
    (ack / "api@host.2").write_text("startup")
    (ack / "worker@host.1").write_text("health")
    assert not phases.wait(0.05)
    os.utime(ack / "api@host.2", (0, 0))
    assert phases.wait(5)
    (ack / "worker@host.1").unlink()
    assert not phases.wait(0.05)


@pytest.mark.parametrize("ahead_s", [-3600, 0, 3600])
def test_the_clock_of_services_may_be_another(tmp_path: Path, ahead_s: int) -> None:
    """Who lives is told by who wrote last, whatever time it is there; one that is silent for 2 s is not waited for."""
    ack = tmp_path / "data" / "ack"
    ack.mkdir(parents=True)
    phases = Phases(Mounted(tmp_path), ["api"])
    phases.switch("health")
    for name, phase, ago_s in (("api@host.1", "health", 0), ("api@host.2", "startup", 0.1)):
        (ack / name).write_text(phase)
        os.utime(ack / name, (0, time.time() + ahead_s - ago_s))
    assert not phases.wait(0.05), "one that wrote a moment ago lives"
    os.utime(ack / "api@host.2", (0, time.time() + ahead_s - 3))
    assert phases.wait(20)


def test_a_phase_lasts_until_the_next_is_there(tmp_path: Path) -> None:
    """A file that is copied in is away, and then empty, for a moment: no line counts for another suite meanwhile."""
    (tmp_path / "coverage.json").write_text("{}")
    place = Place(str(tmp_path), "api")
    phases = []
    for change in ("none", "health", "", "none", "load"):
        (tmp_path / "phase").unlink(missing_ok=True) if change == "none" else (tmp_path / "phase").write_text(change)
        phases.append(place.phase())
    assert phases == ["startup", "health", "health", "health", "load"]


def test_a_service_that_is_never_heard_of_is_waited_for_once(tmp_path: Path) -> None:
    """A service that is not measured must not cost every phase its patience."""
    phases = Phases(Mounted(tmp_path), ["api"])
    phases.switch("health")
    assert not phases.wait(0.05)
    assert not phases.wait(60)


def test_images_may_hold_any_common_python() -> None:
    """For images every tracer that exists is wanted, for processes of this machine its own alone."""
    assert ("3.13", "musl") in tracers((), in_images=True)
    assert ("3.10", "musl") not in tracers((), in_images=True)
    assert len(tracers((), in_images=False)) == 1


def test_broken_data_is_not_written_to(root: Path) -> None:
    """Reading what a service left does not change it."""
    file = record(root / "share", "api", HALF)
    record(root / "share", "worker", HALF)
    before = file.read_bytes()
    collect(root)
    assert file.read_bytes() == before
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("pragma quick_check").fetchone() == ("ok",)
