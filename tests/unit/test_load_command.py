"""`seatrial load` before anything is sent: which scenarios, at which rate, for how long, and how a run is repeated."""

import dataclasses
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import Options, choose_load
from seatrial.cli._load import send_command, split_words
from seatrial.cli._options import per_second
from seatrial.config import GateSettings, ScenarioSettings, Settings
from seatrial.core import UsageError
from seatrial.swarm._order import LONGEST_S, MOST_ARRIVALS, prepare

URL = "http://127.0.0.1:9"
PARAMETER = click.Option(["--rate"])
CONTEXT = click.Context(send_command)


def scenario(rate_per_s: float = 10.0, **more: object) -> ScenarioSettings:
    """Return a scenario of one path that lasts a second in the quick profile."""
    base = {"rate_per_s": rate_per_s, "duration_s": {"quick": 1.0}, "paths": ("/a",)}
    return ScenarioSettings.model_validate({**base, **more})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return a project with two scenarios, and a gate on each."""
    rules = ("checks.failed == 0", "load.calm.p99 <= 5 ms", "load.storm.GET-a.p99 <= 9 ms")
    return Settings(root=tmp_path, load={"calm": scenario(), "storm": scenario(90.0)}, gate=GateSettings(rules=rules))


def test_all_scenarios_are_sent_as_declared(settings: Settings) -> None:
    """Without a word about them, nothing changes."""
    assert choose_load(settings, Options(load=True)) == settings


def test_a_chosen_scenario_leaves_the_gates_of_others_out(settings: Settings) -> None:
    """What is not sent is not measured, so that no gate can wait for it."""
    chosen = choose_load(settings, Options(load=True, scenarios=("storm",)))
    assert dict(chosen.load) == {"storm": settings.load["storm"]}
    assert chosen.gate.rules == ("checks.failed == 0", "load.storm.GET-a.p99 <= 9 ms")


def test_a_gate_on_a_comparison_goes_with_its_scenario(settings: Settings) -> None:
    """Its metric names the scenario after the word for comparisons."""
    rules = ("load.compare.calm.p95 <= 10 %", "load.compare.storm.p95 <= 10 %")
    gated = settings.model_copy(update={"gate": GateSettings(rules=rules)})
    assert choose_load(gated, Options(load=True)).gate.rules == rules
    assert choose_load(gated, Options(load=True, scenarios=("storm",))).gate.rules == rules[1:]


def test_rate_and_duration_override_what_is_declared(settings: Settings) -> None:
    """They hold for each chosen scenario, also in a profile for which it declares no duration."""
    asked = Options(load=True, profile="full", rate_per_s=7.0, duration_s=3.0, processes=2)
    assert [(one.rate_per_s, one.duration_s, one.processes) for one in choose_load(settings, asked).load.values()] == [
        (7.0, {"quick": 1.0, "full": 3.0}, 2)
    ] * 2


def test_paths_stand_in_place_of_scenarios(settings: Settings) -> None:
    """They are one scenario with an objective, as a service that errors is never a pass."""
    chosen = choose_load(settings, Options(load=True, paths=("/x", "/y?z=1"), rate_per_s=3.0))
    (made,) = chosen.load.values()
    assert (made.paths, made.rate_per_s, made.objectives) == (("/x", "/y?z=1"), 3.0, {"error_ratio": "<= 0.01"})
    assert chosen.gate.rules == ("checks.failed == 0",)


@pytest.mark.parametrize(
    ("choice", "slug", "says"),
    [
        ({"scenarios": ("strom",)}, "scenario-unknown", "did you mean 'storm'? scenarios: calm, storm"),
        ({"paths": ("/a",), "scenarios": ("calm",)}, "arguments-invalid", "leave out"),
        ({"paths": ("items",)}, "load-path-invalid", "/items"),
        ({"paths": ("/a b",)}, "load-path-invalid", "/items"),
    ],
)
def test_what_does_not_exist_is_named(settings: Settings, choice: dict[str, Any], slug: str, says: str) -> None:
    """A scenario that nobody declared comes with the nearest one; a path that is none with one that is."""
    with pytest.raises(UsageError) as caught:
        choose_load(settings, dataclasses.replace(Options(load=True), **choice))
    assert caught.value.slug == slug
    assert says in caught.value.remedy


def test_without_scenario_and_path_there_is_nothing_to_send(tmp_path: Path) -> None:
    """It says both ways out."""
    with pytest.raises(UsageError, match="no load scenario") as caught:
        choose_load(Settings(root=tmp_path), Options(load=True))
    assert "--path" in caught.value.remedy
    assert "[load.NAME]" in caught.value.remedy


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "fast", "", "10/m", "1e400"])
def test_a_rate_that_is_none_is_refused(text: str) -> None:
    """Zero, less, no number, or without end."""
    with pytest.raises(UsageError) as caught:
        per_second(CONTEXT, PARAMETER, text)
    assert caught.value.slug == "load-rate-invalid"


@pytest.mark.parametrize(("text", "rate"), [("50", 50), ("50/s", 50), ("0.5/s", 0.5), ("1e3", 1000)])
def test_a_rate_is_read_with_and_without_its_unit(text: str, rate: float) -> None:
    """Both mean arrivals per second."""
    assert per_second(CONTEXT, PARAMETER, text) == rate


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), ("quick", "")),
        (("full",), ("full", "")),
        ((URL,), ("quick", URL)),
        (("full", URL), ("full", URL)),
        ((URL, "full"), ("full", URL)),
    ],
)
def test_profile_and_url_stand_in_any_order(words: tuple[str, ...], found: tuple[str, str]) -> None:
    """Each can be missing."""
    assert split_words(words) == found


@pytest.mark.parametrize("words", [("fast",), ("quick", "full"), (URL, URL), ("quick", "steady")])
def test_other_words_are_refused(words: tuple[str, ...]) -> None:
    """One profile and one URL, and nothing else."""
    with pytest.raises(UsageError, match="not one profile and one URL"):
        split_words(words)


@given(
    scenarios=st.lists(st.sampled_from(["calm", "storm"]), unique=True).map(tuple),
    paths=st.lists(st.text("/ab?=&'\"$", min_size=1).map(lambda rest: f"/{rest}")).map(tuple),
    other=st.fixed_dictionaries(
        {
            "contract": st.booleans(),
            "har": st.sampled_from(["", "/a b/it's.har"]),
            "har_host": st.sampled_from(["", "shop.example:8080"]),
            "operations": st.lists(st.sampled_from(["GET /a/{b}", "POST /a"])).map(tuple),
            "writes": st.booleans(),
            "processes": st.none() | st.integers(1, 64),
        }
    ),
    rate_per_s=st.none() | st.floats(1e-3, 1e6),
    duration_s=st.none() | st.floats(1e-3, 1e6),
)
def test_a_run_is_repeated_as_it_was_asked_for(
    scenarios: tuple[str, ...],
    paths: tuple[str, ...],
    other: dict[str, Any],
    rate_per_s: float | None,
    duration_s: float | None,
) -> None:
    """The line that a report shows is a command line that means the same, whatever a shell makes of its signs."""
    asked = Options(
        load=True, scenarios=scenarios, paths=paths, rate_per_s=rate_per_s, duration_s=duration_s, profile="full",
        **other,
    )  # fmt: skip
    words = shlex.split(asked.repeat(seed=3, driver=URL))
    assert words[:2] == ["seatrial", "load"]
    read = send_command.make_context("load", words[2:]).params
    assert split_words(read["words"]) == ("full", "")
    assert (read["stack"], read["seed"]) == (URL, 3)
    assert {name: read[name] for name in ("scenarios", "paths", "rate_per_s", "duration_s", *other)} == {
        **other,
        "scenarios": scenarios,
        "paths": paths,
        "rate_per_s": rate_per_s,
        "duration_s": duration_s,
    }


def test_options_survive_their_way_to_another_process() -> None:
    """What was a tuple is one again."""
    asked = Options(load=True, only=("load",), scenarios=("calm",), paths=("/a",), rate_per_s=1.5)
    assert Options.from_json(asked.to_json()) == asked


def test_more_than_a_run_may_send_is_refused_before_it_begins(tmp_path: Path) -> None:
    """A rate beyond any generator says what one is known to do."""
    fitting = scenario(float(MOST_ARRIVALS))
    given_: dict[str, Any] = {"profile": "quick", "root": tmp_path, "limits": None, "environment": {}}
    assert prepare("s", fitting, **given_).duration_s == 1
    with pytest.raises(UsageError, match=r"1e\+12 arrivals") as caught:
        prepare("s", scenario(1e12), **given_)
    assert (caught.value.slug, caught.value.where) == ("load-too-large", "[load.s]")
    assert "5,000/s" in caught.value.remedy


@pytest.mark.parametrize(
    ("fits", "too_long"),
    [
        ({"duration_s": {"quick": LONGEST_S - 10}}, {"duration_s": {"quick": LONGEST_S}}),
        ({"deadline_s": LONGEST_S - 1}, {"deadline_s": LONGEST_S}),
        ({"journey_s": LONGEST_S - 1}, {"journey_s": LONGEST_S}),
    ],
)
def test_a_load_that_would_not_end_is_refused_before_it_begins(
    tmp_path: Path, fits: dict[str, Any], too_long: dict[str, Any]
) -> None:
    """A week is the most, with what the last arrivals may take: whatever hangs, it comes to an end."""
    given_: dict[str, Any] = {"profile": "quick", "root": tmp_path, "limits": None, "environment": {}}
    prepare("s", scenario(0.01, **fits), **given_)
    with pytest.raises(UsageError, match="604,800 s") as caught:
        prepare("s", scenario(0.01, **too_long), **given_)
    assert (caught.value.slug, caught.value.where) == ("load-too-large", "[load.s]")
