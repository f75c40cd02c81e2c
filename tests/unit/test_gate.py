"""The verdict: no data is never a pass, and nothing is rounded before it is compared."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import ContractSettings, GateSettings, Settings, WaiverSettings, load_settings, parse_rule
from seatrial.core import CheckResult, Finding, FindingStatus, Measurement, Outcome, Severity, UsageError, Verdict
from seatrial.gate import Value, check_rules, collect_values, decide, describe, judge
from seatrial.plugin._complete import waived
from seatrial.record import CheckPlanned, Record, RunFailed

RULES = GateSettings().parsed


def record_of(*results: CheckResult) -> Record:
    """Return a record that holds these results."""
    record = Record(Path())
    record.results = {result.check: result for result in results}
    return record


def failed(check: str) -> CheckResult:
    """Return a failed result with one high finding."""
    finding = Finding(check=check, severity=Severity.HIGH, title="t", cause="c")
    return CheckResult(check=check, outcome=Outcome.FAILED, reason="r", findings=(finding,))


def passed(check: str) -> CheckResult:
    """Return a passed result."""
    return CheckResult(check=check, outcome=Outcome.PASSED)


def verdict_of(record: Record) -> Verdict:
    """Judge a record by the default rules."""
    gates = judge(RULES, collect_values(record), applies=lambda _: True)
    return decide(record, gates)[0]


def test_one_pass_passes() -> None:
    """A run in which one check passed and none failed is a pass."""
    assert verdict_of(record_of(passed("a.b"))) is Verdict.PASS


def test_empty_run_is_no_pass() -> None:
    """A run without a single outcome is inconclusive by the rules and by itself."""
    record = record_of()
    assert verdict_of(record) is Verdict.INCONCLUSIVE
    assert decide(record, [])[0] is Verdict.INCONCLUSIVE


def test_failure_outranks_inconclusive() -> None:
    """A failed check decides over an inconclusive one."""
    unsure = CheckResult(check="a.c", outcome=Outcome.INCONCLUSIVE, reason="r")
    assert verdict_of(record_of(failed("a.b"), unsure, passed("a.d"))) is Verdict.FAIL


def test_undecided_is_inconclusive() -> None:
    """Where nothing failed but a check could not decide, the run is inconclusive, not failed."""
    unsure = CheckResult(check="a.c", outcome=Outcome.INCONCLUSIVE, reason="r")
    assert verdict_of(record_of(unsure, passed("a.d"))) is Verdict.INCONCLUSIVE


def test_what_did_not_come_again_blocks_by_a_rule_alone() -> None:
    """A flaky finding is counted apart: the default rules let it through, and one of its own does not."""
    flaky = Finding(check="a.b", severity=Severity.HIGH, title="t", cause="c", status=FindingStatus.FLAKY)
    record = record_of(CheckResult(check="a.b", outcome=Outcome.PASSED, findings=(flaky,)))
    values = collect_values(record)
    assert (values["findings.high"].number, values["findings.flaky"].number) == (0, 1)
    assert verdict_of(record) is Verdict.PASS
    gates = judge((*RULES, parse_rule("findings.flaky == 0")), values, applies=lambda _: True)
    assert decide(record, gates)[0] is Verdict.FAIL
    check_rules(Settings(gate=GateSettings(rules=("findings.flaky == 0",))))


def test_lost_check_is_inconclusive() -> None:
    """A check that was planned and never ended keeps the run from passing."""
    record = record_of(passed("a.b"))
    record.planned["a.lost"] = CheckPlanned(check="a.lost", title="t", suite="a", severity="high")
    assert collect_values(record)["checks.inconclusive"].number == 1
    assert verdict_of(record) is Verdict.INCONCLUSIVE


def test_broken_run_is_inconclusive() -> None:
    """Where the environment broke, nothing that passed before makes a pass."""
    record = record_of(passed("a.b"))
    record.failure = RunFailed(reason="the engine died", exit_code=3)
    assert verdict_of(record) is Verdict.INCONCLUSIVE


def test_no_rules_is_inconclusive() -> None:
    """An empty list of rules proves nothing."""
    assert decide(record_of(passed("a.b")), [])[0] is Verdict.INCONCLUSIVE


def test_missing_measurement_is_inconclusive_unless_let_through() -> None:
    """A rule about a number that was never measured is inconclusive; `on_inconclusive = pass` forgives just that."""
    record = record_of(passed("a.b"))
    gates = judge((*RULES, parse_rule("load.x.p99 <= 5 ms")), collect_values(record), applies=lambda _: True)
    assert decide(record, gates)[0] is Verdict.INCONCLUSIVE
    assert decide(record, gates, on_inconclusive="pass")[0] is Verdict.PASS


@pytest.mark.parametrize("rule", ["checks.passed >= 2", "load.x.p99 <= 5 ms"])
def test_an_informational_rule_decides_nothing(rule: str) -> None:
    """Broken or never measured, it is judged and told, and the verdict is that of the other rules; alone it is none."""
    record = record_of(passed("a.b"))
    settings = GateSettings(informational=(rule,))
    gates = judge(settings.parsed, collect_values(record), applies=lambda _: True)
    assert [gate.status for gate in gates if gate.informational] != [Verdict.PASS]
    assert decide(record, gates)[0] is Verdict.PASS
    alone = [gate for gate in gates if gate.informational]
    assert len(alone) == 1
    assert decide(record, alone)[0] is Verdict.INCONCLUSIVE


def test_informational_rules_are_parsed_and_known_before_the_start(tmp_path: Path) -> None:
    """A rule that decides nothing is still refused where nobody could read or measure it."""
    (tmp_path / "seatrial.toml").write_text('[gate]\ninformational = ["coverage is good"]\n')
    with pytest.raises(UsageError, match="gate-rule") as caught:
        load_settings(tmp_path / "seatrial.toml")
    assert caught.value.where.endswith("seatrial.toml:2")
    with pytest.raises(UsageError, match="gate-metric"):
        check_rules(Settings(gate=GateSettings(informational=("checks.faild == 0",))))


@given(st.floats(min_value=0, max_value=1e6, allow_nan=False), st.floats(min_value=0, max_value=1e6, allow_nan=False))
def test_thresholds_compare_unrounded(value: float, threshold: float) -> None:
    """`<=` holds exactly when the raw value is at most the raw threshold."""
    rule = parse_rule(f"load.a.p99 <= {threshold:.20f}")
    (gate,) = judge([rule], {"load.a.p99": Value(value, "ms")}, applies=lambda _: True)
    assert (gate.status is Verdict.PASS) == (value <= rule.threshold)


def test_measurements_are_values() -> None:
    """A measurement can be gated under its own name and unit."""
    record = record_of()
    record.measurements["coverage.total"] = Measurement(
        name="coverage.total", value=87.5, unit="percent", definition="lines"
    )
    assert collect_values(record)["coverage.total"] == Value(87.5, "percent")


@pytest.mark.parametrize("metric", ["cases", "waits", "operations", "statuses", "client-statuses", "parameters"])
def test_what_the_fuzzer_measures_can_be_gated(metric: str) -> None:
    """Each figure of a contract that the documentation names is one that a rule may compare."""
    contract = ContractSettings.model_validate({})
    check_rules(Settings(contract=contract, gate=GateSettings(rules=(f"contract.{metric} <= 10",))))


@pytest.mark.parametrize(
    ("rule", "slug", "hint"),
    [
        ("checks.faild == 0", "gate-metric", "did you mean 'checks.failed'?"),
        ("coverage.total >= 80 %", "gate-metric", "known:"),
        ("checks.failed <= 5 ms", "gate-unit", "measured in count"),
    ],
)
@pytest.mark.parametrize("table", ["rules", "informational"])
def test_impossible_rules_are_usage_errors(rule: str, slug: str, hint: str, table: str) -> None:
    """A rule that could never be measured is refused before anything starts, with its place and what is accepted."""
    with pytest.raises(UsageError) as caught:
        check_rules(Settings(gate=GateSettings.model_validate({table: (rule,)})))
    assert (caught.value.slug, caught.value.where) == (slug, f"[gate] {table}")
    assert hint in caught.value.remedy


def numbers(record: Record, *waivers: WaiverSettings, today: dt.date) -> dict[str, float]:
    """Return what waivers change."""
    values = collect_values(record, waivers, today=today)
    return {name: values[name].number for name in ("checks.failed", "findings.high", "waivers.expired")}


NARROW = {"check": "a.b", "reason": "known", "owner": "me", "expires": "2026-01-31"}


@pytest.mark.parametrize(
    ("narrowed", "failed_checks", "high"),
    [
        ({}, 0, 0),
        ({"operation": "GET /a", "cause": "c/500"}, 1, 1),
        ({"operation": "GET /*"}, 0, 0),
        ({"cause": "c/*"}, 0, 0),
        ({"cause": "C/*"}, 1, 2),
        ({"operation": "POST *"}, 1, 2),
    ],
)
def test_waiver_holds_for_what_it_names(narrowed: dict[str, str], failed_checks: int, high: int) -> None:
    """A known defect of one operation does not hide another one of the same check."""
    waiver, day = WaiverSettings(**NARROW, **narrowed), dt.date(2026, 1, 1)
    places = (("GET /a", "c/500"), ("GET /b", "c/502"))
    findings = tuple(
        Finding(check="a.b", severity=Severity.HIGH, title="t", operation=operation, cause=cause)
        for operation, cause in places
    )
    record = record_of(CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=findings))
    assert numbers(record, waiver, today=day) == {
        "checks.failed": failed_checks, "findings.high": high, "waivers.expired": 0,
    }  # fmt: skip
    statuses = [waived(finding, [waiver], today=day).status for finding in findings]
    assert statuses.count(FindingStatus.CONFIRMED) == high


def test_waived_findings_that_stand_beside_an_open_one_excuse_nothing() -> None:
    """What could not be looked at again is not known to be the known defect."""
    findings = tuple(
        Finding(check="a.b", severity=Severity.HIGH, title="t", operation=status, cause="c", status=status)
        for status in (FindingStatus.WAIVED, FindingStatus.FLAKY, FindingStatus.UNCONFIRMED)
    )
    waiver, day = WaiverSettings(**NARROW, operation="waived"), dt.date(2026, 1, 1)
    shut = record_of(CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=findings[:2]))
    open_ = record_of(CheckResult(check="a.b", outcome=Outcome.FAILED, reason="r", findings=findings))
    assert [numbers(record, waiver, today=day)["checks.failed"] for record in (shut, open_)] == [0, 1]


def test_expired_waiver_is_told_where_its_finding_is() -> None:
    """A finding whose waiver is over counts, and says so."""
    waiver = WaiverSettings(**NARROW, operation="GET /a")
    finding = Finding(check="a.b", severity=Severity.HIGH, title="t", operation="GET /a", cause="c")
    told = waived(finding, [waiver], today=dt.date(2026, 2, 1))
    assert (told.status, told.waiver) == (
        FindingStatus.CONFIRMED,
        "the waiver of a.b (GET /a) by me expired on 2026-01-31 and counts no more",
    )


def test_waiver_holds_to_its_last_day() -> None:
    """A waived failure is counted apart until the day the waiver expires, and is a failure on the next."""
    waiver = WaiverSettings(check="a.b", reason="known", owner="me", expires="2026-01-31")
    record = record_of(failed("a.b"), passed("a.c"))
    last, next_day = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
    assert numbers(record, waiver, today=last) == {"checks.failed": 0, "findings.high": 0, "waivers.expired": 0}
    assert numbers(record, waiver, today=next_day) == {"checks.failed": 1, "findings.high": 1, "waivers.expired": 1}
    assert "expired" in describe([waiver], today=next_day)[0]


def test_a_reason_that_rules_share_is_told_once() -> None:
    """The sentence of a verdict says what is wrong, not how often it was asked for."""
    rules = [parse_rule(f"coverage.total >= {share} %") for share in (70, 80, 90)]
    gates = judge([*rules, parse_rule("load.a.p99 <= 1 ms")], {}, applies=lambda _: True)
    told = "coverage.total was never measured; load.a.p99 was never measured"
    assert decide(record_of(passed("a.b")), gates) == (Verdict.INCONCLUSIVE, told)
