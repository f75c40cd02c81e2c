"""What a run does when a part of it breaks in a way that nobody foresaw."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from servers import in_thread

from seatrial.campaign import Campaign, Options, Run, Stacks, open_run
from seatrial.campaign._ahead import Ahead
from seatrial.campaign._attribution import Attribution
from seatrial.campaign._attribution_of_limits import LimitAttribution
from seatrial.campaign._attribution_of_load import LoadAttribution
from seatrial.campaign._campaign import INSTRUMENTS
from seatrial.campaign._suites import suite_named
from seatrial.config import CoverageSettings, LimitSettings, MergeSettings, ScenarioSettings, Settings
from seatrial.core import EnvironmentFailure, Evidence
from seatrial.cover import Collector
from seatrial.plugin import Conductor
from seatrial.record import read_record
from seatrial.stack import Stack


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a word."""

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    """Serve something to attach to."""
    with in_thread(Quiet) as url:
        yield url


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return the settings of a project that declares nothing but where it is."""
    return Settings(root=tmp_path)


class Broken:
    """An instrument whose engine raises what nobody foresaw."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, run: Run, stack: Stack, ahead: Ahead) -> Evidence:
        """Raise."""
        del run, stack, ahead
        self.asked += 1
        raise ZeroDivisionError("by zero")


def test_an_instrument_breaks_once(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that broke is not asked again for each of its checks, and the run says what was raised, and where."""
    broken = Broken()
    monkeypatch.setitem(INSTRUMENTS, "contract", broken)
    run = open_run(settings, Options(stack=url))
    try:
        campaign = Campaign(run, ["contract"])
        for _ in range(3):
            with pytest.raises(EnvironmentFailure, match="ZeroDivisionError: by zero") as caught:
                campaign.enter("contract")
        campaign.close()
    finally:
        run.close()
    assert broken.asked == 1
    assert (caught.value.slug, caught.value.where.partition(":")[0]) == ("unforeseen", "test_campaign.py")
    record = read_record(run.directory)
    assert record.failure is not None
    assert record.failure.exit_code == 3
    assert [stage.stage for stage in record.stages] == ["contract", "report"]


def test_a_stage_beside_the_others_is_closed_too(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage of an instrument that runs in the background ends in the record, however it ended."""
    run = open_run(settings, Options(stack=url))
    try:
        monkeypatch.setitem(INSTRUMENTS, "ratelimit", Broken())
        with pytest.raises(ZeroDivisionError):
            Campaign(run, ["ratelimit"])._measure_early("ratelimit", "clean")  # noqa: SLF001 - what the thread does
    finally:
        run.close()
    assert [stage.stage for stage in read_record(run.directory).stages] == ["ratelimit"]


def test_a_stack_that_cannot_be_stopped(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that cannot put its stack away still ends in a verdict and its reports: exit code 3, with the reason."""

    def fail(_: Stacks) -> None:
        raise OSError("the engine is gone")

    conductor = Conductor(settings, Options(stack=url))
    conductor.open(["own"])
    monkeypatch.setattr(Stacks, "stop_all", fail)
    assert conductor.finish(interrupted=False) == 3
    conductor.close()
    assert conductor.run is not None
    verdict = json.loads((conductor.run.directory / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_code"]) == ("inconclusive", 3)
    assert "the engine is gone" in verdict["reason"]
    assert (conductor.run.directory / "report.html").exists()


def test_a_time_limit_holds_before_the_run_opens(settings: Settings, url: str) -> None:
    """Where an import swallowed the interrupt, the run is not opened any more."""
    conductor = Conductor(settings, Options(stack=url, timeout_s=1))
    conductor.timed_out = True
    with pytest.raises(EnvironmentFailure, match="run-timeout"):
        conductor.open(["own"])


def test_a_load_of_the_contract_has_no_lines_and_that_is_said(tmp_path: Path, url: str) -> None:
    """Its requests take seconds to make, which is more than a look at what it reaches may take."""
    made = ScenarioSettings(traffic="contract", rate_per_s=1, duration_s={"quick": 1})
    assert attributed(LoadAttribution, Settings(root=tmp_path, load={"made": made}), url) == [
        "coverage: what load reaches was not measured of made, which sends requests of the contract",
    ]


def test_a_limit_that_nobody_exceeds_has_no_lines_and_that_is_said(tmp_path: Path, url: str) -> None:
    """One that is lifted, or large, and those where nobody can be told apart; what is alike is said once."""
    quotas = {"lifted": 10_000, "large": 10_000, "shared": 149, "alike": 3, "another": 3}
    limits = tuple(LimitSettings(name=name, quota=quota, window_s=60, path="/") for name, quota in quotas.items())
    assert attributed(LimitAttribution, Settings(root=tmp_path, limits=limits), url) == [
        f"coverage: what refusals reach was not measured of {which}"
        for which in (
            "lifted, large: a quota of 10,000 there takes more than the 150 requests that are sent for this",
            "shared: a quota of 149 there takes more than the 150 requests that are sent for this",
            "alike, another: there are no users to tell apart, and every client of this stack has the same address",
        )
    ]


def attributed(kind: Callable[[Run], Attribution], settings: Settings, url: str) -> list[str]:
    """Send what is sent once, and return what is said of what is not."""
    run = open_run(settings, Options(stack=url))
    stacks = Stacks(run, collector=None)
    try:
        attribution = kind(run)
        attribution.start()
        assert attribution.pending
        attribution.send(stacks.get("clean"))
        assert not attribution.pending
    finally:
        stacks.stop_all()
        run.close()
    return [note for note in read_record(run.directory).limitations if note.startswith("coverage: ")]


def test_what_runs_late_is_counted_for_its_suite(settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coverage by suite names those that people know: a part of one that runs after the others is none of its own."""
    named: list[str] = []
    run = open_run(settings, Options(stack=url))
    try:
        campaign = Campaign(run, ["own", "own_late"])
        collector = Collector(CoverageSettings(services=("app",), source="app"), root=settings.root)
        monkeypatch.setattr(collector, "set_phase", named.append)
        monkeypatch.setattr(campaign, "_collector", collector)
        for part in campaign.parts:
            campaign._switch_phase(suite_named(part), "instrumented")  # noqa: SLF001 - what entering it does
    finally:
        run.close()
    assert named == ["own", "own"]


@pytest.mark.parametrize(("services", "variant"), [((), "clean"), (("app",), "instrumented")])
def test_what_others_recorded_needs_no_stack_of_its_own(
    services: tuple[str, ...], variant: str, settings: Settings, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no service is looked into, suites run on the clean stack, and their coverage is what is merged in."""
    (settings.root / "app").mkdir()
    (settings.root / "app" / "main.py").write_text("a = 1\nb = 2\n")
    (settings.root / "unit.info").write_text("SF:main.py\nDA:1,1\nDA:2,0\nend_of_record\n")
    merge = MergeSettings(files=("unit.info",), component="app", source="app")
    run = open_run(settings, Options(stack=url))
    try:
        campaign = Campaign(run, ["health", "coverage"])
        collector = Collector(CoverageSettings(services=services, source="app", merge=(merge,)), root=settings.root)
        monkeypatch.setattr(campaign, "_collector", collector)
        assert campaign.variant(suite_named("health")) == variant
        if not services:
            figures = {one.name: one.value for one in campaign.cover().measurements}
            assert figures["coverage.total"] == 50
            assert campaign.stacks.started() is None
    finally:
        run.close()
