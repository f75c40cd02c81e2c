"""What bursts of a comparison came to, and what of that goes into a history."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.campaign import Calibrated, Comparison, Task
from seatrial.campaign._compare import _conclude, _differences, errors_of, median_cost, notes_on_cost
from seatrial.campaign._contest import CPU, Burst, Pair
from seatrial.campaign._sides import Role, Side
from seatrial.cli._comparing import _calibration, _lines, _table, as_object
from seatrial.cli._history import check_history, keep_history
from seatrial.config import ScenarioSettings, Settings
from seatrial.core import UsageError, content
from seatrial.swarm.compare import Errors, calibrate, conclude

POINTS = {"p50": 5.0, "p90": 6.0, "p95": 7.0, "p99": 8.0}


def pair(base: tuple[int, int, int], candidate: tuple[int, int, int], latency_ms: float = 1.0) -> Pair:
    """Return a pair from due, late and answered arrivals of each side."""
    times = {name: value * latency_ms for name, value in POINTS.items()}
    bursts = [
        Burst(latency_ms=times, due=due, late=late, answered=answered, invalid=0)
        for due, late, answered in (base, candidate)
    ]
    return Pair(first="base", bursts={"base": bursts[0], "candidate": bursts[1]})


def concluded(pairs: list[Pair]) -> tuple[Comparison, Task]:
    """Return a comparison of pairs."""
    found, task = comparison("http://127.0.0.1:1", "/a")
    conclusion = _conclude(pairs, task)
    return replace(found, pairs=pairs, conclusion=conclusion, notes=notes_on_cost(pairs, conclusion)), task


def of_cost(pairs: list[Pair]) -> Any:
    """Return what is told of what a request costs, in an object that is as its schema says."""
    found, task = concluded(pairs)
    told = json.loads(json.dumps({**as_object(found, task), "warnings": []}))
    schema = json.loads((content("reports") / "schema" / "compare-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(told)
    return told["metrics"].get(CPU)


ALIKE = pair((9, 0, 9), (9, 0, 9))


def test_what_a_request_costs_is_told_and_decides_nothing() -> None:
    """Half as much again is said to be, with its bounds, and passes; no pass waits for it, at six pairs or at ten."""
    for count, worse in ((6, False), (10, True)):
        dearer = [costing(ALIKE, base=2.0, candidate=3.0)] * count
        found, task = concluded(dearer)
        assert found.conclusion
        assert (found.verdict, found.conclusion.settled, found.conclusion.worse) == ("pass", True, ())
        told = of_cost(dearer)
        assert told
        assert (told["pairs"], told["judged"], told["decides"], told["worse"]) == (count, True, False, worse)
        assert told["lower"] == pytest.approx(1.5)
        assert told["probability"] == pytest.approx(2 * 0.5**count), "as one of two"
        (line,) = [line for line in _lines(found, task) if line.startswith("cpu ")]
        assert f"of {count} pairs (informational: how often that is a false alarm is not shown yet)" in line
        assert any("decides nothing" in note for note in found.notes) is worse
    assert median_cost(dearer, "candidate") == 3.0


def test_a_burst_that_does_not_tell_its_cost_takes_its_pair_out() -> None:
    """Not the others', and that is said; below six pairs nothing is told. Too little to be counted is not known."""
    for lacking in (None, 0.0):
        untold = costing(ALIKE, base=2.0, candidate=lacking)
        told = of_cost([untold, *[costing(ALIKE, base=2.0, candidate=3.0)] * 10])
        assert told
        assert (told["pairs"], told["worse"]) == (10, True)
        notes = concluded([untold, *[costing(ALIKE, base=2.0, candidate=3.0)] * 6])[0].notes
        assert notes == [f"{CPU} is of 6 of 7 pairs: a burst of each of the others does not tell it"]
        few = [untold, *[costing(ALIKE, base=2.0, candidate=3.0)] * 5]
        assert of_cost(few) is None
        assert median_cost(few, "candidate") is None
        assert concluded(few)[0].notes == [f"{CPU} is not told: 5 of 6 pairs have it on both sides, and it takes 6"]


def test_what_is_informational_changes_no_probability_that_decides() -> None:
    """p50 alone besides p95 fails after six pairs, whatever is told besides."""
    differences = {"p95": [0.0] * 6, "p50": [math.log(1.3)] * 6}
    plain = conclude(differences, primary="p95", errors=Errors())
    told = conclude(differences, primary="p95", errors=Errors(), informational={CPU: [0.0] * 6})
    assert (plain.verdict, plain.worse) == (told.verdict, told.worse) == ("fail", ("p50",))
    assert told.others["p50"] == plain.others["p50"] == 0.5**6


def test_a_calibration_is_of_latency_alone() -> None:
    """What a request costs is in no share of it, however wild it is."""
    wild = [costing(ALIKE, base=2.0, candidate=2.0 * (number + 1)) for number in range(10)]
    assert _differences(wild, comparison("http://127.0.0.1:1", "/a")[1]).keys() == {"p95", "p50"}


def costing(pair: Pair, **cpu_ms: float | None) -> Pair:
    """Return a pair of which each side's burst tells what a request cost."""
    bursts: dict[Role, Burst] = {role: replace(pair.bursts[role], cpu_ms=cpu_ms[role]) for role in pair.bursts}
    return replace(pair, bursts=bursts)


def test_what_the_generator_never_began_is_nobodys_error() -> None:
    """It is in no share, neither as lost nor as sent; what was sent and not answered well is."""
    errors = errors_of([pair((100, 0, 100), (100, 20, 80)), pair((100, 50, 49), (100, 0, 97))])
    assert [errors.base, errors.candidate] == pytest.approx([1 / 150, 3 / 180])
    assert errors.more == pytest.approx([0, 0.03 - 0.02])


def comparison(word: str, path: str, *, latency_ms: float = 1.0) -> tuple[Comparison, Task]:
    """Return a comparison of a URL's path with itself."""
    scenario = ScenarioSettings.model_validate(
        {"rate_per_s": 9, "duration_s": {"quick": 1.0}, "paths": (path,), "identities": 0}
    )
    settings = Settings(root=Path())
    side = Side(role="candidate", word=word, kind="url", settings=settings, driver=word)
    found = Comparison(
        sides={"base": side, "candidate": side}, drivers={"base": "remote", "candidate": "remote"},
        pairs=[pair((9, 0, 9), (9, 0, 9), latency_ms)], conclusion=None, stopped="", notes=(), directory=Path(),
    )  # fmt: skip
    task = Task(
        base=word,
        candidate=word,
        stack="",
        name="paths",
        scenario=scenario,
        burst_s=1.0,
        metric="p95",
        looks=(6,),
        seed=1,
    )
    return found, task


def test_a_calibration_that_ended_early_says_so() -> None:
    """In words and in the object: its figures come from fewer pairs than were asked for."""
    found, task = comparison("http://127.0.0.1:1", "/a")
    calibration = calibrate({"p95": [0.0] * 6, "p50": [0.0] * 6}, primary="p95", seed=1, draws=2)
    early = Calibrated(comparison=replace(found, stopped="the time was over"), calibration=calibration)
    assert "note:      measured from fewer pairs than asked: the time was over" in [*_table(early, task)]
    schema = json.loads((content("reports") / "schema" / "calibrate-1.schema.json").read_text())
    told = json.loads(json.dumps(_calibration(early, task)))
    jsonschema.Draft202012Validator(schema).validate(told)
    assert told["stopped"] == "the time was over"


def test_a_trend_is_that_of_one_path_of_one_target(tmp_path: Path) -> None:
    """What was asked of another path, or elsewhere, is nothing that this one could have become slower than."""
    file = str(tmp_path / "history.jsonl")
    for word, path, times in (("http://127.0.0.1:1", "/a", 8), ("http://127.0.0.1:2", "/slow", 8)):
        for _ in range(times):
            keep_history(file, [], *comparison(word, path))
    stored = check_history(file)
    for word, path, warned in (
        ("http://127.0.0.1:1/", "/a", 4),
        ("http://127.0.0.1:1", "/slow", 0),
        ("http://127.0.0.1:2", "/a", 0),
    ):
        assert len(keep_history("/dev/null", stored, *comparison(word, path, latency_ms=3.0))) == warned


def test_a_trend_is_that_of_one_load(tmp_path: Path) -> None:
    """Scenarios of one name that send something else have nothing to do with each other."""
    file = str(tmp_path / "history.jsonl")
    loads: list[dict[str, Any]] = [{"traffic": "contract"}, {"traffic": "contract", "writes": True}, {"har": "a.har"}]
    for sent in loads:
        for _ in range(8):
            keep_history(file, [], *sending(**sent))
    stored = check_history(file)
    for sent, warned in (
        (loads[0], 4),
        (loads[2], 4),
        ({"har": "b.har"}, 0),
        ({"traffic": "contract", "only": ("GET /",)}, 0),
    ):
        assert len(keep_history("/dev/null", stored, *sending(latency_ms=3.0, **sent))) == warned


def sending(*, latency_ms: float = 1.0, **sent: Any) -> tuple[Comparison, Task]:
    """Return a comparison that sends something."""
    found, task = comparison("http://127.0.0.1:1", "/a", latency_ms=latency_ms)
    scenario = task.scenario.model_copy(update={"paths": (), **sent})
    return found, replace(task, scenario=scenario)


@pytest.mark.parametrize(
    "latency_ms",
    [None, "quick", [], {"p50": None}, {"p50": "5"}, {"p50": 0}, {"p50": -1}, {"p50": True}, {"p50": 1e999}],
)
def test_a_figure_that_is_none_is_found_before_anything_starts(tmp_path: Path, latency_ms: Any) -> None:
    """It is named by its line."""
    file = tmp_path / "history.jsonl"
    keep_history(str(file), [], *comparison("http://127.0.0.1:1", "/a"))
    entry = json.loads(file.read_text())
    assert len(check_history(str(file))) == 1
    file.write_text(file.read_text() + json.dumps({**entry, "latency_ms": latency_ms}) + "\n")
    with pytest.raises(UsageError, match="no percentiles above 0") as caught:
        check_history(str(file))
    assert caught.value.where == f"{file}:2"
