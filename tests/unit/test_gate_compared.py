"""Rules about two versions: judged by what is certain of them, from the file that a comparison left."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import Comparison, Pair, Side, Task
from seatrial.campaign._compare import _conclude
from seatrial.campaign._contest import Burst
from seatrial.cli._comparing import COMPARE_FILE, _kept, as_object
from seatrial.config import GateSettings, ScenarioSettings, Settings, parse_rule
from seatrial.core import CheckResult, GateResult, Outcome, UsageError, Verdict
from seatrial.gate import Compared, check_rules, decide, judge, read_comparisons
from seatrial.record import Record

BLOCKS = Path(__file__).with_name("data") / "paired_blocks.csv"
RULE = "load.compare.steady.p95 <= +10 %"
SCENARIO = ScenarioSettings.model_validate({"rate_per_s": 9, "duration_s": {"quick": 1.0}, "paths": ("/a",)})


def burst(row: dict[str, str], role: str, answered: int) -> Burst:
    """Return a burst that was really sent, as far as it was kept."""
    p50, p95 = (float(row[f"{role}_{name}_ms"]) for name in ("p50", "p95"))
    times = {"p50": p50, "p90": p95, "p95": p95, "p99": p95}
    return Burst(latency_ms=times, due=100, answered=answered, invalid=0)


def left(root: Path, kind: str, *, pairs: int = 60, answered: int = 100, commit: str = "") -> Settings:
    """Write the compare.json of pairs that were really sent, and return settings that name it."""
    with BLOCKS.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["kind"] == kind][:pairs]
    sent = [
        Pair(first="base", bursts={"base": burst(r, "base", 100), "candidate": burst(r, "candidate", answered)})
        for r in rows
    ]
    side = Side(role="candidate", word=".", kind="commit", settings=Settings(), commit=commit)
    task = Task(
        base="a",
        candidate="b",
        stack="",
        name="steady",
        scenario=SCENARIO,
        burst_s=1.0,
        metric="p95",
        looks=(max(pairs, 6),),
        seed=1,
    )
    found = Comparison(
        sides={"base": replace(side, role="base"), "candidate": side}, drivers={"base": "local", "candidate": "local"},
        pairs=sent, conclusion=_conclude(sent, task) if sent else None, stopped="" if sent else "it ended", notes=(),
        directory=root,
    )  # fmt: skip
    assert _kept({**as_object(found, task), "warnings": []}, root)["warnings"] == []
    return Settings(root=root, gate=GateSettings(comparisons=(COMPARE_FILE,)))


def judged(settings: Settings, text: str = RULE, *, commit: str = "") -> GateResult:
    """Judge one rule by the files that settings name."""
    compared = read_comparisons(settings, commit=commit)
    (gate,) = judge([parse_rule(text)], {}, applies=lambda _: True, compared=compared)
    return gate


def test_real_bursts_are_judged_by_what_is_certain(tmp_path: Path) -> None:
    """The same version holds; one that takes 10 % longer breaks 2 %, holds 25 %, and 10 % is open, as few pairs are."""
    same = judged(left(tmp_path, "same"))
    assert (same.status, same.threshold, same.unit) == (Verdict.PASS, 10.0, "percent")
    assert same.value == pytest.approx(0, abs=5)
    settings = left(tmp_path, "slower")
    ends = {bound: judged(settings, RULE.replace("+10", bound)).status for bound in ("2", "+10", "25")}
    assert ends == {"2": Verdict.FAIL, "+10": Verdict.INCONCLUSIVE, "25": Verdict.PASS}
    assert "certainly above +" in judged(settings).reason
    few = judged(left(tmp_path, "slower", pairs=3))
    assert (few.status, "nothing is certain" in few.reason) == (Verdict.INCONCLUSIVE, True)


@given(st.floats(-50, 50), st.floats(0, 50), st.floats(-60, 60), st.sampled_from(["<=", "<"]))
def test_nothing_is_decided_within_the_interval(lower: float, width: float, bound: float, operator: str) -> None:
    """Fail is where even the lower bound breaks the rule, pass where even the upper one holds, else neither."""
    rule = parse_rule(f"load.compare.steady.p95 {operator} {bound:+.6f} %")
    found = Compared(lower=lower, estimate=lower + width / 2, upper=lower + width)
    (gate,) = judge([rule], {}, applies=lambda _: True, compared={rule.metric: found})
    assert (gate.status is Verdict.PASS) == rule.holds(lower + width)
    assert (gate.status is Verdict.FAIL) == (not rule.holds(lower))


def test_nothing_that_was_not_compared_is_held_against_anything(tmp_path: Path) -> None:
    """Without a file there is no comparison yet, and that decides nothing; the message says how to make one."""
    gate = judged(Settings(root=tmp_path, gate=GateSettings(comparisons=(COMPARE_FILE,))))
    assert gate.status is Verdict.NO_COMPARISON
    assert "seatrial load compare --scenario steady" in gate.reason
    record = Record(Path(), results={"a.b": CheckResult(check="a.b", outcome=Outcome.PASSED)})
    holds = replace(gate, id="c", status=Verdict.PASS)
    said = "all 1 gates hold, 1 checks passed, 1 without a comparison yet"
    assert decide(record, [gate, holds]) == (Verdict.PASS, said)
    assert decide(record, [gate])[0] is Verdict.INCONCLUSIVE


def test_a_comparison_of_something_else_decides_nothing(tmp_path: Path) -> None:
    """One of another commit, and one in which errors took the place of answers, are inconclusive and say why."""
    other = judged(left(tmp_path, "same", commit="a" * 40), commit="b" * 40)
    assert (other.status, f"it compared {'a' * 12}" in other.reason) == (Verdict.INCONCLUSIVE, True)
    assert judged(left(tmp_path, "same", commit="a" * 40), commit="a" * 40).status is Verdict.PASS
    changed = judged(left(tmp_path, "same", commit="a" * 40), commit="a" * 40 + "+")
    assert (changed.status, "and this is aaaaaaaaaaaa with changes" in changed.reason) == (Verdict.INCONCLUSIVE, True)
    lost = judged(left(tmp_path, "same", answered=98))
    assert (lost.status, "the candidate did not answer 2.00%" in lost.reason) == (Verdict.INCONCLUSIVE, True)


def test_a_comparison_that_broke_is_not_one_that_was_never_made(tmp_path: Path) -> None:
    """No pair was measured: that is inconclusive with its reason, and no state that lets a run pass."""
    gate = judged(left(tmp_path, "same", pairs=0))
    assert (gate.status, gate.value) == (Verdict.INCONCLUSIVE, None)
    assert "is not known, wanted is <= +10 %, but the comparison ended before: it ended" in gate.reason


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "urn:seatrial:compare:1"}', "\ud800"])
def test_a_file_that_is_no_comparison_is_refused(text: str, tmp_path: Path) -> None:
    """The message names the file."""
    (tmp_path / COMPARE_FILE).write_text(text, errors="surrogatepass")
    with pytest.raises(UsageError, match="comparison-unreadable") as caught:
        read_comparisons(Settings(root=tmp_path, gate=GateSettings(comparisons=(COMPARE_FILE,))))
    assert caught.value.where == str(tmp_path / COMPARE_FILE)


@pytest.mark.parametrize(
    "rule",
    [
        "load.compare.steady.p95 <= 10",
        "load.compare.steady.p95 <= 10 ms",
        "load.compare.steady.p95 >= 10 %",
        "load.compare.steady.p95 == 10 %",
        "load.compare.steady.p999 <= 10 %",
        "load.compare.steady.p95 <= baseline + 10 %",
    ],
)
def test_what_an_interval_cannot_decide_is_refused(rule: str) -> None:
    """The message lists what is accepted, with an example."""
    with pytest.raises(UsageError, match="gate-rule") as caught:
        parse_rule(rule)
    assert "p50 p90 p95 p99" in caught.value.remedy
    assert RULE in caught.value.remedy


def test_a_rule_names_a_scenario_of_the_project() -> None:
    """Before anything starts."""
    settings = Settings(load={"steady": SCENARIO}, gate=GateSettings(rules=(RULE,)))
    check_rules(settings)
    with pytest.raises(UsageError, match="gate-metric") as caught:
        check_rules(settings.model_copy(update={"gate": GateSettings(rules=(RULE.replace("steady", "stedy"),))}))
    assert "load.compare.steady.p95" in caught.value.remedy
