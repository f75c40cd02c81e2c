"""Objectives of load: of single operations, of what the service uses, and those that are lost before the end."""

import itertools
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from accounts import account_of, recoveries_of, refusals_of
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import LimitSettings, Rule, ScenarioSettings, load_settings
from seatrial.core import CheckResult, EnvironmentFailure, Outcome, UsageError
from seatrial.stack import Usage
from seatrial.swarm import Sending, Sources, figures_sent
from seatrial.swarm._honesty import Doubt
from seatrial.swarm._lost import Watch, find_lost, ledger_at
from seatrial.swarm._objectives import Broken, check_objectives, check_operations, check_resources
from seatrial.swarm._order import prepare
from seatrial.swarm._outcomes import CLAIMS, Trial, judge
from seatrial.swarm._plan import FAILED, OK, Ledger, Plan
from seatrial.swarm._resources import SOURCE_OF, Resources, Sample, Sampler
from seatrial.swarm._rows import Row
from seatrial.swarm._slope import LEAST_POINTS, Interval, slope_of
from seatrial.swarm._statistics import total_of
from seatrial.swarm._values import Values, limited_ratio, operation_values, values_of

ROW = Row(
    arrival=0, due_s=0.0, lag_ms=0.0, identity="", operation="GET /a", status=200, media="", outcome=OK,
    latency_ms=5.0, service_ms=5.0, cause="",
)  # fmt: skip
SECONDS = 20


def scenario(**changes: Any) -> ScenarioSettings:
    """Return a scenario that lasts 20 seconds."""
    return ScenarioSettings.model_validate(
        {"rate_per_s": 5.0, "duration_s": {"quick": SECONDS}, "paths": ("/a", "/b"), **changes}
    )


def rows_of(*latencies_ms: float, operation: str = "GET /a", first: int = 0, **changes: Any) -> list[Row]:
    """Return one row an arrival."""
    return [
        replace(
            ROW, arrival=first + number, due_s=number / 5, operation=operation, latency_ms=ms, service_ms=ms, **changes
        )
        for number, ms in enumerate(latencies_ms)
    ]


def valued(rows: Sequence[Row], of: ScenarioSettings) -> Values:
    """Return the values of a scenario."""
    return values_of(account_of(rows), recoveries_of(rows, of), rejection=429, duration_s=SECONDS)


def judged(rows: Sequence[Row], *, folder: Path, more: Mapping[str, Any], **changes: Any) -> dict[str, CheckResult]:
    """Return the results of a scenario's checks, by claim."""
    order = prepare("s", scenario(**changes), profile="quick", root=folder, limits=(), environment={})
    account, values = account_of(rows), valued(rows, order.scenario)
    trial = Trial(
        order=order, account=account, refusals=refusals_of(rows, order.quotas), values=values.seen,
        least=values.least, replay="", operations=operation_values(account, rejection=429, duration_s=SECONDS),
        **{"doubt": None, **more},
    )  # fmt: skip
    return dict(zip(CLAIMS, judge(trial), strict=True))


def ended(result: CheckResult) -> tuple[str, list[str]]:
    """Return outcome and titles of what was found."""
    return result.outcome.value, [finding.title for finding in result.findings]


# Names


def test_a_metric_that_does_not_exist_comes_with_the_nearest(tmp_path: Path) -> None:
    """File, line, and what may have been meant, of a scenario and of an operation."""
    file = tmp_path / "seatrial.toml"
    head = '[load.s]\npaths = ["/a"]\nrate_per_s = 1\n[load.s.duration_s]\nquick = 1\n'
    for table, wrong, right in [
        ("objectives", "p98", "p9"),
        ("objectives", "error_rate", "error_ratio"),
        ("objectives", "memory_slop", "memory_slope"),
        ("objectives", "recovery", "recovery_s"),
        ('operations."GET /a"', "limit_ratio", "limited_ratio"),
    ]:
        file.write_text(f'{head}[load.s.{table}]\n{wrong} = "<= 1"\n')
        with pytest.raises(UsageError) as caught:
            load_settings(file)
        assert caught.value.slug == "config-invalid"
        assert f"did you mean '{right}" in caught.value.remedy


def test_an_operation_that_is_not_sent_comes_with_the_nearest() -> None:
    """What paths send is known before; a query is no part of an operation."""
    wrong = scenario(paths=("/items?page=2", "/other"), operations={"GET /item": {"p99": "<= 1 ms"}})
    with pytest.raises(UsageError) as caught:
        check_operations(wrong, name="s")
    assert caught.value.slug == "objective-operation"
    assert "did you mean 'GET /items'?" in caught.value.remedy
    right = scenario(paths=("/items?page=2",), operations={"GET /items": {"p99": "<= 1 ms"}})
    assert check_operations(right)["GET /items"]["p99"].threshold == 1


def test_an_operation_that_never_came_passes_nothing(tmp_path: Path) -> None:
    """Of a user class it is known in the end only."""
    (tmp_path / "users.py").write_text("")
    result = judged(
        rows_of(1.0, 2.0), folder=tmp_path, more={}, user="Any", file="users.py",
        operations={"GET /aa": {"p99": "<= 9 ms"}},
    )["objectives"]  # fmt: skip
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "did you mean 'GET /a'?" in result.reason


@pytest.mark.parametrize(
    ("metric", "table", "declared"),
    [
        ("queue_max", "[jobs.queue]", False),
        ("queue_slope", "[jobs.queue]", False),
        ("queries_per_request", "[metrics] queries", False),
        ("queries_per_request", "[metrics] queries", True),
    ],
)
def test_what_nobody_can_count_is_no_objective(metric: str, table: str, declared: bool, tmp_path: Path) -> None:
    """It is refused where it stands, before anything starts, and not left untested for ever."""
    file = tmp_path / "seatrial.toml"
    file.write_text(
        f'[metrics]\nqueries = "{"q" * declared}"\n[load.s]\npaths = ["/a"]\nrate_per_s = 1\n'
        f'duration_s = {{ quick = 1 }}\n[load.s.objectives]\n{metric} = "<= 1"\n'
    )
    if declared:
        assert set(check_resources(load_settings(file).load["s"])) == {metric}
        return
    with pytest.raises(UsageError) as caught:
        load_settings(file)
    assert caught.value.slug == "objective-source"
    assert caught.value.where.endswith("seatrial.toml:8")
    assert f"declare {table}" in caught.value.remedy


# Single operations, and refusals


def test_an_objective_of_one_operation_is_its_own(tmp_path: Path) -> None:
    """A slow operation among many quick ones breaks its own objective, and none of the whole."""
    rows = [*rows_of(*[1.0] * 300), *rows_of(80.0, 90.0, operation="GET /b", first=300)]
    asked = {"objectives": {"p99": "<= 50 ms"}, "operations": {"GET /b": {"p99": "<= 50 ms"}}}
    result = judged(rows, folder=tmp_path, more={}, **asked)["objectives"]
    assert ended(result) == ("failed", ["GET /b: p99 is 90.0 ms, asked was <= 50 ms"])
    assert [finding.operation for finding in result.findings] == ["GET /b"]
    asked["operations"] = {"GET /a": {"p99": "<= 50 ms"}}
    assert judged(rows, folder=tmp_path, more={}, **asked)["objectives"].outcome is Outcome.PASSED


def test_what_the_generator_may_have_spoilt_of_an_operation_is_left_open(tmp_path: Path) -> None:
    """All requests waited for the generator: the operation fails nobody and passes nothing."""
    rows = rows_of(*[45.0] * 100, lag_ms=40.0)
    rows = [replace(row, service_ms=5.0) for row in rows]
    result = judged(rows, folder=tmp_path, more={}, operations={"GET /a": {"p95": "<= 20 ms"}})["objectives"]
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "GET /a: p95 is 45.0 ms" in result.reason


def test_refusals_are_a_share_of_requests(tmp_path: Path) -> None:
    """One of four, whatever else failed."""
    rows = [
        *rows_of(1.0, 1.0),
        *rows_of(1.0, status=429, outcome=FAILED, first=2),
        *rows_of(1.0, status=500, outcome=FAILED, first=3),
    ]
    for limit, outcome in [("<= 0.25", "passed"), ("<= 0.24", "failed"), (">= 0.3", "failed")]:
        result = judged(rows, folder=tmp_path, more={}, objectives={"limited_ratio": limit})["objectives"]
        assert result.outcome.value == outcome, limit


# Lost before the end


def tick(**counts: float) -> dict[str, float]:
    """Return what is told of a second."""
    told = {"due": 50, "started": 50, "answered": 40, "failed": 0, "elapsed_s": 10.0, "lag_ms": 1.0, "busy": 0.1}
    return {**told, "proven": counts.get("failed", 0), **counts}


def rules(**texts: str) -> dict[str, Rule]:
    """Return parsed objectives."""
    return check_objectives(scenario(objectives=texts))


def test_an_objective_is_lost_when_nothing_can_mend_it() -> None:
    """Ten of a hundred failed already: no good end makes that less than a tenth."""
    objectives = rules(error_ratio="<= 0.09", rate=">= 4.6/s", p99="<= 1 ms")
    lost = find_lost(objectives, tick(failed=10), due=100, duration_s=20.0)
    assert {one.metric: one.value for one in lost} == {"error_ratio": 0.1, "rate": 4.5}
    assert find_lost(objectives, tick(failed=8), due=100, duration_s=20.0) == ()
    assert find_lost(objectives, tick(failed=10, proven=8), due=100, duration_s=20.0) == ()


def test_what_may_still_come_true_is_not_lost() -> None:
    """Who asks for errors, or for no more than so many a second, can get them until the end."""
    wished = rules(error_ratio=">= 0.4", rate="<= 2/s")
    assert find_lost(wished, tick(failed=25), due=100, duration_s=20.0) == ()
    assert find_lost(wished, tick(failed=0), due=100, duration_s=20.0) == ()


@pytest.mark.parametrize(
    ("told", "sure"),
    [
        ({}, True),
        ({"started": 49}, False),  # the schedule is further than that, whatever the generator says is due
        ({"started": 49, "due": 49}, False),
        ({"lag_ms": 51.0}, False),
        ({"lag_ms": 6.0}, True),
        ({"lag_ms": 6.0, "busy": 0.96}, False),
        ({"lag_ms": 4.0, "busy": 0.96}, True),
    ],
)
def test_a_generator_in_doubt_ends_nothing(told: dict[str, float], sure: bool) -> None:
    """An objective is lost by the service alone: while the generator may be to blame, the load goes on to its end."""
    ended = [0]
    team: Any = SimpleNamespace(stop=lambda: ended.append(1))
    plan = Plan(
        name="s", url="", file="", user="", paths=(), rate_per_s=5.0, duration_s=20.0, deadline_s=1.0,
        spacing="constant", seed=1,
    )  # fmt: skip
    watch = Watch(plan, rules(error_ratio="<= 0.09"), team, grace_s=5.0)
    watch(tick(failed=30, elapsed_s=4.0, started=20))
    watch(tick(failed=30, **{"elapsed_s": 10.0, **told}))
    assert (bool(watch.lost), sum(ended)) == (sure, int(sure))


@given(st.lists(st.booleans(), min_size=1, max_size=80), st.integers(0, 80), st.floats(0, 1))
def test_what_is_lost_is_broken_in_the_end(fates: list[bool], seen: int, limit: float) -> None:
    """Whatever comes after: the ratio of the whole breaks the objective too."""
    failed = fates[:seen].count(False)
    counts = tick(due=seen, started=seen, answered=seen - failed, failed=failed)
    asked = rules(error_ratio=f"<= {limit:.6f}")
    if find_lost(asked, counts, due=len(fates), duration_s=20.0):
        assert not asked["error_ratio"].holds(fates.count(False) / len(fates))
    assert ledger_at(counts).adds_up


def test_a_load_that_was_ended_for_it_fails(tmp_path: Path) -> None:
    """Not inconclusive; of all else nothing is said, as it was not sent to its end, but what is there holds."""
    lost = (Broken(metric="error_ratio", value=0.1, rule=rules(error_ratio="<= 0")["error_ratio"]),)
    asked: dict[str, Any] = {"objectives": {"error_ratio": "<= 0", "memory_slope": "<= 1/s"}, "identities": 3}
    found = judged([], folder=tmp_path, more={"lost": lost}, **asked)
    assert ended(found["objectives"]) == ("failed", ["error_ratio is 0.1, asked was <= 0"])
    assert {found[claim].outcome for claim in CLAIMS if claim != "objectives"} == {Outcome.NOT_TESTED}
    limited = rows_of(1.0, status=429, outcome=FAILED)
    found = judged(limited, folder=tmp_path, more={"lost": lost}, **asked)
    assert found["never-limited"].outcome is Outcome.FAILED


# Slopes


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(LEAST_POINTS, 40))
def test_the_slope_of_a_line_is_its_own(slope: float, start: float, count: int) -> None:
    """And its interval is no wider than rounding makes it."""
    found = slope_of([(x, start + slope * x) for x in range(count)])
    assert found is not None
    assert found.low <= found.value <= found.high
    assert abs(found.value - slope) <= 1e-6 * max(abs(slope), abs(start), 1)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), min_size=LEAST_POINTS, unique_by=lambda p: p[0]))
def test_an_interval_is_made_of_slopes_that_are_there(points: list[tuple[float, float]]) -> None:
    """Its ends are slopes of pairs, in order, and the value lies between."""
    found = slope_of(points)
    assert found is not None
    slopes = {(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(sorted(points), 2)}
    assert {found.low, found.high} <= slopes
    assert found.low <= found.value <= found.high


def test_one_step_is_no_slope() -> None:
    """A service that takes memory once does not leak; few looks say nothing at all."""
    step = slope_of([(x, 100.0 + 50 * (x == 19)) for x in range(20)])
    assert step == Interval.exact(0.0)
    assert slope_of([(x, x) for x in range(LEAST_POINTS - 1)]) is None


def test_half_the_noise_of_a_coin_has_a_slope_around_nothing() -> None:
    """The interval of what only goes up and down holds 0."""
    found = slope_of([(x, float(x % 2)) for x in range(20)])
    assert found is not None
    assert found.low <= 0 <= found.high


# What the service uses


def looks(bytes_per_s: float = 0.0, cpu_s: float = 0.01, queue: float = 0.0, queries: float = 2.0) -> list[Sample]:
    """Return a look a second, from just before the load to its end, at 5 requests a second."""
    return [
        Sample(
            at_s=at, usage=Usage(cpu_s=cpu_s * 5 * at, memory_bytes=round(5e7 + bytes_per_s * at), descriptors=30),
            queue=queue * at, queries=queries * 5 * at,
        )
        for at in range(SECONDS + 1)
    ]  # fmt: skip


LOOKED: dict[str, Any] = {"usage": Usage, "queue": float, "queries": float}


def used(asked: Mapping[str, str], samples: Sequence[Sample], **sources: Any) -> dict[str, Any]:
    """Return a scenario's objectives and what was seen of the service."""
    seen = Resources(samples=samples, sources=Sources(**{**LOOKED, **sources}))
    return {"objectives": asked, "more": {"resources": seen}}


@pytest.mark.parametrize(
    ("metric", "limit", "broken"),
    [
        ("memory_slope", "<= 1000/s", {"bytes_per_s": 2000.0}),
        ("cpu_ms_per_request", "<= 15 ms", {"cpu_s": 0.02}),
        ("queue_slope", "<= 0.5/s", {"queue": 1.0}),
        ("queue_max", "<= 5", {"queue": 1.0}),
        ("queries_per_request", "<= 3", {"queries": 40.0}),
    ],
)
def test_each_figure_of_the_service_can_fail(metric: str, limit: str, broken: dict[str, float], tmp_path: Path) -> None:
    """The same objective holds for a service that is well, and fails for one that is not."""
    rows = rows_of(*[1.0] * 100)
    well = judged(rows, folder=tmp_path, **used({metric: limit}, looks()))["resources"]
    assert well.outcome is Outcome.PASSED, well.reason
    ill = judged(rows, folder=tmp_path, **used({metric: limit}, looks(**broken)))["resources"]
    assert [finding.cause for finding in ill.findings] == [metric]
    assert metric in ill.reason


def test_descriptors_that_stay_open_are_a_slope(tmp_path: Path) -> None:
    """One more each second."""
    kept = [replace(one, usage=Usage(cpu_s=1.0, descriptors=30 + round(one.at_s))) for one in looks()]
    result = judged(rows_of(1.0), folder=tmp_path, **used({"descriptor_slope": "<= 0.1/s"}, kept))["resources"]
    assert ended(result)[0] == "failed"
    unknown = [replace(one, usage=Usage(cpu_s=1.0, descriptors=None)) for one in looks()]
    result = judged(rows_of(1.0), folder=tmp_path, **used({"descriptor_slope": "<= 0.1/s"}, unknown))["resources"]
    assert result.outcome is Outcome.INCONCLUSIVE


def test_a_slope_whose_interval_holds_the_threshold_is_left_open(tmp_path: Path) -> None:
    """Neither does the service fail by it, nor pass."""
    noisy = [
        replace(one, usage=Usage(cpu_s=1.0, memory_bytes=round(1000 * one.at_s + 4e4 * math.sin(one.at_s**2))))
        for one in looks()
    ]
    result = judged(rows_of(1.0), folder=tmp_path, **used({"memory_slope": "<= 1000/s"}, noisy))["resources"]
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "between" in result.reason


def test_what_the_driver_cannot_tell_is_not_tested(tmp_path: Path) -> None:
    """All of it: not tested; a part of it: what is left cannot pass alone."""
    rows, asked = rows_of(1.0), {"memory_slope": "<= 1000/s"}
    at_url = used(asked, [], usage="a remote stack does not tell what a service uses")
    result = judged(rows, folder=tmp_path, **at_url)["resources"]
    assert (result.outcome, "a remote stack" in result.reason) == (Outcome.NOT_TESTED, True)
    unasked = [replace(one, queries=None) for one in looks()]
    both = used({**asked, "queries_per_request": "<= 3"}, unasked, queries="not declared")
    result = judged(rows, folder=tmp_path, **both)["resources"]
    assert (result.outcome, "not declared" in result.reason) == (Outcome.INCONCLUSIVE, True)


def test_few_looks_and_a_doubtful_generator_pass_nothing(tmp_path: Path) -> None:
    """No data is never a pass."""
    few = used({"memory_slope": "<= 1/s"}, looks()[:9])
    assert judged(rows_of(1.0), folder=tmp_path, **few)["resources"].outcome is Outcome.INCONCLUSIVE
    doubted = used({"memory_slope": "<= 1000/s"}, looks())
    doubted["more"]["doubt"] = Doubt(reason="late")
    assert judged(rows_of(1.0), folder=tmp_path, **doubted)["resources"].outcome is Outcome.INCONCLUSIVE
    nothing = judged(rows_of(1.0), folder=tmp_path, more={}, objectives={"p50": "<= 9 ms"})
    assert nothing["resources"].outcome is Outcome.NOT_APPLICABLE


EASY = {
    "cpu_ms_per_request": "<= 15 ms", "memory_slope": "<= 1000/s", "descriptor_slope": "<= 1/s", "queue_max": "<= 5",
    "queue_slope": "<= 1/s", "queries_per_request": "<= 3",
}  # fmt: skip


@pytest.mark.parametrize("metric", EASY)
@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (looks()[:11], "from second 0.0 to 10.0 of 20 only"),
        (looks()[10:], "from second 10.0 to 20.0 of 20 only"),
        ([*looks()[:11], *(Sample(at_s=at) for at in range(11, 21))], "from second 0.0 to 10.0"),
    ],
)
def test_half_a_load_is_no_whole_one(metric: str, seen: list[Sample], said: str, tmp_path: Path) -> None:
    """What was not looked at to its end, or from its beginning, passes nothing, and is no figure of the load."""
    result = judged(rows_of(*[1.0] * 100), folder=tmp_path, **used({metric: EASY[metric]}, seen))["resources"]
    assert result.outcome is Outcome.INCONCLUSIVE
    assert said in result.reason
    assert Resources(samples=seen).values(requests=100, duration_s=SECONDS) == {}


def anew(one: Sample) -> Sample:
    """Return a look at a service that began anew after half of the load."""
    if one.at_s < 10 or one.usage is None or one.queries is None:
        return one
    return replace(one, usage=replace(one.usage, cpu_s=one.usage.cpu_s - 0.45), queries=one.queries - 90)


@pytest.mark.parametrize("metric", [metric for metric in EASY if not metric.startswith("queue")])
def test_a_service_that_began_anew_has_forgotten_what_it_used(metric: str, tmp_path: Path) -> None:
    """A total that fell is none; of one that is nothing in the end, nothing ran."""
    restarted = [anew(one) for one in looks()]
    result = judged(rows_of(*[1.0] * 100), folder=tmp_path, **used({metric: EASY[metric]}, restarted))["resources"]
    assert (result.outcome, "its total fell from" in result.reason) == (Outcome.INCONCLUSIVE, True)
    gone = [replace(one, usage=Usage(), queries=0.0) for one in looks()]
    result = judged(rows_of(*[1.0] * 100), folder=tmp_path, **used({metric: EASY[metric]}, gone))["resources"]
    assert (result.outcome is Outcome.INCONCLUSIVE) == (metric != "queries_per_request"), result


@pytest.mark.parametrize("metric", EASY)
def test_a_look_that_broke_decides_nothing_about_its_source(metric: str, tmp_path: Path) -> None:
    """Others are asked all the same, and judged."""
    for source in LOOKED:
        seen = used({metric: EASY[metric]}, looks())
        seen["more"]["resources"] = replace(seen["more"]["resources"], broken={source: "it was away"})
        result = judged(rows_of(*[1.0] * 100), folder=tmp_path, **seen)["resources"]
        assert (result.outcome is Outcome.PASSED) == (SOURCE_OF[metric] != source)
        assert ("it was away" in result.reason) == (SOURCE_OF[metric] == source)


def test_one_source_that_breaks_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once is enough to be told; what the others say is kept."""
    monkeypatch.setattr("seatrial.swarm._resources.PERIOD_S", 0.01)
    told: list[float] = []

    def waiting() -> float:
        told.append(1.0)
        if len(told) == 2:
            raise EnvironmentFailure("nobody answers", slug="queue-unknown")
        return 7.0

    with Sampler(Sources(usage=lambda: Usage(cpu_s=1.0), queue=waiting)) as sampler:
        while len(told) < 3:
            time.sleep(0.01)
    assert sampler.seen.broken == {"queue": "EnvironmentFailure: nobody answers [queue-unknown]"}
    assert all(one.usage == Usage(cpu_s=1.0) for one in sampler.seen.samples)
    assert {one.queue for one in sampler.seen.samples} == {7.0, None}


@pytest.mark.parametrize("at", [0, 3, 20])
def test_the_longest_queue_is_that_of_all_looks(at: int, tmp_path: Path) -> None:
    """Also one before the service was warm, or of jobs that came last."""
    seen = [replace(one, queue=9.0 if one.at_s == at else 0.0) for one in looks()]
    seen[-1] = replace(seen[-1], at_s=20.5)
    result = judged(rows_of(1.0), folder=tmp_path, **used({"queue_max": "<= 5"}, seen))["resources"]
    assert ended(result) == ("failed", ["queue_max is 9.0, asked was <= 5"])


def test_jobs_are_no_requests() -> None:
    """What a user class tells of beside its requests has no status, and takes nothing of what one request uses."""
    told = rows_of(*[900.0] * 100, operation="JOB analysis", first=100, status=0)
    rows = [*rows_of(*[1.0] * 100), *rows_of(1000.0, first=200, status=0, outcome=FAILED), *told]
    order = prepare("s", scenario(), profile="quick", root=Path(), limits=(), environment={})
    trial = Trial(
        order=order, account=account_of(rows), refusals=refusals_of(rows, ()), values={}, least={}, doubt=None,
        replay="", resources=Resources(samples=looks(cpu_s=0.0101)),
    )  # fmt: skip
    assert trial.used["cpu_ms_per_request"].value == pytest.approx(10)
    assert trial.used["queries_per_request"].value == pytest.approx(200 / 101)
    assert total_of(account_of(rows), duration_s=SECONDS).statuses == {0: 1, 200: 100}
    assert limited_ratio(account_of([*rows, *rows_of(1.0, status=429, first=300)]).groups, 429) == 1 / 102
    of_one = Sending(
        name="s", asked_per_s=5.0, duration_s=20.0, ledger=Ledger(), account=account_of(rows), doubt="", cpu_s=None,
        wall_s=None, workers=1,
    )  # fmt: skip
    found = figures_sent([of_one])
    assert {status: group["requests"] for status, group in found["by_status"].items()} == {"0": 1, "200": 100}
    assert found["by_operation"]["JOB analysis"]["statuses"] == {}
    assert found["by_operation"]["JOB analysis"]["requests"] == 100


def test_figures_of_clients_and_of_the_service_are_told_apart() -> None:
    """Each objective is judged once."""
    mixed = scenario(objectives={"p99": "<= 1 ms", "memory_slope": "<= 5/s"})
    assert (set(check_objectives(mixed)), set(check_resources(mixed))) == ({"p99"}, {"memory_slope"})


# After a spike

SPIKE = {"spike": {"times": 10.0, "at_s": 5.0, "for_s": 5.0}}


def spiked(slow_until_s: float, **changes: Any) -> list[Row]:
    """Return five requests a second for 20 s, slow from second 5 on until some later one."""
    rows = [replace(ROW, arrival=number, due_s=number / 5) for number in range(100)]
    return [
        replace(row, latency_ms=800.0, service_ms=800.0, **changes) if 5 <= row.due_s < slow_until_s else row
        for row in rows
    ]


@pytest.mark.parametrize(
    ("slow_until_s", "seconds", "outcome"), [(5, 0, "passed"), (13, 3, "passed"), (14, 4, "failed"), (20, 10, "failed")]
)
def test_recovery_counts_from_the_end_of_the_spike(
    slow_until_s: float, seconds: int, outcome: str, tmp_path: Path
) -> None:
    """A second counts where half of it was slow or failed; what was never well again is the rest of the time."""
    rows = spiked(slow_until_s)
    values = valued(rows, scenario(**SPIKE))
    assert values.seen["recovery_s"] == seconds
    asked = {**SPIKE, "objectives": {"recovery_s": "<= 3 s"}}
    assert judged(rows, folder=tmp_path, more={}, **asked)["objectives"].outcome.value == outcome
    failing = judged(spiked(20, status=500, outcome=FAILED), folder=tmp_path, more={}, **asked)["objectives"]
    assert [finding.cause for finding in failing.findings] == ["recovery_s"]


def test_a_late_generator_is_no_slow_recovery(tmp_path: Path) -> None:
    """Late for all that time, while the service answered at once: nobody fails by it, and nobody passes."""
    late = [replace(row, service_ms=5.0) if row.latency_ms > 100 else row for row in spiked(20)]
    values = valued(late, scenario(**SPIKE))
    assert (values.seen["recovery_s"], values.least["recovery_s"]) == (10, 0)
    asked = {**SPIKE, "objectives": {"recovery_s": "<= 8 s"}}
    result = judged(late, folder=tmp_path, more={}, **asked)["objectives"]
    assert result.outcome is Outcome.INCONCLUSIVE
    assert (
        result.reason
        == "recovery_s is 10.0 s, asked was <= 8 s, but it may be 0 without what the generator was late by"
    )


@pytest.mark.parametrize("shape", [{}, SPIKE])
def test_a_recovery_that_could_not_be_too_long_is_refused(shape: dict[str, Any], tmp_path: Path) -> None:
    """There is no spike, or no time left after it."""
    asked = scenario(**shape, objectives={"recovery_s": "<= 10 s"})
    with pytest.raises(UsageError, match="could not be broken") as caught:
        prepare("s", asked, profile="quick", root=tmp_path, limits=(), environment={})
    assert caught.value.slug == "objective-recovery"


def test_users_beyond_their_quota_may_be_limited(tmp_path: Path) -> None:
    """So many send as are named, whatever the limits; being limited is no defect of theirs."""
    beyond = judged(
        rows_of(1.0, status=429, outcome=FAILED), folder=tmp_path, more={}, beyond_quota=True, identities=3
    )["never-limited"]  # fmt: skip
    assert beyond.outcome is Outcome.NOT_APPLICABLE
    limit = LimitSettings(quota=2, window_s=60.0, path="/a")
    made = [
        prepare(
            "s", scenario(beyond_quota=each, identities=3), profile="quick", root=tmp_path, limits=[limit],
            environment={},
        )
        for each in (True, False)
    ]  # fmt: skip
    assert made[0].identities == 3
    assert made[1].identities > 3
