"""What differs between two runs: fixed is only what was looked at again, and slower only what was sent the same."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.core import (
    CheckResult,
    Documented,
    Finding,
    FindingStatus,
    GateResult,
    Outcome,
    Severity,
    Tally,
    Verdict,
    content,
)
from seatrial.record import CheckPlanned, Record, RunFailed, RunFinished, RunStarted
from seatrial.reporting._comment import write_comment
from seatrial.reporting.compare import changed_lines, differences_of, lines_of, write_page
from seatrial.reporting.compare._coverage import ranges
from seatrial.reporting.compare._words import gate_words, shares, told_apart, told_file
from seatrial.swarm._account import Account
from seatrial.swarm._plan import COLUMNS, OK, Ledger, Plan
from seatrial.swarm._process import Ending
from seatrial.swarm._report import write_stats
from seatrial.swarm._rows import Row
from seatrial.swarm._seconds import Seconds

SCHEMA = json.loads((content("reports") / "schema" / "run-compare-1.schema.json").read_text(encoding="utf-8"))
EVIL = "<script>alert(1)</script>\x1b[31m|"
FINDING = Finding(check="a.b", severity=Severity.HIGH, title="broken", cause="c", operation="GET /a")
GATE = GateResult(
    id="checks.failed == 0", metric="checks.failed", operator="==", threshold=0, value=0, unit="count",
    status=Verdict.PASS, reason="checks.failed is 0",
)  # fmt: skip
PLAN = Plan(
    name="steady", url="http://127.0.0.1:9", file="", user="", paths=("/a",), rate_per_s=50.0, duration_s=4.0,
    deadline_s=1.0, spacing="constant", seed=1,
)  # fmt: skip


def record_of(*findings: Finding, outcome: Outcome | None = Outcome.FAILED, folder: Path = Path("nowhere")) -> Record:
    """Return a whole record of one check with these findings, and one gate."""
    started = RunStarted(
        run="r-1", version="1", started="then", stack="local", why_stack="", profile="quick", seed=1, machine="m"
    )
    finished = RunFinished(verdict=GATE.status, reason=GATE.reason, duration_s=1.0)
    record = Record(folder, started=started, finished=finished, gates=[GATE])
    if outcome:
        record.planned["a.b"] = CheckPlanned(check="a.b", title="t", suite="a", severity="high")
        record.results["a.b"] = CheckResult(check="a.b", outcome=outcome, reason="r", findings=findings)
    return record


def compared(base: Record, candidate: Record) -> dict[str, Any]:
    """Return what differs, which keeps to its schema, and can be told in every way."""
    found = differences_of(base, candidate)
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(found)))
    list(lines_of(found))
    list(changed_lines(found))
    write_page(found, io.StringIO())
    return found


def states(base: Record, candidate: Record) -> dict[str, str]:
    """Return what became of each finding, by its title."""
    return {each["title"]: each["state"] for each in compared(base, candidate)["findings"]}


def text_of(found: Mapping[str, Any]) -> str:
    """Return what a terminal shows."""
    return "\n".join(line for _, line in lines_of(found))


def test_the_schema_is_one() -> None:
    """Whoever validates by it can."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_findings_are_new_fixed_or_still_there() -> None:
    """By fingerprint: another title, place or line is the same defect."""
    gone, new = replace(FINDING, cause="d", title="gone"), replace(FINDING, cause="e", title="new")
    base = record_of(replace(FINDING, title="told", location="x:1"), gone)
    assert states(base, record_of(FINDING, new)) == {"broken": "still", "new": "new", "gone": "fixed"}


@pytest.mark.parametrize("status", [FindingStatus.FLAKY, FindingStatus.UNCONFIRMED, FindingStatus.WAIVED])
def test_what_does_not_count_any_more_is_not_fixed(status: FindingStatus) -> None:
    """It is there, and what it is is said; one that was so before, and counts now, is new."""
    aside = record_of(replace(FINDING, status=status))
    assert states(record_of(FINDING), aside) == {"broken": status.value}
    assert states(aside, record_of(FINDING)) == {"broken": "new"}
    assert states(aside, record_of(outcome=Outcome.PASSED)) == {}


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.INCONCLUSIVE, "the check is inconclusive"),
        (Outcome.NOT_TESTED, "the check is not-tested"),
        (None, "the check was not selected"),
    ],
)
def test_what_was_not_verified_is_not_fixed(outcome: Outcome | None, why: str) -> None:
    """Nor is it new as if the base had looked."""
    (gone,) = compared(record_of(FINDING), record_of(outcome=outcome))["findings"]
    assert (gone["state"], gone["unseen"]) == ("not-looked-at", why)
    found = compared(record_of(outcome=outcome), record_of(FINDING))
    assert [(each["state"], each["unseen"]) for each in found["findings"]] == [("new", why)]
    assert "[the base did not look]" in text_of(found)


def documenting(record: Record, *asked: str) -> Record:
    """Return a record of a document with two operations, of which some were asked."""
    record.documented = (Documented(operation="GET /a"), Documented(operation="GET /b"))
    record.tallies = [Tally(operation=operation, status=200) for operation in asked]
    return record


def test_an_operation_that_was_not_asked_is_not_fixed() -> None:
    """The check passed, of whatever else it asked: nobody looked at this one."""
    base = documenting(record_of(FINDING), "GET /a")
    (gone,) = compared(base, documenting(record_of(outcome=Outcome.PASSED), "GET /b"))["findings"]
    assert (gone["state"], gone["unseen"]) == ("not-looked-at", "GET /a was not asked")
    assert states(base, documenting(record_of(outcome=Outcome.PASSED), "GET /a")) == {"broken": "fixed"}
    renamed = record_of(outcome=Outcome.PASSED)
    renamed.documented = (Documented(operation="GET /z"),)
    assert states(base, renamed) == {"broken": "not-looked-at"}


def test_a_run_differs_from_itself_in_nothing() -> None:
    """And it is said that both are the same one."""
    found = compared(record_of(FINDING), record_of(FINDING))
    assert [each["state"] for each in found["findings"]] == ["still"]
    assert (found["conditions"], found["checks"], found["load"], found["contract"]) == ([], [], [], None)
    assert found["notes"] == ["both sides are one and the same run"]
    assert "none of 1 ended differently" in text_of(found)


def test_conditions_that_differ_are_named() -> None:
    """Profile, driver, suites, shards, machine and version: each may be the reason of any difference."""
    base, now = record_of(), record_of(folder=Path("elsewhere"))
    now.started = RunStarted(
        run="r-2", version="2", started="now", stack="compose", why_stack="", profile="full", seed=2, fault="f",
        suites=("health", "contract"), merged=("a", "b"), project="p",
    )  # fmt: skip
    found = compared(base, now)
    assert {each["what"]: (each["base"], each["candidate"]) for each in found["conditions"]} == {
        "project": ("none", "p"),
        "seatrial": ("1", "2"),
        "machine": ("m", "not recorded"),
        "stack": ("local", "compose"),
        "profile": ("quick", "full"),
        "suites": ("none", "health contract"),
        "seeded fault": ("none", "f"),
        "merged from": ("no shards", "2 shards"),
        "seed of random choices": ("1", "2"),
    }
    assert found["notes"] == ["the candidate does not say on which kind of machine it ran, as older versions did not"]


def test_a_run_that_is_not_whole_says_so() -> None:
    """Whether it broke, never ended, or its record is damaged; one without a beginning too."""
    broke, damaged, torn = record_of(), record_of(), record_of()
    broke.failure = RunFailed(reason="no engine", exit_code=3)
    damaged.damage = "line 3 is no event"
    torn.finished = None
    for record, words in (
        (broke, "the run broke: no engine"),
        (damaged, "line 3 is no event"),
        (torn, "the run ended before its verdict"),
        (Record(Path("elsewhere")), "the run ended before its verdict"),
    ):
        found = compared(record_of(), record)
        assert found["candidate"]["problem"] == words
        assert any(f"the candidate is not whole ({words})" in note for note in found["notes"])


def test_what_a_record_lost_is_not_told_as_if_it_were_known() -> None:
    """Without its beginning nobody knows what a run was made of, nor what it selected."""
    lost = Record(Path("elsewhere"), damage="line 1 is no event\n  to do: run again")
    found = compared(record_of(FINDING), lost)
    assert found["candidate"]["problem"] == "line 1 is no event"
    assert {each["candidate"] for each in found["conditions"]} == {"not recorded"}
    (finding,) = found["findings"]
    assert (finding["state"], finding["unseen"]) == (
        "not-looked-at", "the check is not in what is left of the record",
    )  # fmt: skip
    assert "a.b: failed -> not in the run" in text_of(found)


def test_checks_and_gates_have_both_ends() -> None:
    """A check that one run did not select, or that never ended, is another end too; a rule may be in one run alone."""
    base, now = record_of(outcome=Outcome.PASSED), record_of(outcome=None)
    now.planned["a.b"] = base.planned["a.b"]
    now.results["a.c"] = CheckResult(check="a.c", outcome=Outcome.PASSED)
    base.results["a.0"] = CheckResult(check="a.0", outcome=Outcome.PASSED)
    now.gates = [replace(GATE, value=2, status=Verdict.FAIL), replace(GATE, id="x >= 1")]
    found = compared(base, now)
    ends = [(each["check"], each["base"], each["candidate"]) for each in found["checks"]]
    assert ends == [("a.b", "passed", "never ended"), ("a.0", "passed", None), ("a.c", None, "passed")]
    both, alone = found["gates"]
    assert (both["base"]["value"], both["candidate"]["value"], both["changed"]) == (0, 2, True)
    assert (alone["id"], alone["base"], alone["changed"]) == ("x >= 1", None, True)
    assert "checks.failed == 0: pass (0) -> fail (2)" in text_of(found)


def test_the_contract_is_compared_cell_by_cell() -> None:
    """Which documented answer newly came, or no longer; what one document alone has is neither."""
    one = Documented(operation="GET /a", answers=(("200", "application/json"), ("404", "")))
    base, now = record_of(), record_of()
    base.documented, now.documented = (one, Documented(operation="GET /old")), (one, Documented(operation="GET /new"))
    base.tallies = [Tally(operation="GET /a", status=404)]
    now.tallies = [Tally(operation="GET /a", status=200, media="application/json")]
    found = compared(base, now)["contract"]
    assert (found["added"], found["removed"]) == (["GET /new"], ["GET /old"])
    assert found["newly"] == [{"operation": "GET /a", "what": "200 application/json"}]
    assert found["no_longer"] == [{"operation": "GET /a", "what": "404"}]
    assert compared(record_of(), now)["contract"]["figures"]["statuses"]["base"] is None


def lay_coverage(
    run: Path, lines: Mapping[str, tuple[int, ...]], reached: Mapping[str, tuple[int, ...]], gap: str = ""
) -> None:
    """Write what coverage leaves of some files: their executable lines, and those that a suite reached."""
    folder = run / "coverage"
    folder.mkdir(parents=True)
    count, hit = sum(map(len, lines.values())), sum(map(len, reached.values()))
    total = {"name": "total", "lines": count, "covered": hit, "suites": {}, "only": {}, "unreached": count - hit}
    components = {
        "schema": "urn:seatrial:coverage:1",
        "incomplete": gap,
        "late": [],
        "interpreters": [],
        "suites": [],
        "components": [total],
        "files": [],
    }
    (folder / "components.json").write_text(json.dumps(components))
    files = {name: {str(line): ["health"] for line in found} for name, found in reached.items()}
    (folder / "attribution.json").write_text(json.dumps({"files": files}))
    told = [f"SF:{name}\n" + "".join(f"DA:{n},0\n" for n in found) + "end_of_record" for name, found in lines.items()]
    (folder / "lcov.info").write_text("\n".join(told))


def test_lines_that_are_newly_reached(tmp_path: Path) -> None:
    """By file, where its statements stand on the same lines; of another file only how many were reached."""
    lay_coverage(tmp_path / "a", {"a.py": (1, 2, 3, 5), "b.py": (1,), "c.py": (1, 2)}, {"a.py": (1, 2), "c.py": (1,)})
    lines = {"a.py": (1, 2, 3, 5), "b.py": (1,), "c.py": (1, 4), "d.py": (1, 2), "e.py": (1,)}
    lay_coverage(tmp_path / "b", lines, {"a.py": (2, 3, 5), "c.py": (4,), "d.py": (1,)})
    found = compared(record_of(folder=tmp_path / "a"), record_of(folder=tmp_path / "b"))["coverage"]
    assert found["files"] == [
        {"file": "a.py", "same": True, "base": 2, "candidate": 3, "newly": "3, 5", "no_longer": "1"},
        {"file": "c.py", "same": False, "base": 1, "candidate": 1, "newly": "", "no_longer": ""},
        {"file": "d.py", "same": False, "base": None, "candidate": 1, "newly": "", "no_longer": ""},
    ]
    assert [told_file(each) for each in found["files"]] == [
        "a.py: newly reached 3, 5; no longer reached 1",
        "c.py (other statements now): lines reached: 1 -> 1",
        "d.py (in the candidate alone): lines reached: 1",
    ]
    (total,) = found["components"]
    assert (total["base"], total["candidate"]) == (pytest.approx(300 / 7), pytest.approx(500 / 10))


def test_coverage_that_is_not_all_of_it_names_no_lines(tmp_path: Path) -> None:
    """What is incomplete, missing, or written by another version says nothing of what is no longer reached."""
    lay_coverage(tmp_path / "a", {"a.py": (1, 2)}, {"a.py": (1, 2)})
    lay_coverage(tmp_path / "b", {"a.py": (1, 2)}, {"a.py": (1,)}, gap="the worker handed in nothing")
    (tmp_path / "c" / "coverage").mkdir(parents=True)
    (tmp_path / "c" / "coverage" / "components.json").write_text('{"schema": "urn:seatrial:coverage:0"}')
    unread = "its components.json cannot be read: cut, or of another version"
    for name, gap in (("b", "the worker handed in nothing"), ("c", unread), ("d", "no coverage was recorded")):
        found = compared(record_of(folder=tmp_path / "a"), record_of(folder=tmp_path / name))["coverage"]
        assert found["incomplete"] == [f"candidate: {gap}"]
        assert (found["files"], found["components"][0]["candidate"]) == ([], None)


def test_figures_that_differ_do_not_look_the_same() -> None:
    """As many digits are shown as tell them apart, and no more; what is the same is told to be."""
    said: list[tuple[dict[str, float | None], list[str]]] = [
        ({"base": 81.23, "candidate": 81.21}, ["81.23 %", "81.21 %"]),
        ({"base": 99.996, "candidate": 100.0}, ["99.996 %", "100 %"]),
        ({"base": 50.5, "candidate": None}, ["50.5 %", "unknown"]),
    ]
    assert [shares(each) for each, _ in said] == [words for _, words in said]
    gate = replace(GATE, unit="ratio", value=0.001)
    base, now = record_of(), record_of()
    base.gates, now.gates = [gate], [replace(gate, value=0.004)]
    (both,) = compared(base, now)["gates"]
    assert gate_words(both) == ["pass (0.001)", "pass (0.004)"]
    assert ", the same" not in text_of(compared(base, now))
    assert "pass (0.00), the same" in text_of(compared(base, base))


def test_changes_are_told_so_that_little_is_not_nothing() -> None:
    """A ratio far below 1 keeps its digits; errors are told in percentage points, not rounded to a whole one."""
    within = {"value": 0.0021, "low": 0.002, "high": None}
    assert told_apart("p50", {"state": "better", "change": within}) == "faster, 0.0021 times as long (0.002 to ?)"
    errors = {"value": 0.0125, "low": 0.011, "high": 0.0135}
    assert told_apart("error_ratio", {"state": "worse", "change": errors}) == (
        "more errors, +1.25 percentage points (+1.10 to +1.35)"
    )
    assert told_apart("rate", {"state": "not-compared", "change": None}) == "not compared"


def test_what_is_left_out_of_a_page_is_counted_by_state() -> None:
    """Rows are cut by what became of them: of forty that are new and forty that are fixed, all are on the page."""
    many = [replace(FINDING, cause=f"{n}", title=f"t{n}") for n in range(120)]
    stream = io.StringIO()
    write_page(compared(record_of(*many[:40]), record_of(*many[40:80])), stream)
    assert "has them all" not in stream.getvalue()
    write_page(compared(record_of(), record_of(*many[:61])), stream)
    assert "new: 1 more: <code>seatrial compare --json</code> has them all" in stream.getvalue()


def test_lines_are_written_as_people_do() -> None:
    """Runs of them as one, nothing for none."""
    assert [ranges(each) for each in ([], [7], [3, 4, 5, 9])] == ["", "7", "3-5, 9"]


def send(  # noqa: PLR0913 - what may be different of it, by keyword
    run: Path, *, times: float = 1.0, operation: str = "GET /a", plan: Plan = PLAN, doubt: str = "",
    lag_ms: float = 0.2, count: int = 200,
) -> Record:  # fmt: skip
    """Write what a scenario leaves of requests, evenly spaced, so many times as slow, and return its run."""
    folder = run / "load" / "steady"
    folder.mkdir(parents=True)
    chance = random.Random(run.name)  # noqa: S311 - repeatable
    account, seconds, rows = Account(), Seconds(rejection=429), []
    for at in range(count):
        took = times * chance.uniform(4, 6)
        row = Row(
            arrival=at, due_s=at / 50, lag_ms=lag_ms, identity="", operation=operation, status=200, media="",
            outcome=OK, latency_ms=took, service_ms=took, cause="",
        )  # fmt: skip
        account.take([row])
        seconds.take([row])
        rows.append(",".join(str(getattr(row, name)) for name in COLUMNS))
    (folder / "requests.csv").write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    write_stats(
        folder / "stats.json", plan, account=account, ledger=Ledger(due=count, started=count, answered=count),
        ending=Ending(report={"cpu_s": 0.5, "wall_s": 4.0}, exit_code=0), results=[], doubt=doubt, failures=[],
        given_up=(), used={}, looks=[], seconds=seconds.told,
    )  # fmt: skip
    return record_of(folder=run)


def figure(found: Mapping[str, Any], name: str = "p50", operation: str = "") -> Any:
    """Return a figure of the only scenario."""
    (scenario,) = found["load"]
    (row,) = (each for each in scenario["operations"] if each["operation"] == operation)
    return row["figures"][name]


def test_a_slowdown_is_called_slower_with_its_interval(tmp_path: Path) -> None:
    """In the model, on the terminal, and where a comment has room for it: each says that the runs are not paired."""
    found = compared(send(tmp_path / "a"), send(tmp_path / "b", times=5))
    slower = figure(found, operation="GET /a")
    assert slower["state"] == "worse"
    assert slower["change"]["low"] < 5 < slower["change"]["high"]
    assert slower["base"]["low"] < slower["base"]["value"] < slower["base"]["high"]
    assert any("not paired" in note for note in found["notes"])
    assert "slower, 5.0" in text_of(found)
    told = dict(changed_lines(found))["Load that certainly changed, in runs that are not paired"]
    assert any(line.startswith("steady, GET /a, p50: slower, 5.0") for line in told)
    assert figure(compared(send(tmp_path / "c"), send(tmp_path / "d")))["state"] == "open"


def test_a_machine_that_was_busier_is_not_called_slower(tmp_path: Path) -> None:
    """The generator was late five times as much: so may the service have been."""
    found = compared(send(tmp_path / "a"), send(tmp_path / "b", times=5, lag_ms=1.0))
    assert figure(found)["state"] == "open"
    assert found["load"][0]["lag_ms"]["candidate"]["p50"] == 1.0


@pytest.mark.parametrize(
    ("plan", "doubt", "why"),
    [
        (replace(PLAN, rate_per_s=10.0), "", "another load was sent (arrivals a second: 50.0, then 10.0)"),
        (replace(PLAN, duration_s=60.0), "", "another load was sent (seconds: 4.0, then 60.0)"),
        (replace(PLAN, spacing="poisson"), "", "another load was sent (spacing of arrivals: constant, then poisson)"),
        (PLAN, "the generator was late", "figures of the candidate are not those of the load as it was asked for"),
    ],
)
def test_what_was_not_sent_the_same_is_not_compared(tmp_path: Path, plan: Plan, doubt: str, why: str) -> None:
    """Its figures are shown, side by side, and nothing is said of how they differ."""
    found = compared(send(tmp_path / "a"), send(tmp_path / "b", times=5, plan=plan, doubt=doubt))
    (reason,) = found["load"][0]["why"]
    assert reason.startswith(why)
    figures = [each for row in found["load"][0]["operations"] for each in row["figures"].values()]
    assert {(each["change"], each["state"]) for each in figures} == {(None, "not-compared")}
    assert all(each["base"] and each["candidate"] for each in figures)


def test_another_mix_is_not_compared_as_a_whole(tmp_path: Path) -> None:
    """Each operation has the figures of the run that it was sent in; together they are not the same load."""
    found = compared(send(tmp_path / "a"), send(tmp_path / "b", operation="GET /b"))
    (scenario,) = found["load"]
    assert [row["operation"] for row in scenario["operations"]] == ["GET /b", "GET /a"]
    assert scenario["notes"] == ["100% of the requests went to other operations: all together are not compared"]
    assert figure(found, operation="GET /a")["candidate"] is None


def test_files_of_load_that_are_missing_or_none_of_ours(tmp_path: Path) -> None:
    """Without rows there are figures and no intervals; of statistics of another version there are none at all."""
    base, now, old = (send(tmp_path / name) for name in "abc")
    rows = now.directory / "load" / "steady" / "requests.csv"
    rows.write_text("\n".join(rows.read_text().splitlines()[:-5]) + "\n")
    found = compared(base, now)
    assert "requests.csv of the candidate is not there or not whole" in found["load"][0]["notes"][0]
    half = figure(found, operation="GET /a")
    assert (half["state"], half["candidate"]["low"], half["candidate"]["high"]) == ("not-compared", None, None)
    (old.directory / "load" / "steady" / "stats.json").write_text('{"schema": "seatrial-load-stats-0"}')
    assert compared(old, base)["load"][0]["why"] == [
        "the base left a stats.json that cannot be read: cut, or of another version"
    ]
    assert compared(base, record_of())["load"][0]["why"] == ["the candidate did not send it"]


def test_a_load_without_any_request_is_told(tmp_path: Path) -> None:
    """Where nothing was sent, nothing is known to have gone elsewhere, and no row is missing."""
    base, now = send(tmp_path / "a"), send(tmp_path / "b", count=0)
    for before, after, name in ((base, now, "candidate"), (now, base, "base")):
        (scenario,) = compared(before, after)["load"]
        assert scenario["notes"] == [f"no request of the {name} was timed"]
    assert compared(now, now)["load"][0]["operations"] == []


def test_nothing_that_changed_is_a_link_in_a_comment(tmp_path: Path) -> None:
    """An operation is what a service calls it: whoever it names is not called, and no issue hears of it."""
    base, now = (
        send(tmp_path / name, times=times, operation="GET /@me/#12/gh-3") for name, times in (("a", 1), ("b", 5))
    )
    stream = io.StringIO()
    write_comment(now, stream, base=base)
    assert "slower, 5." in stream.getvalue()
    assert not re.search(r"@\w|#\d|gh-\d", stream.getvalue())


def test_nothing_a_service_says_is_obeyed(tmp_path: Path) -> None:
    """Neither as markup nor by a terminal, and a page has no script and asks for nothing."""
    evil = replace(FINDING, title=EVIL, operation=f"GET /{EVIL}")
    found = compared(record_of(evil, folder=tmp_path), send(tmp_path / "b", operation=f"GET /{EVIL}"))
    stream = io.StringIO()
    write_page(found, stream)
    page = stream.getvalue()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" in page
    assert "\x1b" not in text_of(found)
