"""Error budgets of loads: what may fail, what did, when nothing was left, and that pages and summary say so."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from accounts import account_of, seconds_of
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import Rule, ScenarioSettings, parse_objective
from seatrial.core import GateResult, Verdict
from seatrial.record import AnyEvent, GateJudged, Recorder, RunStarted
from seatrial.reporting import write_reports
from seatrial.reporting._budget import Budget, budgets_of, fastest_burn, may_fail, spent_s, told, without_budget
from seatrial.swarm._objectives import Objective
from seatrial.swarm._order import prepare
from seatrial.swarm._plan import FAILED, OK, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._report import write_stats
from seatrial.swarm._rows import Row

Second = tuple[int, int]
RATIOS = st.one_of(st.sampled_from([0.0, 0.01, 0.05, 1 / 3, 1.0]), st.floats(0, 1))
COUNTS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (max(pair), min(pair)))


def rule(operator: str, threshold: float) -> Rule:
    """Return what is asked of a share of errors."""
    return Rule(text="r", metric="error_ratio", operator=operator, threshold=threshold)


def seconds(counts: Sequence[Second]) -> list[dict[str, int]]:
    """Return seconds in which so many were due, and so many of them failed."""
    return [{"second": at, "due": due, "failed": failed} for at, (due, failed) in enumerate(counts)]


@given(st.sampled_from(["<=", "<"]), RATIOS, st.integers(0, 500))
def test_a_budget_is_what_the_rule_allows(operator: str, threshold: float, due: int) -> None:
    """As many may fail as the rule, judged on the same unrounded share, lets pass, and not one more."""
    asked = rule(operator, threshold)
    most = may_fail(asked, due)
    if most is None:
        assert not asked.holds(0.0)
        return
    assert asked.holds(most / max(due, 1))
    assert most == due or not asked.holds((most + 1) / due)


@pytest.mark.parametrize(("text", "most"), [("<= 0", 0), ("== 0", 0), ("< 0.01", 0), ("<= 0.01", 1), ("<= 1", 100)])
def test_of_a_hundred(text: str, most: int) -> None:
    """Where none may fail that is no budget, and not an unknown one."""
    assert may_fail(parse_objective(f"x.error_ratio {text}"), 100) == most


@pytest.mark.parametrize("text", [">= 0.1", "> 0", "!= 0", "== 0.5", "< 0"])
def test_what_wants_errors_is_no_budget(text: str) -> None:
    """Only an upper bound leaves something to use."""
    assert may_fail(parse_objective(f"x.error_ratio {text}"), 100) is None


@given(st.lists(COUNTS, max_size=30), st.integers(0, 60))
def test_a_budget_is_used_up_when_as_many_failed(counts: list[Second], most: int) -> None:
    """The first second by whose end all that may had failed, and never where that did not happen."""
    found = spent_s(seconds(counts), most)
    by_the_end = [sum(failed for _, failed in counts[: at + 1]) for at in range(len(counts))]
    assert found == next((at + 1 for at, failed in enumerate(by_the_end) if failed >= max(most, 1)), None)


@given(st.lists(COUNTS, min_size=1, max_size=30), st.floats(0.001, 1))
def test_no_tenth_burns_faster(counts: list[Second], ratio: float) -> None:
    """What is told is the share of its own seconds, and no other part as long has a higher one."""
    found, long = fastest_burn(seconds(counts), ratio), -(-len(counts) // 10)
    parts = [counts[at : at + long] for at in range(len(counts) - long + 1)]
    shares = [sum(f for _, f in part) / due for part in parts if (due := sum(d for d, _ in part))]
    if not any(shares):
        assert found is None
        return
    assert found is not None
    assert found.to_s - found.from_s == long
    assert found.factor == pytest.approx(max(shares) / ratio)
    assert shares.index(max(shares)) <= found.from_s


def test_nothing_allowed_burns_nothing() -> None:
    """A multiple of no failures at all is no number."""
    assert fastest_burn(seconds([(5, 5)]), 0.0) is None


PLAN = Plan(
    name="s", url="http://127.0.0.1:9", file="", user="", paths=("/a",), rate_per_s=2.0, duration_s=10.0,
    deadline_s=1.0, spacing="constant", seed=1,
)  # fmt: skip
ROW = Row(
    arrival=0, due_s=0.25, lag_ms=1.0, identity="", operation="GET /a", status=200, media="", outcome=OK,
    latency_ms=3.0, service_ms=2.0, cause="",
)  # fmt: skip
ROWS = [
    replace(ROW, arrival=number, due_s=number / 2 + 0.25, outcome=FAILED if number in {3, 4, 5} else OK)
    for number in range(20)
]
ASKED = [
    Objective(metric="error_ratio", operator="<=", threshold=0.1),
    Objective(metric="error_ratio", operator="<=", threshold=0.5, operation="GET /a"),
    Objective(metric="p99", operator="<=", threshold=100.0),
]


def write(folder: Path, asked: Sequence[Objective] = ASKED, **more: Any) -> dict[str, Any]:
    """Write what a scenario leaves of which the fourth, fifth and sixth of twenty arrivals failed."""
    folder.mkdir(parents=True)
    write_stats(
        folder / "stats.json", PLAN, account=account_of(ROWS), ledger=Ledger(due=20, started=20, answered=17, failed=3),
        ending=Ending(report=None, exit_code=0), results=(), failures=(), given_up=(), used={}, looks=(),
        seconds=seconds_of(ROWS, rejection=429), objectives=asked, **{"doubt": "", **more},
    )  # fmt: skip
    found: dict[str, Any] = json.loads((folder / "stats.json").read_text(encoding="utf-8"))
    return found


def gate(metric: str, operator: str, threshold: float | None) -> GateResult:
    """Return a rule that was judged."""
    return GateResult(id=f"{metric} {operator} {threshold}", metric=metric, operator=operator, threshold=threshold,
                      value=0.15, unit="ratio", status=Verdict.FAIL, reason="r")  # fmt: skip


def test_a_scenario_has_the_budgets_that_are_asked_of_it(tmp_path: Path) -> None:
    """By objectives and by gates, of the whole and of an operation; a rule against no number yet asks nothing."""
    gates = [
        gate("load.s.error_ratio", "<=", 0.2), gate("load.s.error_ratio", "<=", None),
        gate("load.s.GET-a.error_ratio", "<=", 0.05), gate("load.else.error_ratio", "<=", 0.3),
    ]  # fmt: skip
    found = budgets_of([write(tmp_path / "s")], gates)
    assert [(one.operation, one.rule, one.due, one.may_fail, one.failed, one.used) for one in found] == [
        ("", "objective <= 0.1", 20, 2, 3, 1.5),
        ("", "gate <= 0.2", 20, 4, 3, 0.75),
        ("GET /a", "objective <= 0.5", 20, 10, 3, 0.3),
        ("GET /a", "gate <= 0.05", 20, 1, 3, 3.0),
    ]
    assert [one.spent_s for one in found] == [3.0, None, None, None]
    assert found[0].burn is not None
    assert (found[0].burn.factor, found[0].burn.from_s) == (10.0, 2)  # both arrivals of the third second, of a tenth


def test_a_load_that_was_ended_has_the_budget_of_all_of_it(tmp_path: Path) -> None:
    """What was still to come could have gone well: as many may fail of all as if it had been sent to its end."""
    (found,) = budgets_of([write(tmp_path / "s", ASKED[:1], planned=1_000, doubt="ended before its time")], [])
    assert (found.due, found.may_fail, found.failed, found.doubt) == (1_000, 100, 3, "ended before its time")


def test_nobody_asked(tmp_path: Path) -> None:
    """Of a scenario without such an objective, and of one that an older version wrote, no budget is known."""
    stats = write(tmp_path / "s", ASKED[2:])
    old = {name: value for name, value in stats.items() if name not in {"objectives", "planned"}}
    for each in (stats, old):
        assert budgets_of([each], []) == []
        assert without_budget([each], []) == ["s"]


def test_objectives_are_handed_to_reports() -> None:
    """Those of a scenario, of what it uses and of its operations, as they were parsed."""
    settings = {
        "rate_per_s": 1, "paths": ("/a",), "duration_s": {"quick": 1},
        "objectives": {"error_ratio": "<= 0.01", "queries_per_request": "<= 3"},
        "operations": {"GET /a": {"p99": "< 50 ms"}},
    }  # fmt: skip
    scenario = ScenarioSettings.model_validate(settings)
    order = prepare("s", scenario, profile="quick", root=Path(), limits=(), environment={})
    assert order.told == [
        Objective(metric="error_ratio", operator="<=", threshold=0.01),
        Objective(metric="queries_per_request", operator="<=", threshold=3.0),
        Objective(metric="p99", operator="<", threshold=50.0, operation="GET /a"),
    ]


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        (Budget(scenario="s", rule="objective <= 0.1", due=20, may_fail=2, failed=3, spent_s=3.0),
         "2 of 20 arrivals may fail (objective <= 0.1), 3 did, 150 % of the budget, used up within 3 s"),
        (Budget(scenario="s", rule="objective <= 0", due=20, may_fail=0, failed=0),
         "none of 20 arrivals may fail (objective <= 0), 0 did"),
        (Budget(scenario="s", rule="gate <= 0", due=20, may_fail=0, failed=2, spent_s=9.0, doubt="late"),
         "none of 20 arrivals may fail (gate <= 0), 2 did, the first failure within 9 s (in doubt: late)"),
        (Budget(scenario="s", rule="gate <= 0.1", due=10, may_fail=1, failed=0, operation="GET /a"),
         "GET /a: 1 of 10 requests may fail (gate <= 0.1), 0 did, 0 % of the budget"),
    ],
)  # fmt: skip
def test_a_budget_in_one_sentence(budget: Budget, says: str) -> None:
    """As summary.md has it."""
    assert told(budget) == says


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run with two loads, of which one has a budget."""
    events: tuple[AnyEvent, ...] = (
        RunStarted(run="r", version="1", started="now", stack="local", why_stack="w", profile="quick", seed=7),
        GateJudged(gate=gate("load.s.error_ratio", "<=", 0.0)),
    )
    with Recorder(tmp_path) as recorder:
        for event in events:
            recorder.emit(event)
    write(tmp_path / "load" / "s")
    stats = write(tmp_path / "load" / "t", ())
    stats["scenario"]["name"] = "t"
    (tmp_path / "load" / "t" / "stats.json").write_text(json.dumps(stats), encoding="utf-8")
    write_reports(tmp_path)
    return tmp_path


def test_the_page_has_a_row_for_each(run: Path) -> None:
    """With a link to the load's drawings, one of which shows how it was used up; who has none is named."""
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page[page.index('<h2 id="budget">') :]
    section, last = section[: section.index("</table>")], section[: section.index("</section>")]
    rows = [html.unescape(" ".join(re.sub("<[^>]+>", " ", row).split())) for row in section.split("<tr>")[2:]]
    assert rows == [
        "s objective <= 0.1 20 arrivals 2 3 150 % used up within 3 s 10 times, from 2 to 3 s",
        "s gate <= 0 20 arrivals none 3 more than none the first failure within 2 s none",
        "s GET /a objective <= 0.5 20 requests 10 3 30 % not known of one operation none",
    ]
    assert 'href="#load-s"' in section
    assert "asked of their <code>error_ratio</code>: t." in last
    assert page.count('data-title="Error budget: failed arrivals in all"') == 1


def test_the_summary_has_a_line_for_each(run: Path) -> None:
    """The essential of it, those without one in a line of their own."""
    summary = (run / "summary.md").read_text(encoding="utf-8")
    assert "\n## Error budgets\n" in summary
    assert "- `load.s` 2 of 20 arrivals may fail (objective &lt;= 0.1), 3 did, 150 % of the budget" in summary
    assert "- t: no budget, as nothing is asked of `error_ratio`" in summary
