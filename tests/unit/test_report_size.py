"""report.html stays one file that everything opens, whatever a service makes of a run; what is left out is told."""

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from seatrial.core import (
    CheckResult,
    Documented,
    Exchange,
    Finding,
    GateResult,
    Measurement,
    Outcome,
    Request,
    Response,
    Severity,
    Tally,
    Verdict,
)
from seatrial.record import KEPT, CheckPlanned, PastGate, PastRun, Record, RunStarted, StackReady, Took
from seatrial.reporting import REPORTERS
from seatrial.reporting._addresses import address
from seatrial.reporting._chart import POINTS, chart, thinned
from seatrial.reporting._heatmap import heatmap_of
from seatrial.reporting._room import LIMIT_BYTES, ROOM, WITHIN, Rooms

HOSTILE = "<\U0001f6a2&\"'\x1b\u202e\u200b" * 1_000
MANY, OPERATIONS = 5_000, 300


def page_of(record: Record) -> str:
    """Return the page of a record."""
    page = io.StringIO()
    REPORTERS["report.html"](record, page)
    return page.getvalue()


@pytest.fixture(scope="module")
def hostile() -> Record:
    """Return a run of 300 operations, 5,000 checks and 5,000 findings, with texts as no page would have them."""
    record = Record(Path("/nowhere"))
    record.add(RunStarted(run=HOSTILE, version=HOSTILE, started=HOSTILE, stack="local", why_stack=HOSTILE,
                          profile=HOSTILE, seed=1, command=HOSTILE, project=HOSTILE))  # fmt: skip
    request = Request(method="GET", url=HOSTILE, headers=((HOSTILE, HOSTILE),) * 200, body=HOSTILE)
    answer = Response(status=500, headers=((HOSTILE, HOSTILE),) * 200, body=HOSTILE)
    for number in range(20):
        id_ = f"x-{number}"
        record.exchanges[id_] = Exchange(
            id=id_, operation="GET /", identity=HOSTILE, request=request, response=answer, sent_s=1, received_s=2,
            error=HOSTILE,
        )  # fmt: skip
    for number in range(MANY):
        _fill(record, f"a.check-{number}", tuple(record.exchanges))
    record.documented = tuple(
        Documented(operation=f"GET /{number}/{HOSTILE}", answers=((f"{200 + number}", HOSTILE), ("404", "")),
                   inputs=(HOSTILE, "q"), secured=True)
        for number in range(OPERATIONS)
    )  # fmt: skip
    gate = GateResult(id=HOSTILE, metric="m", operator="==", threshold=0, value=1, unit="ms", status=Verdict.FAIL,
                      reason=HOSTILE)  # fmt: skip
    record.gates = [gate] * 5
    record.tallies = [
        Tally(operation=each.operation, status=200 + 100 * caller % 400, caller=f"{caller} {HOSTILE}")
        for each in record.documented
        for caller in range(20)
    ]
    record.earlier = (
        PastRun(run=HOSTILE, time=HOSTILE, project="", profile="", stack="", asked="", suites=(), commit=HOSTILE,
                verdict=Verdict.FAIL, checks={"passed": 1}, coverage={"total": 1.0},
                gates=tuple(PastGate(id=f"{n} {HOSTILE}", metric="m", value=n, unit="ms", status=Verdict.FAIL)
                            for n in range(9))),
    ) * KEPT  # fmt: skip
    for number in range(OPERATIONS):
        record.took[f"GET /{number}/{HOSTILE[:200]}"] = took = Took()
        took.take(number, id_=HOSTILE, status=500)
    record.limitations = [f"{number} {HOSTILE}" for number in range(MANY)]
    return record


def _fill(record: Record, check: str, evidence: tuple[str, ...]) -> None:
    found = Finding(check=check, severity=Severity.HIGH, title=HOSTILE, cause="c", operation=HOSTILE, detail=HOSTILE,
                    replay=HOSTILE, location=HOSTILE, evidence=evidence)  # fmt: skip
    failed = CheckResult(check=check, outcome=Outcome.FAILED, reason=HOSTILE, findings=(found,))
    record.planned[check] = CheckPlanned(check=check, title=HOSTILE, suite="a", severity="high", claim=HOSTILE)
    record.results[check] = failed
    record.measurements[check] = Measurement(name=check, value=1, unit="ms", definition=f"{check} {HOSTILE}")


def test_no_run_makes_it_larger(hostile: Record) -> None:
    """However much there is, the page is under its limit, and says of each list how much is not on it, and where."""
    page = page_of(hostile)
    assert len(page.encode()) < LIMIT_BYTES
    said = {"more findings, the worst first", "findings.sarif", "further findings are not shown here",
            "more, in <code>verdict.json", "more, which are faster: <code>events.ndjson",
            "operations are not shown here", "of them are not shown here", "more exchanges",
            "more are in <code>verdict.json", "older runs are not shown here",
            "that want no credentials or refused first"}  # fmt: skip
    assert {text for text in said if text not in page} == set()
    assert "\x1b" not in page
    assert "\u202e" not in page


def test_a_reason_is_told_whole_once() -> None:
    """Rules that share one (those of a shard all do) are not the longer for it."""
    record, reason = Record(Path("/nowhere")), "shard 1/2 ran to its end; " + "w" * 200
    for number in range(3):
        record.gates.append(GateResult(id=f"checks.failed <= {number}", metric="checks.failed", operator="<=",
                                       threshold=number, value=None, unit="count", status=Verdict.WHEN_MERGED,
                                       reason=reason))  # fmt: skip
    page = page_of(record)
    assert page.count(reason) == 1
    assert page.count("<td>shard 1/2 ran to its end") == 3


def test_gates_components_and_starts_are_bounded_too() -> None:
    """Of rules, components and starts of stacks there are as many as a project has: a gate that fails is shown."""
    record, name = Record(Path("/nowhere")), "n" * 200
    for number in range(2_000):
        status = Verdict.FAIL if number == 1_999 else Verdict.PASS
        record.gates.append(GateResult(id=f"{number} {name}", metric="m", operator="==", threshold=0, value=1,
                                       unit="ms", status=status, reason=name))  # fmt: skip
        record.stacks.append(StackReady(variant=name, driver="local", url="u", duration_s=1.0))
        for figure in ("coverage.total", f"coverage.components.{number}{name}"):
            record.measurements[figure] = Measurement(name=figure, value=1, unit="percent", definition="d")
    page = page_of(record)
    assert len(page.encode()) < LIMIT_BYTES
    said = {"more gates, those that hold first", "more components are in", "more starts of a stack"}
    assert {text for text in said if text not in page} == set()
    assert re.findall(r"<code>(1999) n", page) == ["1999"]


def test_suites_are_bounded_too() -> None:
    """A project may have a suite of each check: one that is open is shown before those that passed."""
    record = Record(Path("/nowhere"))
    for number in range(2_000):
        check = f"s{number}.check"
        record.planned[check] = CheckPlanned(check=check, title="t", suite=f"s{number}", severity="high", claim="c")
        outcome = Outcome.FAILED if number == 1_999 else Outcome.PASSED
        record.results[check] = CheckResult(check=check, outcome=outcome, reason="r" if number == 1_999 else "")
    page = page_of(record)
    assert len(page.encode()) < LIMIT_BYTES
    assert "more suites are in <code>verdict.json" in page
    assert "<summary>s1999: 0 of 1 passed</summary>" in page


def test_the_lists_leave_room_for_the_rest() -> None:
    """What the lists may take together leaves room for what is on every page."""
    assert sum(size for name, size in ROOM.items() if name not in WITHIN) < LIMIT_BYTES - 50_000


def test_what_failed_is_shown_before_what_passed() -> None:
    """Where there is no room for all checks, those that passed are left out first, and the order stays as planned."""
    record = Record(Path("/nowhere"))
    for number in range(2_000):
        check = f"a.check-{number:04}"
        record.planned[check] = CheckPlanned(check=check, title="t", suite="a", severity="high", claim="c" * 300)
        outcome = Outcome.FAILED if number % 100 == 99 else Outcome.PASSED
        record.results[check] = CheckResult(check=check, outcome=outcome, reason="r" if number % 100 == 99 else "")
    shown = re.findall(r'data-outcome="(\w+)" id="check-([^"]+)"', page_of(record))
    assert [name for outcome, name in shown if outcome == "failed"] == [f"a.check-{n:04}" for n in range(99, 2000, 100)]
    assert [name for _, name in shown] == sorted(name for _, name in shown)
    assert f"{2_000 - len(shown)} of them are not shown here" in page_of(record)


@given(st.lists(st.tuples(st.integers(1, 30_000), st.booleans()), max_size=40))
def test_rows_that_fit_are_whole(rows: list[tuple[int, bool]]) -> None:
    """What is shown is within its share, what weighs more goes before what does not, and nothing is lost."""
    named = [{"size": size, "first": first, "number": number} for number, (size, first) in enumerate(rows)]
    fitted = Rooms().fit(named, lambda row: Markup("<br>") * (row["size"] // 4), "findings", first="first")
    assert len(fitted.html) <= ROOM["findings"]
    shown = [row for row, _ in fitted.shown]
    assert sorted([*shown, *fitted.left], key=lambda row: row["number"]) == named
    if any(row["first"] for row in fitted.left):
        assert all(row["first"] for row in shown)


SHARES = sorted(ROOM.keys() - WITHIN)


@given(st.lists(st.tuples(st.sampled_from(SHARES), st.integers(0, 900)), unique_by=lambda pair: pair[0]))
def test_what_a_list_leaves_those_after_it_may_take(lists: list[tuple[str, int]]) -> None:
    """Each list has its own room at least, and all of them together no more than theirs, whatever they hold."""
    rooms, taken, own = Rooms(), 0, 0
    for share, rows in lists:
        own += ROOM[share]
        room = rooms.room(share)
        assert ROOM[share] <= room == own - taken
        inner = rooms.fit(range(3), lambda _: Markup("<br>") * 1_000, "evidence")
        shown = len(rooms.fit(range(rows), lambda _: Markup("<br>") * 100, share).html)
        assert len(inner.shown) == ROOM["evidence"] // 4_000
        assert shown == min(400 * rows, room // 400 * 400)
        taken += shown
    assert taken <= own


def test_checks_fill_the_room_of_suites() -> None:
    """The rows of suites are those of checks, with a heading each: there is room for both."""
    rooms = Rooms()
    rooms.fit([], lambda _: Markup(), "findings")
    assert rooms.room("suites") == ROOM["findings"] + ROOM["suites"]
    rooms.fit(range(10), lambda _: Markup("<br>"), "checks")
    assert rooms.room("checks") == rooms.room("suites") - 12_000 == ROOM["findings"] + ROOM["suites"] - 12_000


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=3_000), st.integers(1, 3))
def test_a_long_load_has_few_points(values: list[float | None], lines: int) -> None:
    """However long a load is, a chart has its number of points, and neither its highest nor its lowest is lost."""
    points = [(second + 0.5, value) for second, value in enumerate(values)]
    known = [value for value in values if value is not None]
    drawn = chart("t", "ms", {str(n): points for n in range(lines)}, span_s=len(values))
    if drawn is None:
        assert not known
        return
    assert sum(piece.count(",") for line in drawn.lines for piece in line.pieces) <= max(
        POINTS, 2 * lines * len(drawn.lines[0].pieces)
    )
    assert (drawn.each_s == 0) == (lines * len(values) <= POINTS)
    kept = [value for _, value in thinned(points, drawn.each_s) if value is not None]
    assert (min(kept), max(kept)) == (min(known), max(known))


def row_of(answers: dict[str, int], **more: Any) -> dict[str, Any]:
    """Return an operation as matrix.json has it."""
    found = [{"status": status, "media": "", "requests": n, "exercised": n > 0} for status, n in answers.items()]
    return {"operation": "GET /a", "requests": 9, "answers": found, "inputs": [], "others": {}, **more}


def test_heat_tells_what_never_came() -> None:
    """A cell says how often an answer came, is warmer for more, and says what never came or is not documented."""
    inputs = [{"input": "q", "accepted": 1, "refused": 0}, {"input": "r", "accepted": 1, "refused": 1}]
    table = heatmap_of({"operations": [row_of({"200": 150, "404": 0}, inputs=inputs), row_of({"200": 10, "201": 9})]})
    assert table["statuses"] == ["200", "201", "404"]
    first, second = table["rows"]
    assert [cell and (cell["requests"], cell["heat"]) for cell in first["cells"]] == [(150, 3), None, (0, 0)]
    assert [cell and (cell["requests"], cell["heat"]) for cell in second["cells"]] == [(10, 2), (9, 1), None]
    assert (first["untried"], first["sides_tried"], first["sides"]) == (["q invalid"], 3, 4)
    assert (first["complete"], second["complete"]) == (False, True)


def test_a_status_without_a_column_is_told() -> None:
    """Statuses of which there are too many stand in the last column, with those that nobody documented."""
    many = row_of({str(200 + n): 1 for n in range(40)}, others={"500": 2})
    (row,) = heatmap_of({"operations": [many]})["rows"]
    assert len(row["others"]) == 25
    assert ("undocumented 500", 2) in row["others"]


@given(st.text(max_size=200))
def test_an_address_is_one(name: str) -> None:
    """An address holds nothing that a URL or an attribute would not, and another name has another one."""
    found = address("operation", name)
    assert re.fullmatch(r"operation-[a-z0-9._-]*", found)
    assert address("operation", f"{name}!") != found
    assert address("check", "health.basic") == "check-health.basic"
