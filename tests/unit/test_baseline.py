"""Rules against the baseline: what may be missed by how much, what is not there yet, and the file that it stands in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial.cli import run_command_line
from seatrial.config import GateSettings, Settings, load_settings, parse_rule
from seatrial.core import CheckResult, Measurement, Outcome, UsageError, Verdict
from seatrial.gate import (
    Value,
    accepted,
    check_rules,
    collect_values,
    comparable,
    decide,
    judge,
    ratcheted,
    read_baseline,
    write_baseline,
)
from seatrial.record import (
    AnyEvent,
    CheckFinished,
    CheckPlanned,
    MeasurementTaken,
    Record,
    Recorder,
    RunFailed,
    RunFinished,
    RunStarted,
)

NUMBERS = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
UNITS = st.sampled_from(["percent", "ms", "count", "per_s", "ratio"])
RATCHET = "coverage.components.health >= baseline - 0.5 %"
WHOLE = (
    "posture", "health", "tracing", "logs", "security", "web", "jobs", "deployment", "contract", "ratelimit", "load",
    "coverage",
)  # fmt: skip


def judged(text: str, value: Value | None, stored: Value | None) -> tuple[Verdict, str]:
    """Judge one rule, and return how it ended and why."""
    rule = parse_rule(text)
    values, baseline = ({rule.metric: one} if one else {} for one in (value, stored))
    (gate,) = judge([rule], values, applies=lambda _: True, baseline=baseline)
    return gate.status, gate.reason


@pytest.mark.parametrize(
    ("text", "unit", "stored", "bound"),
    [
        ("coverage.total >= baseline", "percent", 80.0, 80.0),
        ("coverage.total >= baseline - 0.5 %", "percent", 80.0, 79.5),
        ("coverage.total>=baseline-0.5%", "percent", 80.0, 79.5),
        ("load.health.p99 <= baseline + 10 %", "ms", 50.0, 55.0),
        ("load.health.p99 <= baseline + 10 ms", "ms", 50.0, 60.0),
        ("checks.passed >= baseline - 2", "count", 40.0, 38.0),
        ("load.soak.memory_slope <= baseline + 10 %", "per_s", -100.0, -90.0),
    ],
)
def test_a_tolerance_is_points_of_a_percentage_and_a_share_of_anything_else(
    text: str, unit: str, stored: float, bound: float
) -> None:
    """`%` after `baseline` means points where the metric is measured in percent; without it, the metric's own unit."""
    rule = parse_rule(text)
    assert rule.baseline
    assert rule.against(stored, unit).threshold == pytest.approx(bound)


@given(NUMBERS, UNITS, st.sampled_from(["<=", "<", ">=", ">", "==", "!="]), st.integers(0, 100))
@example(0.1 + 0.2, "percent", ">=", 0)
def test_a_figure_holds_against_itself_unless_the_operator_is_strict(
    stored: float, unit: str, operator: str, by: int
) -> None:
    """Nothing is rounded: what was accepted meets its own baseline, and a tolerance makes nothing stricter."""
    held = parse_rule(f"a.b {operator} baseline").against(stored, unit)
    assert held.holds(stored) == (operator in {"<=", ">=", "=="})
    sign = "+" if "<" in operator else "-"
    if operator not in {"==", "!="}:
        wider = parse_rule(f"a.b {operator} baseline {sign} {by} %").against(stored, unit)
        assert wider.holds(stored) or not held.holds(stored)


@given(st.dictionaries(st.from_regex(r"[a-z]+(\.[A-Za-z]+){1,2}", fullmatch=True), st.tuples(NUMBERS, UNITS)))
def test_a_baseline_is_read_as_it_was_written(figures: dict[str, tuple[float, str]]) -> None:
    """All digits, in a stable order, and one line a figure: a figure that changes is one line of a difference."""
    import tempfile  # noqa: PLC0415 - Hypothesis runs this many times with one tmp_path

    values = {name: Value(*figure) for name, figure in figures.items()}
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "a.json", Path(folder) / "b.json"
        write_baseline(path, {"quick": values, "full": {}})
        write_baseline(again, {"full": {}, "quick": dict(reversed(values.items()))})
        assert path.read_text() == again.read_text()
        assert read_baseline(path) == {"quick": values, "full": {}}
        assert sum('"value"' in line for line in path.read_text().splitlines()) == len(values)
        assert [file.name for file in Path(folder).iterdir() if file.name.startswith(".")] == []


def test_what_may_rise_may_not_fall() -> None:
    """The ratchet: above the baseline and a little below it is a pass, further below a failure that says from where."""
    stored = Value(88.0, "percent")
    assert judged(RATCHET, Value(95.0, "percent"), stored)[0] is Verdict.PASS
    assert judged(RATCHET, Value(87.5, "percent"), stored)[0] is Verdict.PASS
    status, reason = judged(RATCHET, Value(87.4, "percent"), stored)
    assert (status, "wanted is >= 87.5 %; the baseline is 88 %" in reason) == (Verdict.FAIL, True)


def test_no_baseline_is_neither_a_pass_nor_a_failure() -> None:
    """It decides nothing beside other gates, is told, and alone it verifies nothing."""
    found = Value(90.0, "percent")
    status, reason = judged(RATCHET, found, None)
    assert (status, "no baseline was accepted yet: seatrial baseline accept" in reason) == (Verdict.NO_BASELINE, True)
    assert judged(RATCHET, found, Value(1.0, "count"))[0] is Verdict.NO_BASELINE
    assert judged(RATCHET, None, Value(1.0, "percent"))[0] is Verdict.INCONCLUSIVE
    record = Record(Path())
    record.results = {"a.b": CheckResult(check="a.b", outcome=Outcome.PASSED)}
    rules = tuple(map(parse_rule, ("checks.passed >= 1", "checks.passed >= baseline")))
    gates = judge(rules, collect_values(record), applies=lambda _: True)
    assert decide(record, gates) == (Verdict.PASS, "all 1 gates hold, 1 checks passed, 1 without a baseline yet")
    verdict, reason = decide(record, gates[1:])
    assert (verdict, "none of them has a baseline yet" in reason) == (Verdict.INCONCLUSIVE, True)


def test_load_against_a_stored_figure_decides_nothing() -> None:
    """Wherever it is written, it is informational, and says why."""
    settings = GateSettings(rules=("load.a.p99 <= baseline + 10 %", "checks.passed >= baseline"))
    assert [rule.informational for rule in settings.parsed] == [True, False]
    (gate, _) = judge(
        settings.parsed,
        {"load.a.p99": Value(200.0, "ms")},
        applies=lambda _: True,
        baseline={"load.a.p99": Value(100.0, "ms")},
    )
    assert (gate.status, gate.informational, gate.baseline, gate.threshold) == (Verdict.FAIL, True, 100.0, 110.0)
    assert "informational, as it may differ from a stored figure by chance" in gate.reason


@pytest.mark.parametrize(
    "rule", ["a.b >= baselines", "a.b >= 5 baseline", "a.b >= baseline 5", "a.b >= baseline * 2", "a.b >= baseline -"]
)
def test_what_is_no_baseline_is_refused_with_what_is_accepted(rule: str) -> None:
    """The message shows both forms."""
    with pytest.raises(UsageError, match="gate-rule") as caught:
        parse_rule(rule)
    assert "coverage.total >= baseline - 0.5 %" in caught.value.remedy


def test_units_of_a_tolerance_are_the_metrics_own_or_percent(tmp_path: Path) -> None:
    """Nobody adds milliseconds to a count; an objective, which is judged while load is sent, has no baseline."""
    check_rules(Settings(gate=GateSettings(rules=("checks.passed >= baseline - 5 %", "checks.passed >= baseline - 5"))))
    with pytest.raises(UsageError, match="gate-unit"):
        check_rules(Settings(gate=GateSettings(rules=("checks.passed >= baseline - 5 ms",))))
    (tmp_path / "seatrial.toml").write_text(
        '[load.a]\nrate_per_s = 1.0\nduration_s = {quick = 1.0}\n[load.a.objectives]\np99 = "<= baseline"\n'
    )
    with pytest.raises(UsageError, match="objective-baseline") as caught:
        load_settings(tmp_path / "seatrial.toml")
    assert caught.value.where.endswith("seatrial.toml:5")


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"schema": "urn:seatrial:baseline:2", "profiles": {}}', '{"schema": "urn:seatrial:baseline:1"}',
        '{"schema": "urn:seatrial:baseline:1", "profiles": {"quick": 3}}',
        '{"schema": "urn:seatrial:baseline:1", "profiles": {"quick": {"a.b": {"value": "3", "unit": "ms"}}}}',
        '{"schema": "urn:seatrial:baseline:1", "profiles": {"quick": {"a.b": {"value": NaN, "unit": "ms"}}}}',
        '{"schema": "urn:seatrial:baseline:1", "profiles": {"quick": {"a.b": {"value": 3, "unit": "hours"}}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(text: str, tmp_path: Path) -> None:
    """Whatever stands in it, the message names the file and what to do, and nothing counts as accepted."""
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="baseline-unreadable") as caught:
        read_baseline(path)
    assert caught.value.where == str(path)


def test_what_says_nothing_of_a_later_run_is_not_accepted() -> None:
    """Load and patches stay out unless a rule is about them, so does what is in doubt, and of a part what counts."""
    values = {
        "checks.passed": Value(3, "count"),
        "coverage.total": Value(80, "percent"),
        "contract.statuses": Value(10, "percent", doubt="the fuzzer was not heard"),
        "load.a.p99": Value(5, "ms"),
        "load.a.p50": Value(4, "ms"),
        "coverage.patch": Value(90, "percent"),
    }
    rules = (parse_rule("load.a.p99 <= baseline"), parse_rule("load.a.p50 <= 5 ms"))
    assert set(accepted(values, rules, whole=True)) == {"checks.passed", "coverage.total", "load.a.p99"}
    assert set(accepted(values, rules, whole=False)) == {"coverage.total", "load.a.p99"}
    counted = parse_rule("checks.passed >= baseline")
    assert (comparable([counted], whole=True), comparable([counted], whole=False)) == ((counted,), ())


def test_coverage_that_is_incomplete_decides_nothing() -> None:
    """Where a service did not hand in what it executed, too small a figure is inconclusive."""
    record = Record(Path())
    measured = Measurement(name="coverage.total", value=10.0, unit="percent", definition="lines")
    record.measurements = {"coverage.total": measured}
    incomplete = CheckResult(check="coverage.collected", outcome=Outcome.INCONCLUSIVE, reason="api handed in nothing")
    record.results = {"coverage.collected": incomplete}
    (gate,) = judge([parse_rule("coverage.total >= 80 %")], collect_values(record), applies=lambda _: True)
    assert (gate.status, "api handed in nothing" in gate.reason) == (Verdict.INCONCLUSIVE, True)


def started(*suites: str, fault: str = "") -> RunStarted:
    """Return the beginning of a run."""
    return RunStarted(
        run="r-1", version="1", started="2026-01-01T00:00:00+00:00", stack="local", why_stack="w", profile="quick",
        seed=7, suites=suites, fault=fault,
    )  # fmt: skip


def covered(percent: float) -> MeasurementTaken:
    """Return a measured coverage."""
    return MeasurementTaken(
        measurement=Measurement(name="coverage.total", value=percent, unit="percent", definition="lines")
    )


def lay_run(folder: Path, *events: AnyEvent) -> Path:
    """Write a run down, with one check that passed."""
    result = CheckResult(check="a.b", outcome=Outcome.PASSED)
    check = CheckPlanned(check="a.b", title="t", suite="a", severity="high")
    with Recorder(folder) as recorder:
        for event in (*events[:1], check, CheckFinished(result=result), *events[1:]):
            recorder.emit(event)
    return folder


PASSED = RunFinished(verdict=Verdict.PASS, reason="all hold", duration_s=1.0)


def test_accepting_and_showing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run becomes the baseline; a later one is shown beside it; part of a run changes what it measured alone."""
    (tmp_path / "seatrial.toml").write_text("[gate]\nbaseline = 'b.json'\n")
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["baseline", "show"]) == 0
    assert "no baseline yet: b.json" in capsys.readouterr().out
    lay_run(tmp_path / "one", started(*WHOLE), covered(80.0), PASSED)
    lay_run(tmp_path / "two", started("coverage"), covered(90.5), PASSED)
    assert run_command_line(["baseline", "accept", "one"]) == 0
    assert "coverage.total: none -> 80 %" in capsys.readouterr().out
    assert run_command_line(["baseline", "show", "two"]) == 0
    assert "80 %  run 90.5 % (+10.5)" in capsys.readouterr().out
    assert run_command_line(["baseline", "accept", "two"]) == 0
    said = capsys.readouterr().out
    assert "coverage.total: 80 % -> 90.5 %" in said
    assert "kept as they were: what this run of coverage did not measure" in said
    assert run_command_line(["baseline", "show", "two", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["profiles"]["quick"]["coverage.total"] == {
        "unit": "percent", "baseline": 90.5, "run": 90.5, "change": 0.0,
    }  # fmt: skip
    assert shown["profiles"]["quick"]["checks.passed"]["baseline"] == 1
    assert str(tmp_path) not in (tmp_path / "b.json").read_text()


def test_a_ratchet_moves_one_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What falls within its tolerance keeps its floor however often it is accepted; what rises takes it along."""
    (tmp_path / "seatrial.toml").write_text("[gate]\nrules = ['coverage.total >= baseline - 0.5 %']\n")
    monkeypatch.chdir(tmp_path)
    for number, (measured, floor) in enumerate([(80.0, 80.0), (79.6, 80.0), (79.2, 80.0), (81.0, 81.0)]):
        lay_run(tmp_path / str(number), started(*WHOLE), covered(measured), PASSED)
        assert run_command_line(["baseline", "accept", str(number), "--ratchet"]) == 0
        stored = read_baseline(tmp_path / "seatrial-baseline.json")["quick"]
        assert (stored["coverage.total"].number, stored["checks.passed"].number) == (floor, 1), number
    assert "coverage.total: 80 % -> 81 %" in capsys.readouterr().out
    assert run_command_line(["baseline", "accept", "1"]) == 0  # somebody's decision
    assert read_baseline(tmp_path / "seatrial-baseline.json")["quick"]["coverage.total"].number == 79.6


@given(
    st.dictionaries(st.sampled_from("abc"), NUMBERS, min_size=1),
    st.dictionaries(st.sampled_from("abc"), NUMBERS),
    st.sampled_from(["<=", "<", ">=", ">", "==", "!="]),
)
def test_a_ratchet_keeps_what_is_better_by_the_rule(
    new: dict[str, float], before: dict[str, float], operator: str
) -> None:
    """Up where more is better, down where less is, kept where it is missing; what no rule is about is taken."""
    rules = (parse_rule(f"x.a {operator} baseline - 1"), parse_rule("x.b >= 3"))
    figures, stored = ({f"x.{k}": Value(v, "count") for k, v in each.items()} for each in (new, before))
    after = ratcheted(figures, stored, rules)
    wanted = {f"x.{name}": number for name, number in new.items()}
    if {"a"} <= new.keys() & before.keys() and operator[0] in "<>":
        wanted["x.a"] = (max if operator[0] == ">" else min)(new["a"], before["a"])
    elif "a" in before and operator[0] in "<>":  # nobody measured it this time
        wanted["x.a"] = before["a"]
    assert {name: value.number for name, value in after.items()} == wanted
    other_unit = {"x.a": Value(before.get("a", 0.0), "ms")}
    assert ratcheted({"x.a": Value(1.0, "count")}, other_unit, rules) == {"x.a": Value(1.0, "count")}


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((started("a"), RunFailed(reason="the engine died", exit_code=3), PASSED), "the engine died"),
        ((started("a"),), "it did not end"),
        ((started("a", fault="slow"), PASSED), "seeded fault slow"),
    ],
)
def test_a_run_that_says_nothing_of_the_service_is_not_accepted(
    events: tuple[AnyEvent, ...], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What broke, did not end or had a seeded fault is refused, and nothing is written."""
    config = tmp_path / "seatrial.toml"
    config.write_text("")
    run = lay_run(tmp_path / "run", *events)
    assert run_command_line(["baseline", "accept", str(run), "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert "baseline-run-unfit" in said
    assert why in said
    assert not (tmp_path / "seatrial-baseline.json").exists()


def test_a_baseline_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A folder that is not there is named, with what to do."""
    with pytest.raises(UsageError, match="baseline-unwritable") as caught:
        write_baseline(tmp_path / "none" / "baseline.json", {})
    assert caught.value.where == str(tmp_path / "none" / "baseline.json")


def test_a_broken_baseline_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No run is begun for a file that could be judged against only at its end."""
    (tmp_path / "seatrial.toml").write_text("[gate]\nbaseline = 'b.json'\nrules = ['checks.passed >= baseline']\n")
    (tmp_path / "b.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["run", "--stack", "local"]) == 2
    assert "baseline-unreadable" in capfd.readouterr().err
    assert [file.name for file in tmp_path.iterdir() if file.is_dir()] == []
