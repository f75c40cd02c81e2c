"""Load without a server: when arrivals are due, what figures mean, and what follows from them."""

import itertools
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import account_of, refusals_of, visits
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.config import LimitSettings, ScenarioSettings
from seatrial.core import CheckResult, Exchange, Outcome, Request, Response, UsageError
from seatrial.swarm import check_objectives, due_times, nearest_rank
from seatrial.swarm._histogram import Histogram
from seatrial.swarm._honesty import Doubt, find_doubt, find_gap, lag_bound_ms
from seatrial.swarm._inside._mix import Mix
from seatrial.swarm._loadfile import find_load_file
from seatrial.swarm._objectives import check_resources, find_broken
from seatrial.swarm._order import Order, prepare
from seatrial.swarm._outcomes import Trial, judge, leave
from seatrial.swarm._plan import DROPPED, FAILED, LATE, OK, TIMEOUT, TURNED_AWAY, UNFINISHED, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._reading import Reading
from seatrial.swarm._rows import Row, fate, visits_of
from seatrial.swarm._scenario import Attempt
from seatrial.swarm._sessions import count_needed
from seatrial.swarm._statistics import figures_of, least_of, measure, total_of, word

# No test asserts how fast our own code is, so properties have no deadline.
PROPERTY = settings(deadline=None, max_examples=60)
RATES = st.floats(min_value=0.5, max_value=200)
DURATIONS = st.floats(min_value=0.01, max_value=10)
SCENARIO = ScenarioSettings(user="Steady", rate_per_s=40.0, duration_s={"quick": 3.0}, identities=40)
LEDGER = Ledger(due=100, started=100, answered=100)


def row(arrival: int = 0, **changes: object) -> Row:
    """Return a good row of an arrival, changed."""
    base = Row(
        arrival=arrival, due_s=arrival / 10, lag_ms=1.0, identity="u", operation="GET /a", status=200,
        media="application/json", outcome=OK, latency_ms=5.0, service_ms=4.0, cause="",
    )  # fmt: skip
    changed = replace(base, **changes)  # type: ignore[arg-type]  # a test's shorthand
    return changed if "service_ms" in changes else replace(changed, service_ms=changed.latency_ms - changed.lag_ms)


def scenario(**changes: object) -> ScenarioSettings:
    """Return the scenario, changed."""
    return ScenarioSettings.model_validate({**SCENARIO.model_dump(), **changes})


# Schedule


@PROPERTY
@given(RATES, DURATIONS, st.integers(), st.sampled_from(["constant", "poisson"]))
def test_schedule_is_a_pure_ascending_function(rate: float, duration: float, seed: int, spacing: str) -> None:
    """The same rate, duration and seed give the same ascending instants, all within the duration."""
    first, second = (
        list(due_times(rate, duration_s=duration, seed=seed, spacing=spacing))  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert first == second == sorted(first)
    assert all(0 <= due < duration for due in first)


@PROPERTY
@given(RATES, DURATIONS, st.integers())
def test_constant_arrivals_are_as_many_as_asked(rate: float, duration: float, seed: int) -> None:
    """Evenly spaced arrivals are rate times duration, but for less than one; their gaps are all alike."""
    due = list(due_times(rate, duration_s=duration, seed=seed))
    assert abs(len(due) - rate * duration) <= 1
    gaps = [after - before for before, after in itertools.pairwise(due)]
    assert all(math.isclose(gap, 1 / rate, rel_tol=1e-6, abs_tol=1e-9) for gap in gaps)


@PROPERTY
@given(RATES, DURATIONS, st.integers(), st.sampled_from(["constant", "poisson"]))
def test_a_longer_run_begins_with_the_shorter_one(rate: float, duration: float, seed: int, spacing: str) -> None:
    """What is due by an instant does not depend on how long the run will last."""
    short = list(due_times(rate, duration_s=duration, seed=seed, spacing=spacing))  # type: ignore[arg-type]
    longer = due_times(rate, duration_s=duration * 2, seed=seed, spacing=spacing)  # type: ignore[arg-type]
    assert list(itertools.takewhile(lambda due: due < duration, longer)) == short


def test_poisson_gaps_have_the_asked_mean() -> None:
    """Random arrivals come at the asked rate in the long run."""
    count = sum(1 for _ in due_times(100, duration_s=500, seed=1, spacing="poisson"))
    assert 49_000 < count < 51_000


# Tasks


@PROPERTY
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(), st.integers(1, 4))
def test_every_round_has_the_mix(weights: list[int], seed: int, rounds: int) -> None:
    """Each round of the deck holds every task exactly as often as its weight."""
    tasks = [lambda _, number=number: number for number, weight in enumerate(weights) for _ in range(weight)]
    mix = Mix(tasks, seed=seed)
    dealt = Counter(mix.task(index)(None) for index in range(len(tasks) * rounds))
    assert dealt == {number: weight * rounds for number, weight in enumerate(weights)}


# Figures


@PROPERTY
@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_percentile_is_the_definition(values: list[float], percent: int) -> None:
    """It is a measured value that at least so many percent do not exceed, and no smaller one is."""
    ordered = sorted(values)
    found = nearest_rank(ordered, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)


def test_no_value_has_no_percentile() -> None:
    """No data is never a number."""
    with pytest.raises(ValueError, match="of 0 values"):
        nearest_rank([], 99)


def test_latencies_are_not_rounded_before_they_are_compared() -> None:
    """A p99 that is above the threshold in the tenth digit does not hold."""
    latency = 250.0000000001
    assert figures_of(account_of([row(latency_ms=latency)]).groups, duration_s=1.0).values["p99"] == latency
    order = replace(ORDER, objectives=check_objectives(scenario(objectives={"p99": "<= 250 ms"})))
    assert outcome(judge(trial([row(latency_ms=latency, lag_ms=0.0)], order=order)), "objectives") is Outcome.FAILED


@PROPERTY
@given(st.lists(st.text(alphabet="GET /ab{}-_.2", min_size=1), unique=True))
def test_operations_have_different_words(operations: list[str]) -> None:
    """Operations never share a metric name, nor take the place of a total."""
    taken: set[str] = set()
    words = [word(operation, taken) for operation in operations]
    assert len(set(words)) == len(operations)
    assert not {"p50", "p99", "max", "rate", "error_ratio"} & set(words)


def test_measurements_per_operation_and_status() -> None:
    """Totals, each operation and each status become measurements with their samples."""
    rows = [row(0), row(1, operation="POST /b/{id}", status=500, outcome=FAILED)]
    ledger = Ledger(due=2, started=2, answered=1, failed=1)
    found = {m.name: m for m in measure("s", account_of(rows), ledger, duration_s=2.0)}
    assert found["load.s.error_ratio"].value == 0.5
    assert found["load.s.rate"].value == 0.5
    assert found["load.s.POST-b-id.status_500"].value == 1
    assert found["load.s.GET-a.p99"].samples == 1
    assert measure("s", account_of([]), Ledger(), duration_s=2.0) == []


def test_histogram_holds_every_latency() -> None:
    """The HdrHistogram decodes to as many values as were recorded, in microseconds."""
    from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]  # noqa: PLC0415 - as the code does

    counted = Histogram()
    for latency_ms in (0.0, 1.0, 250.0):
        counted.record(latency_ms)
    decoded = HdrHistogram.decode(counted.encode())
    assert decoded.get_total_count() == 3
    assert decoded.get_max_value() == pytest.approx(250_000, rel=0.001)


def test_there_is_one_way_to_round() -> None:
    """Half a microsecond is rounded as the load process rounds it, and less than nothing is the shortest time."""
    counted = Histogram()
    for latency_ms in (0.0025, 0.0045, -0.001, -5.0, 250.0):
        counted.record(latency_ms)
    assert Histogram.decode(counted.encode()) == counted
    assert counted.counts == {3: 1, 5: 1, 1: 2, 249984: 1}


# Ledger and rows


@PROPERTY
@given(st.lists(st.sampled_from([TURNED_AWAY, LATE, OK, FAILED, TIMEOUT, UNFINISHED])))
def test_ledger_adds_up_with_its_rows(fates: list[str]) -> None:
    """Whatever becomes of arrivals, the ledger adds up and agrees with the rows; one row less, and it does not."""
    rows = [row(index, outcome=fate) for index, fate in enumerate(fates)]
    counts = Counter(fates)
    dropped = sum(counts[fate] for fate in DROPPED)
    ledger = Ledger(
        due=len(fates), started=len(rows) - dropped, dropped=dropped,
        answered=counts[OK], failed=counts[FAILED] + counts[TIMEOUT], unfinished=counts[UNFINISHED],
    )  # fmt: skip
    assert ledger.adds_up
    assert account_of(rows).agrees(ledger)
    assert not rows or not account_of(rows[1:]).agrees(ledger)
    assert not replace(ledger, due=ledger.due + 1).adds_up
    assert not account_of(rows).agrees(replace(ledger, due=ledger.due + 1, dropped=dropped + 1))
    assert [index for index, fate in enumerate(fates) if fate in DROPPED] == [
        one.arrival for one in rows if not one.kind.began
    ]


def test_arrivals_that_never_began_are_errors() -> None:
    """One dropped arrival in a thousand is an error, and counts at its deadline: no percentile is better for it."""
    rows = [*(row(index) for index in range(999)), row(999, operation="TASK a", outcome=TURNED_AWAY, latency_ms=1000.0)]
    values = total_of(account_of(rows), duration_s=1.0).values
    assert (values["error_ratio"], values["rate"], values["max"]) == (0.001, 999, 1000)
    assert gap(rows, {"error_ratio": "<= 0"}) is not None
    assert gap(rows, {"error_ratio": "<= 0.001"}) is None


def test_errors_are_counted_by_arrivals() -> None:
    """An arrival whose last request failed has failed, however many it sent before; so has one that never ended."""
    chatty = [row(0, latency_ms=1.0) for _ in range(998)]
    rows = [*chatty, row(0, status=500, outcome=FAILED), row(1, outcome=UNFINISHED)]
    assert total_of(account_of(rows), duration_s=1.0).values["error_ratio"] == 1
    assert figures_of(account_of(rows).groups, duration_s=1.0).values["error_ratio"] == 0.002


def test_a_row_cut_in_the_middle_is_not_read(tmp_path: Path) -> None:
    """What a killed writer left of its last row is not there; a file that never was holds none."""
    file = tmp_path / "requests.csv"
    file.write_text("header\n0,0.1,1.5,u,GET /a,200,text/plain,ok,2.25,0.75,\n1,0.2,1.5,u,GET")
    assert [found.latency_ms for visit in visits_of(file) for found in visit] == [2.25]
    assert list(visits_of(tmp_path / "none")) == []


def test_a_plan_survives_the_way_and_hides_its_tokens() -> None:
    """A plan decodes to itself; its representation does not show headers."""
    plan = Plan(
        name="s", url="http://127.0.0.1:1", file="f", user="U", paths=("/a",), rate_per_s=1.5, duration_s=2.0,
        deadline_s=3.0, spacing="poisson", seed=4, identities=(("u", {"Authorization": "Bearer hidden"}),),
    )  # fmt: skip
    assert Plan.decode(plan.encode()) == plan
    assert "hidden" not in repr(plan)


# Identities


@PROPERTY
@given(
    st.floats(1, 50), st.floats(1, 40), st.integers(4, 200), st.floats(1, 60), st.integers(0, 3)
)  # fmt: skip
def test_no_identity_passes_its_quota(rate: float, duration: float, quota: int, window: float, seed: int) -> None:
    """Rotating as many identities as are counted, two requests an arrival, no one reaches more than the quota."""
    settings = scenario(rate_per_s=rate, identities=1)
    count = count_needed(settings, duration_s=duration, quotas=[(float(quota), window)])
    due = due_times(rate, duration_s=duration, seed=seed)
    rows = [row(due_s=at, identity=f"u{index % count}") for index, at in enumerate(due) for _ in range(2)]
    assert refusals_of(rows, [(float(quota), window)]).over == set()


def test_who_passed_the_quota_is_known() -> None:
    """An identity with one request too many in a window is named; the same number over two windows is not."""
    close = [row(due_s=at, identity="fast") for at in (0.0, 0.4, 0.9)]
    apart = [row(due_s=at, identity="slow") for at in (0.0, 0.9, 1.8)]
    assert refusals_of(close + apart, [(2.0, 1.0)]).over == {"fast"}


# Before anything starts


@pytest.mark.parametrize(
    "objective",
    [
        {"p99": "250 ms"},
        {"p99": "<= fast"},
        {"p99": "<= 1 %"},
        {"error_ratio": "<= 1 ms"},
        {"rate": ">= 3 s"},
        {"p50": ""},
    ],
)
def test_unreadable_objective(objective: dict[str, str]) -> None:
    """An objective without operator or number, or in another unit, is refused with an example."""
    with pytest.raises(UsageError) as caught:
        check_objectives(scenario(objectives=objective), name="steady")
    assert caught.value.slug == "objective-unreadable"
    assert caught.value.where.startswith("[load.steady.objectives]")
    assert "for example" in caught.value.remedy


def test_load_file_of_the_project_comes_first(tmp_path: Path) -> None:
    """The project's own load file is used, else the shipped one; one that is nowhere is named."""
    shipped = find_load_file(SCENARIO, root=tmp_path)
    assert shipped.parts[-2:] == ("load", "locustfile.py")
    own = tmp_path / "load" / "locustfile.py"
    own.parent.mkdir()
    own.touch()
    assert find_load_file(SCENARIO, root=tmp_path) == own.resolve()
    with pytest.raises(UsageError) as caught:
        find_load_file(scenario(file="load/none.py"), root=tmp_path)
    assert caught.value.slug == "load-file-missing"


def test_a_scenario_that_nobody_sends(tmp_path: Path) -> None:
    """A scenario without user and paths is refused."""
    with pytest.raises(UsageError) as caught:
        prepare("s", scenario(user=""), profile="quick", root=tmp_path, limits=None, environment={})
    assert caught.value.slug == "load-paths-missing"


def test_scenarios_of_another_profile_are_left_for_one_reason() -> None:
    """Which names none of them, so that all of a quick run share a line."""
    left = [result for name in ("soak", "jobs") for result in leave(name, scenario(duration_s={"full": 60}), "quick")]
    assert len({result.check for result in left}) == len(left) == 8
    assert {(result.outcome, result.reason) for result in left} == {
        (
            Outcome.NOT_TESTED,
            "the profile quick does not send these scenarios, but full does: [load.NAME.duration_s]",
        )
    }


def test_location_names_the_line_of_the_objectives(tmp_path: Path) -> None:
    """Findings point at the line of the objectives."""
    (tmp_path / "seatrial.toml").write_text("[load.s]\nuser = 'U'\n\n[load.s.objectives]\np99 = '<= 1 ms'\n")
    order = prepare("s", SCENARIO, profile="quick", root=tmp_path, limits=None, environment={})
    assert order.location == "seatrial.toml:4"


def test_declared_limits_decide_exemption_and_identities(tmp_path: Path) -> None:
    """Paths that every limit exempts are never limited; the profile's knobs say how many identities are needed."""
    limit = LimitSettings(quota=60, window_s=60.0, path="/a", exempt=("/health",), quota_variable="QUOTA")
    health = scenario(user="", paths=("/health",), identities=0)
    order = prepare("h", health, profile="quick", root=tmp_path, limits=[limit], environment={})
    assert order.exempt
    assert order.identities == 0
    order = prepare("s", SCENARIO, profile="quick", root=tmp_path, limits=[limit], environment={"QUOTA": "4"})
    assert not order.exempt
    assert order.identities == 120


# Outcomes

LIMITED = Exchange(
    id="x-1", operation="GET /a", identity="", request=Request(method="GET", url="http://h/a"),
    response=Response(status=429), sent_s=0.0, received_s=0.1, error="HTTP 429",
)  # fmt: skip

ORDER = Order(
    name="s", scenario=SCENARIO, file="f", duration_s=3.0, quotas=(), identities=40, exempt=False, rejection=429,
    objectives=check_objectives(scenario(objectives={"p99": "<= 250 ms", "error_ratio": "<= 0"})), location="",
)  # fmt: skip


def trial(rows: list[Row], *, doubt: Doubt | None = None, order: Order = ORDER) -> Trial:
    """Return what is judged, from rows."""
    account = account_of(rows)
    values = total_of(account, duration_s=3.0).values if rows else {}
    least = least_of(account.groups, account.total, duration_s=3.0).values if rows else {}
    return Trial(
        order=order, account=account, refusals=refusals_of(rows, order.quotas), values=values, least=least,
        doubt=doubt, replay="", exchanges=[LIMITED],
    )  # fmt: skip


def outcome(results: tuple[CheckResult, ...], claim: str) -> Outcome:
    """Return how the check of a claim ended."""
    return next(result.outcome for result in results if result.check == f"load.s-{claim}")


def outcomes(trial: Trial) -> tuple[str, ...]:
    """Return how honest, objectives and never-limited ended."""
    return tuple(result.outcome.value for result in judge(trial))[:3]


def test_good_load_passes() -> None:
    """Requests on time and without failures pass all three checks."""
    assert outcomes(trial([row()])) == ("passed", "passed", "passed")


def test_doubt_makes_everything_inconclusive() -> None:
    """With a dishonest generator nothing is judged as passed, however splendid its figures."""
    assert outcomes(trial([row()], doubt=Doubt(reason="late"))) == ("inconclusive",) * 3
    assert outcomes(trial([], doubt=Doubt(reason="nothing sent"))) == ("inconclusive",) * 3


def test_broken_objective_names_value_threshold_and_cause() -> None:
    """A failed objective has a finding with value, threshold and what failed most."""
    rows = [row(0), row(1, status=500, outcome=FAILED, cause="HTTP 500", latency_ms=300.5)]
    result = judge(trial(rows))[1]
    assert result.outcome is Outcome.FAILED
    titles = [finding.title for finding in result.findings]
    assert titles == [
        "p99 is 300.5 ms, asked was <= 250 ms",
        "error_ratio is 0.5, asked was <= 0; most of all 1 x GET /a: HTTP 500",
    ]
    assert result.findings[0].detail == "1 x GET /a: HTTP 500"


def test_quick_refusals_are_no_success() -> None:
    """A service that refuses everything quickly fails an objective on latency alone."""
    order = replace(ORDER, objectives=check_objectives(scenario(objectives={"p99": "<= 250 ms"})))
    result = judge(trial([row(status=503, outcome=FAILED, latency_ms=0.1)], order=order))[1]
    assert [finding.cause for finding in result.findings] == ["no-success"]


@pytest.mark.parametrize("objectives", [{}, {"cpu_ms_per_request": "<= 20 ms"}])
def test_a_dead_service_fails_whatever_is_asked(objectives: dict[str, str]) -> None:
    """One good answer, and there is nothing to say; without any, the service has failed though nothing was asked."""
    asked = scenario(objectives=objectives)
    order = replace(ORDER, objectives=check_objectives(asked), resources=check_resources(asked))
    dead = [row(index, status=503, outcome=FAILED) for index in range(3)]
    result = judge(trial(dead, order=order))[1]
    assert [finding.cause for finding in result.findings] == ["no-success"]
    assert outcome(judge(trial([*dead, row(3)], order=order)), "objectives") is Outcome.NOT_APPLICABLE
    doubted = judge(trial(dead, doubt=Doubt(reason="late"), order=order))
    assert outcome(doubted, "objectives") is Outcome.NOT_APPLICABLE


def test_no_objectives_are_not_applicable() -> None:
    """A scenario without objectives promises nothing."""
    assert outcome(judge(trial([row()], order=replace(ORDER, objectives={}))), "objectives") is Outcome.NOT_APPLICABLE


def test_a_429_below_the_quota_fails() -> None:
    """A user below its quota who is limited is a finding, with the exchange that shows it, whatever the generator."""
    rows = [row(0), row(1, status=429, outcome=FAILED)]
    for doubt in (None, Doubt(reason="late")):
        result = judge(trial(rows, doubt=doubt))[2]
        assert result.outcome is Outcome.FAILED
        assert result.findings[0].evidence == ("x-1",)


def test_a_429_beyond_the_quota_proves_nothing() -> None:
    """Users who passed their quota deserve their 429: nothing was shown."""
    rows = [row(index, due_s=0.0, status=429, outcome=FAILED) for index in range(3)]
    assert outcome(judge(trial(rows, order=replace(ORDER, quotas=[(2.0, 1.0)]))), "never-limited") is (
        Outcome.INCONCLUSIVE
    )


def test_a_429_is_no_finding_where_rows_are_missing() -> None:
    """What is missing may have passed the quota; on exempt paths nobody may be limited, however many they are."""
    rows = [row(0), row(1, status=429, outcome=FAILED)]
    torn = replace(trial(rows, doubt=Doubt(reason="worker 2 was lost")), whole=False)
    assert outcome(judge(torn), "never-limited") is Outcome.INCONCLUSIVE
    ended = replace(trial(rows), whole=False, lost=[*find_broken(ORDER.objectives, {"error_ratio": 0.5, "p99": 1.0})])
    assert outcome(judge(ended), "never-limited") is Outcome.NOT_TESTED
    exempt = replace(torn, order=replace(ORDER, identities=0, exempt=True))
    assert outcome(judge(exempt), "never-limited") is Outcome.FAILED


@pytest.mark.parametrize(("told", "there", "whole"), [(2, 2, True), (3, 2, False), (None, 2, False)])
def test_rows_are_whole_as_far_as_the_processes_say(told: int | None, there: int, whole: bool) -> None:
    """What a lost process wrote, nobody knows; what is not there that one told of, is missing."""
    plan = Plan(
        name="s", url="http://h", file="f", user="U", paths=(), rate_per_s=1.0, duration_s=2.0, deadline_s=3.0,
        spacing="constant", seed=1,
    )  # fmt: skip
    end = Ending(report=None if told is None else {"rows": told}, exit_code=0)
    rows = [row(index) for index in range(there)]
    reading = Reading.of(ORDER, visits(rows))
    assert Attempt(plan=plan, ending=end, ledger=LEDGER, reading=reading, doubt=None).whole is whole


def test_anonymous_load_may_be_limited() -> None:
    """Without identities and exemption there is no such promise; on exempt paths there is."""
    anonymous = replace(ORDER, identities=0)
    assert outcome(judge(trial([row()], order=anonymous)), "never-limited") is Outcome.NOT_APPLICABLE
    exempt = replace(anonymous, exempt=True)
    assert outcome(judge(trial([row()], order=exempt)), "never-limited") is Outcome.PASSED
    limited = [row(status=429, outcome=FAILED)]
    assert outcome(judge(trial(limited, order=exempt)), "never-limited") is Outcome.FAILED


# The generator


def ending(rows: list[Row], **changes: object) -> Ending:
    """Return a good ending that reports these rows, changed."""
    report = {"rows": len(rows), "recorded": [{"count": len(rows)}], "cpu_s": 0.5, "wall_s": 3.0}
    return replace(Ending(report=report, exit_code=0), **changes)  # type: ignore[arg-type]


def reporting(rows: list[Row], **facts: object) -> Ending:
    """Return a good ending whose report says something else."""
    return replace(ending(rows), report={**(ending(rows).report or {}), **facts})


ROWS = [row(index) for index in range(100)]
MORE = [*ROWS, row(100, outcome=LATE), row(101, outcome=LATE)]


@pytest.mark.parametrize(
    ("end", "ledger", "rows", "said"),
    [
        (ending(ROWS, report=None), LEDGER, ROWS, "before its report"),
        (ending(ROWS, exit_code=1), LEDGER, ROWS, "exit code 1"),
        (ending(ROWS, report=None, exit_code=-9), LEDGER, ROWS, "killed by SIGKILL"),
        (ending(ROWS, overdue=True), LEDGER, ROWS, "did not end in time"),
        (ending(ROWS), LEDGER, ROWS[1:], "do not add up"),
        (ending(ROWS), replace(LEDGER, due=101), ROWS, "do not add up"),
        (reporting(ROWS, recorded=[{"count": 60}, {"count": 39}]), LEDGER, ROWS, "99 times for 100"),
        (reporting(ROWS, cpu_s=2.9), LEDGER, [replace(one, lag_ms=6.0) for one in ROWS], "97 % of a processor"),
        (ending(ROWS, report=None, lost="worker 2 was lost"), LEDGER, ROWS, "worker 2 was lost"),
        (reporting(ROWS, apart_ms=50.1), LEDGER, ROWS, "up to 50.1 ms apart, more than 50 ms"),
        (ending([]), Ledger(), [], "not one request"),
        (ending(MORE), replace(LEDGER, due=102, dropped=2), MORE, "2 of 102"),
        (ending(ROWS), replace(LEDGER, due=102, dropped=2), ROWS, "do not add up"),
        (ending(ROWS), LEDGER, [*ROWS[2:], row(0, lag_ms=51.0), row(1, lag_ms=51.0)], "ms late"),
        (ending(ROWS), LEDGER, [*ROWS[2:], row(0, lag_ms=51.0), row(1, lag_ms=51.0)], "can send 200/s at most"),
    ],
)
def test_reasons_for_doubt(end: Ending, ledger: Ledger, rows: list[Row], said: str) -> None:
    """Each way in which a generator can fail is a doubt that says so."""
    found = find_doubt(end, ledger, account_of(rows), lag_limit_ms=50.0)
    assert found is not None
    assert said in found.reason


def test_a_good_generator_is_not_doubted() -> None:
    """All due arrivals started on time: no doubt; one late arrival in a hundred is within the bound."""
    assert find_doubt(ending(ROWS), LEDGER, account_of([*ROWS[1:], row(0, lag_ms=51.0)]), lag_limit_ms=50.0) is None
    assert find_doubt(reporting(ROWS, cpu_s=3.0), LEDGER, account_of(ROWS), lag_limit_ms=50.0) is None
    assert find_doubt(reporting(ROWS, apart_ms=50.0), LEDGER, account_of(ROWS), lag_limit_ms=50.0) is None


def ledger_of(rows: list[Row]) -> Ledger:
    """Return the ledger of arrivals with one row each."""
    fates = Counter(fate(one.outcome) for one in rows)
    started = len(rows) - fates["dropped"]
    return Ledger(
        due=len(rows), started=started, dropped=fates["dropped"], answered=fates[OK], failed=fates[FAILED],
        unfinished=fates[UNFINISHED],
    )  # fmt: skip


def gap(rows: list[Row], objectives: dict[str, str]) -> Doubt | None:
    """Return what rows leave open about objectives, within a second, with a deadline of a second."""
    rules = check_objectives(scenario(objectives=objectives))
    return find_gap(rules, ledger_of(rows), account_of(rows), duration_s=1.0)


def certain(rows: list[Row], objectives: dict[str, str]) -> bool:
    """Return whether rows fail the service."""
    order = replace(ORDER, objectives=check_objectives(scenario(objectives=objectives)))
    judged = judge(trial(rows, doubt=gap(rows, objectives), order=order))
    return outcome(judged, "objectives") is Outcome.FAILED


LATE_ROWS = [row(index, latency_ms=45.0, lag_ms=40.0) for index in range(100)]
TURNED = [row(index, operation="TASK a", outcome=TURNED_AWAY, latency_ms=1000.0) for index in range(10, 100)]


@pytest.mark.parametrize("metric", ["p50", "p95", "p99"])
def test_a_late_generator_never_fails_a_service(metric: str) -> None:
    """An objective that is broken by what the generator was late by is left open; one that is broken anyway is not."""
    assert find_doubt(ending(LATE_ROWS), LEDGER, account_of(LATE_ROWS), lag_limit_ms=50.0) is None
    found = gap(LATE_ROWS, {metric: "<= 20 ms"})
    assert found is not None
    assert f"{metric} is 45.0 ms" in found.reason
    assert not certain(LATE_ROWS, {metric: "<= 20 ms"})
    assert gap(LATE_ROWS, {metric: "<= 45 ms"}) is None
    assert certain([replace(one, latency_ms=240.0, service_ms=200.0) for one in LATE_ROWS], {metric: "<= 20 ms"})


def test_a_deadline_that_began_late_is_no_error_of_the_service() -> None:
    """An arrival that began after half its deadline, and then timed out, leaves it open; one on time does not."""
    rows = [row(index) for index in range(99)]
    spoilt = row(99, outcome=TIMEOUT, latency_ms=1000.0, lag_ms=500.0)
    assert gap([*rows, spoilt], {"error_ratio": "<= 0"}) is not None
    assert not certain([*rows, spoilt], {"error_ratio": "<= 0"})
    assert certain([*rows, replace(spoilt, lag_ms=1.0)], {"error_ratio": "<= 0"})


@pytest.mark.parametrize("objective", [{"p95": "<= 900 ms"}, {"error_ratio": "<= 0.05"}, {"rate": ">= 95/s"}])
def test_a_service_that_hangs_fails_however_little_room_there_is(objective: dict[str, str]) -> None:
    """Ten arrivals of a hundred could begin, and none was answered: that is no fault of the generator."""
    hanging = [row(index, outcome=TIMEOUT, status=0, latency_ms=1000.0) for index in range(10)]
    both = hanging + TURNED
    assert find_doubt(ending(both), ledger_of(both), account_of(both), lag_limit_ms=50.0) is None
    assert gap(hanging + TURNED, objective) is None
    assert certain(hanging + TURNED, objective)


@pytest.mark.parametrize("objective", [{}, {"p99": "<= 900 ms"}, {"error_ratio": "<= 0"}, {"rate": ">= 90/s"}])
def test_want_of_room_alone_proves_nothing(objective: dict[str, str]) -> None:
    """Where all that could begin went well, arrivals that were turned away fail no service, and pass none."""
    found = gap([row(index) for index in range(10)] + TURNED, objective)
    assert found is not None
    assert "only 10 of 100" in found.reason
    assert found.transient


def test_want_of_room_is_told_where_nothing_is_asked() -> None:
    """Without objectives a load that was not sent as asked is inconclusive, unless nobody at all was served."""
    failing = [row(index, outcome=FAILED) for index in range(10)]
    assert gap([*failing[1:], row(0), *TURNED], {}) is not None
    assert gap(failing + TURNED, {}) is None
    assert certain(failing + TURNED, {})


def test_the_lag_bound_follows_the_tightest_latency() -> None:
    """A tenth of the tightest latency objective, but never below 50 ms."""
    assert lag_bound_ms({}) == 50
    assert lag_bound_ms(check_objectives(scenario(objectives={"p99": "<= 100 ms"}))) == 50
    assert lag_bound_ms(check_objectives(scenario(objectives={"p99": "<= 1000 ms", "p50": "<= 800 ms"}))) == 80
