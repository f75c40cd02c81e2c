"""What reports show of coverage: components with their rules and suites, and changed lines that nothing executed."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.core import GateResult, Measurement, Verdict, content
from seatrial.cover._cost import figures
from seatrial.record import (
    AnyEvent,
    GateJudged,
    MeasurementTaken,
    NothingToMeasure,
    Record,
    Recorder,
    RunFinished,
    RunStarted,
)
from seatrial.reporting import REPORTERS, write_reports
from seatrial.reporting._components import LINKED
from seatrial.reporting._room import LIMIT_BYTES

HEALTH = {
    "name": "health",
    "lines": 40,
    "covered": 30,
    "suites": {"startup": 10, "health": 12, "contract": 25, "unit": 5},
    "only": {"health": 1, "contract": 13, "unit": 2},
    "unreached": 12,
}
FILE = {
    **{key: value for key, value in HEALTH.items() if key != "name"},
    "file": "svc/a.py",
    "components": ["health"],
    "where": {"only": {"contract": "3-15", "health": "20", "unit": "21-22"}, "unreached": "9, 30-40"},
}
COMPONENTS: dict[str, Any] = {
    "schema": "urn:seatrial:coverage:1",
    "incomplete": "",
    "interpreters": [{"service": "api", "python": "3.13", "core": "ctrace"}],
    "late": [],
    "suites": ["startup", "contract", "health", "unit"],
    "components": [
        {**HEALTH, "name": "total"},
        HEALTH,
        {**HEALTH, "name": "idle", "suites": {}, "only": {}, "covered": 0},
    ],
    "files": [FILE],
}
PATCH: dict[str, Any] = {
    "schema": "urn:seatrial:patch:1",
    "base": "origin/main",
    "commit": "0123456789abcdef",
    "incomplete": "",
    "lines": 12,
    "covered": 9,
    "files": [
        {"file": "svc/whole.py", "lines": 4, "covered": 4, "uncovered": ""},
        {"file": "svc/<b>|a.py", "lines": 8, "covered": 5, "uncovered": "3-5, 9"},
    ],
    "elsewhere": ["notes.md"],
}


def gate(rule: str, **given: Any) -> GateResult:
    """Return a rule about health that was judged."""
    facts = {
        "operator": ">=",
        "threshold": 80.0,
        "value": 75.0,
        "unit": "percent",
        "status": Verdict.FAIL,
        "reason": "r",
    }
    return GateResult(id=rule, metric="coverage.components.health", **{**facts, **given})


GATES = (
    gate("coverage.components.health >= 80 %"),
    gate("coverage.components.health >= baseline - 0.5 %", threshold=70.5, baseline=71.0, status=Verdict.PASS),
    gate("coverage.components.health >= baseline", threshold=None, status=Verdict.NO_BASELINE),
)


def lay(
    folder: Path,
    *,
    components: dict[str, Any] | None = None,
    patch: dict[str, Any] | None = None,
    more: Sequence[AnyEvent] = (),
) -> Path:
    """Write down a run with what its collector left, and make its reports."""
    covered = Measurement(name="coverage.total", value=75.0, unit="percent", definition="lines")
    started = RunStarted(
        run="r-1",
        version="1",
        started="2026-01-01T00:00:00+00:00",
        stack="local",
        why_stack="w",
        profile="quick",
        seed=7,
    )
    events: list[AnyEvent] = [started, MeasurementTaken(measurement=covered), *more]
    events += [GateJudged(gate=each) for each in GATES]
    events += [RunFinished(verdict=Verdict.FAIL, reason="r", duration_s=1.0)]
    with Recorder(folder) as recorder:
        for event in events:
            recorder.emit(event)
    (folder / "coverage").mkdir(exist_ok=True)
    for name, found in (("components", components), ("patch", patch)):
        if found:
            (folder / "coverage" / f"{name}.json").write_text(json.dumps(found))
    write_reports(folder)
    return folder


def rows_of(page: str, section: str) -> list[list[str]]:
    """Return the cells of the table in a section of the page, as text."""
    (found,) = re.findall(rf'<section aria-labelledby="{section}".*?</section>', page, re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", found.partition("<tbody>")[2], re.DOTALL)
    return [[text_of(cell) for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]


def text_of(cell: str) -> str:
    """Return what is read of a cell."""
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", cell).split()))


def tree_of(page: str) -> str:
    """Return the coverage tree of a page."""
    return page.partition('<div class="tree">')[2].partition("\n</div>")[0]


def branches_of(page: str) -> dict[str, list[str]]:
    """Return the branches of the tree by what stands beside their fold, with the files in each."""
    found = {}
    for branch in tree_of(page).split("\n<details id=")[1:]:
        titles = [text_of(title) for title in re.findall(r"<summary>(.*?)</summary>", branch)]
        found[titles[0]] = titles[1:]
    return found


def section_of(text: str, title: str) -> list[str]:
    """Return the lines of a section of Markdown."""
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0].strip().splitlines()


@pytest.mark.parametrize(("found", "schema"), [(COMPONENTS, "coverage-1"), (PATCH, "patch-1")])
def test_what_is_shown_here_keeps_to_the_published_schema(found: dict[str, Any], schema: str) -> None:
    """As what a collector writes does (test_cover_merge, test_patch_coverage); one field less, or another, does not."""
    text = (content("reports") / "schema" / f"{schema}.schema.json").read_text()
    validator = jsonschema.Draft202012Validator(json.loads(text))
    validator.check_schema(json.loads(text))
    validator.validate(found)
    for key in found:
        assert not validator.is_valid({name: value for name, value in found.items() if name != key}), key
    assert not validator.is_valid({**found, "more": 1})


def test_components_say_who_reached_them(tmp_path: Path) -> None:
    """Share, rules with threshold and baseline, suites, what one alone reached, and what no request did."""
    run = lay(tmp_path, components=COMPONENTS)
    total, health, idle = rows_of((run / "report.html").read_text(), "coverage")
    assert health == [
        "health",
        "40",
        "75 %",
        "fail >= 80 %, pass >= 70.5 % (baseline 71 %), no baseline yet >= baseline",
        "the fuzzer (contract) 62.50 % health 30 % startup 25 % unit 12.50 %",
        "the fuzzer (contract) 13 unit 2 health 1",
        "12",
    ]
    assert total[3] == "none"
    assert idle[2:] == ["0 %", "none", "nobody", "none", "12"]
    table = section_of((run / "summary.md").read_text(), "Coverage of the services")
    assert table[3].startswith(
        "| health | 40 | 75.0 % | >= 80 %: fail, >= 70.5 % (baseline 71 %): pass, "
        ">= baseline: no baseline yet | the fuzzer (contract) 62.5 %, health 30.0 %"
    )
    assert table[3].endswith("| the fuzzer (contract) 13, unit 2, health 1 | 12 |")


def file_of(name: str, *components: str, unreached: int = 0, alone: int = 0) -> dict[str, Any]:
    """Return a file of components, with so many lines that no request and that the fuzzer alone reached."""
    where = {"only": {"contract": "1"} if alone else {}, "unreached": "2" if unreached else ""}
    counts = {"lines": 40, "covered": 40 - unreached, "suites": {"contract": alone}, "only": {"contract": alone}}
    return {"file": name, "components": list(components), **counts, "unreached": unreached, "where": where}


def test_the_tree_leads_from_components_to_lines(tmp_path: Path) -> None:
    """A file has its share, who reached it, the lines that one suite alone reached, and those that no request did."""
    page = (lay(tmp_path, components=COMPONENTS) / "report.html").read_text()
    assert branches_of(page) == {
        "health 75 % of 40 lines, 12 by no request 1 file": ["svc/a.py 75 % of 40 lines, 12 by no request"],
        "idle 0 % of 40 lines, 12 by no request 0 files": [],
    }
    (leaf,) = re.findall(r"</summary>\n(<p>reached by.*?)</details>", page, re.DOTALL)
    assert [text_of(line) for line in leaf.splitlines() if line] == [
        "reached by: the fuzzer (contract) 62.50 % health 30 % startup 25 % unit 12.50 % link",
        "the fuzzer (contract) alone, 13: 3-15",
        "unit alone, 2: 21-22",
        "health alone, 1: 20",
        "by no request, 12: 9, 30-40",
    ]
    assert re.findall(r'<details id="(coverage-(?:health|idle))"( open)?>', page) == [
        ("coverage-health", " open"),  # a rule about it does not hold
        ("coverage-idle", ""),
    ]
    assert '<th scope="row"><a href="#coverage-health">health</a></th>' in page
    for link in set(re.findall(r'href="#(coverage-[^"]*)"', page)):
        assert page.count(f' id="{link}"') == 1, link


def test_a_file_stands_in_each_of_its_components(tmp_path: Path) -> None:
    """With an address in each; what is in none has a branch, and without components there is one of all files."""
    parts = [{**HEALTH, "name": name} for name in ("total", "health", "api")]
    files = [file_of("svc/b.py", "health", "api"), file_of("svc/c.py", unreached=4), FILE]
    page = (lay(tmp_path, components={**COMPONENTS, "components": parts, "files": files}) / "report.html").read_text()
    assert list(branches_of(page).values()) == [
        ["svc/a.py 75 % of 40 lines, 12 by no request", "svc/b.py 100 % of 40 lines"],
        ["svc/b.py 100 % of 40 lines"],
        ["svc/c.py 90 % of 40 lines, 4 by no request"],
    ]
    assert list(branches_of(page))[2] == "(in no component) 90 % of 40 lines, 4 by no request 1 file"
    assert page.count("It counts in api too.") == page.count("It counts in health too.") == 1
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    alone = lay(tmp_path / "alone", components={**COMPONENTS, "components": parts[:1], "files": files})
    assert [title.partition(" 75 %")[0] for title in branches_of((alone / "report.html").read_text())] == ["every file"]


def test_of_many_files_the_most_interesting_are_shown(tmp_path: Path) -> None:
    """Whatever a component of 2,000 files takes, another has its first ones; how many are left out is told in each."""
    parts = [{**HEALTH, "name": name} for name in ("total", "large", "small")]
    files = [file_of(f"svc/{number}/{'f' * 60}.py", "large", unreached=number % 40) for number in range(2_000)]
    files += [file_of("svc/dull.py", "small"), file_of("svc/fuzzed.py", "small", alone=3)]
    files += [file_of("svc/missed.py", "small", unreached=1)]
    run = lay(tmp_path, components={**COMPONENTS, "components": parts, "files": files})
    page = (run / "report.html").read_text()
    assert len(page.encode()) < LIMIT_BYTES
    large, small = branches_of(page).values()
    assert [title.partition(" ")[0] for title in small] == ["svc/missed.py", "svc/fuzzed.py", "svc/dull.py"]
    unreached = [int(re.findall(r", (\d+) by no request|$", title)[0] or 0) for title in large]
    assert unreached == sorted(unreached, reverse=True)
    assert unreached[0] == 39
    assert len(large) > 100
    left = f"{2_000 - len(large)} more, those with the fewest lines that no request reached: <code>coverage/"
    assert left in page


def test_links_lead_to_branches_that_are_there(tmp_path: Path) -> None:
    """Of many components not every one has room for its branch: the table leads to none of them then."""
    for count, linked in ((LINKED, LINKED), (400, 0)):
        names = [f"c{number}{'n' * 110}" for number in range(count)]
        parts = [{**HEALTH, "name": name} for name in names]
        files = [file_of("svc/b.py", *names, unreached=2)]
        folder = tmp_path / str(count)
        page = (lay(folder, components={**COMPONENTS, "components": parts, "files": files}) / "report.html").read_text()
        links = re.findall(r'<th scope="row"><a href="#(coverage-[^"]*)"', page)
        assert len(links) == linked
        assert all(f'<details id="{link}"' in page for link in links)
        assert ("more, with their files: <code>coverage/" in page) is (count > LINKED)


PAIRS = ((0.02, 0.01), (0.03, 0.01), (0.04, 0.03))
COST = [MeasurementTaken(measurement=each) for each in figures(PAIRS, 10, "/ready")]
WHY = NothingToMeasure(metric="instrumentation.ratio", reason="no suite of this run is on the clean stack")
COSTS = (
    "What counting lines costs: 333 requests a second with it, 1000 without; pair by pair a ratio of 0.50 (median, "
    "over pairs of bursts, of the rate with instrumentation to that without, of one client that asks GET /ready again "
    "and again in bursts of 10, to both stacks by turns; 3 pairs). It decides nothing."
)


@pytest.mark.parametrize(
    ("events", "said"),
    [(COST, COSTS), ([WHY], f"What counting lines costs was not measured: {WHY.reason}."), ([WHY, *COST], COSTS)],
)
def test_what_counting_lines_costs_is_printed(tmp_path: Path, events: list[AnyEvent], said: str) -> None:
    """On the page and in the summary, with what counted them; or why nobody knows."""
    run = lay(tmp_path, components=COMPONENTS, more=events)
    said += " Lines were counted by coverage.py (api: Python 3.13, ctrace)."
    page = (run / "report.html").read_text()
    assert text_of(page.partition('<p id="instrumentation">')[2].partition("</p>")[0]) == said
    assert said in section_of((run / "summary.md").read_text(), "Coverage of the services")


def test_who_was_late_for_a_suite_is_told(tmp_path: Path) -> None:
    """By service and suite, beside the tree and in the summary, with what it means; of very many the first ones."""
    late = [{"phase": "contract", "before": "health", "service": f"s{n}", "processes": 2} for n in range(7)]
    run = lay(tmp_path, components={**COMPONENTS, "late": late})
    said = (
        "Who reached what is not sure: when contract began, 2 processes of s0 had not arrived in it, and what ran "
        "there until then counts for health; when contract began, 2 processes of s1"
    )
    for text in ((run / "report.html").read_text(), (run / "summary.md").read_text()):
        assert said in text
        assert "; 2 more are in coverage/attribution.json." in text
    assert "not sure" not in (lay(tmp_path / "sure", components=COMPONENTS) / "report.html").read_text()


def test_no_share_is_given_of_what_is_incomplete(tmp_path: Path) -> None:
    """Neither on the page nor in Markdown: the reason stands in its place."""
    run = lay(tmp_path, components={**COMPONENTS, "incomplete": "api: <b>no</b> process of it"})
    page = (run / "report.html").read_text()
    assert {row[2] for row in rows_of(page, "coverage")} == {"incomplete"}
    assert "api: &lt;b&gt;no&lt;/b&gt; process of it" in page
    assert "Which suite reached which file is left out" in page
    assert "svc/a.py" not in page
    lines = section_of((run / "summary.md").read_text(), "Coverage of the services")
    assert lines[0] == "api: &lt;b>no&lt;/b> process of it: no share is given."
    assert "| health | 40 | incomplete |" in lines[5]


def test_changed_lines_that_nothing_executed_are_named(tmp_path: Path) -> None:
    """By file and lines, on the page, in the summary and in the comment; a report asks the run's directory alone."""
    run = lay(tmp_path, patch=PATCH)
    page = (run / "report.html").read_text()
    assert rows_of(page, "patch") == [["svc/whole.py", "4", "0"], ["svc/<b>|a.py:3-5, 9", "8", "3"]]
    assert "svc/<b>" not in page
    sentence = (
        "75.0 %: 9 of 12 executable lines that changed since the work left origin/main (0123456789ab) were executed."
    )
    assert sentence in page
    assert "1 changed file is not among those measured; <code>coverage/patch.json</code> names it." in page
    for file in ("summary.md", "comment.md"):
        lines = section_of((run / file).read_text(), "Patch coverage")
        assert lines == [sentence, "", "Changed, and executed by nothing:", "", "- svc/&lt;b>\\|a.py:3-5, 9"], file


@pytest.mark.parametrize(
    ("patch", "said"),
    [
        ({"lines": 0, "covered": 0, "files": []}, "Nothing to cover: no executable line of a measured file changed"),
        ({"incomplete": "worker: no data"}, "Not measured of what changed since the work left origin/main"),
    ],
)
def test_a_patch_without_a_figure_says_why(tmp_path: Path, patch: dict[str, Any], said: str) -> None:
    """It is neither 0 % nor 100 %, and no line is called uncovered that may not be."""
    run = lay(tmp_path, patch={**PATCH, **patch})
    for text in ((run / "report.html").read_text(), (run / "summary.md").read_text()):
        assert said in text
        assert "3-5, 9" not in text
    (section,) = re.findall(
        r'<section aria-labelledby="patch".*?</section>', (run / "report.html").read_text(), re.DOTALL
    )
    assert "%" not in section


@pytest.mark.parametrize("text", ["{", '{"schema": "seatrial-coverage-1"}', ""])
def test_what_another_version_left_is_not_shown(tmp_path: Path, text: str) -> None:
    """Nor is what was cut: the figures of the verdict are shown as ever."""
    run = lay(tmp_path, components=COMPONENTS, patch=PATCH)
    for name in ("components", "patch"):
        (run / "coverage" / f"{name}.json").write_text(text)
    write_reports(run)
    page, summary = (run / "report.html").read_text(), (run / "summary.md").read_text()
    assert rows_of(page, "coverage") == [["total", "75 %"]]
    assert "Patch coverage" not in page + summary
    assert "Coverage of the services" not in summary


def test_however_much_there_is_the_page_stays_small(tmp_path: Path) -> None:
    """What fails, or was not executed, is shown first; what is left out is counted, and where it stands is said."""
    many = [{**HEALTH, "name": f"{number} {'n' * 200}"} for number in range(2_000)]
    files = [{"file": f"{number}/{'f' * 300}.py", "lines": 2, "covered": 2, "uncovered": ""} for number in range(2_000)]
    last = {"file": "last.py", "lines": 2, "covered": 0, "uncovered": ", ".join(str(2 * line) for line in range(5_000))}
    patch, parts = {**PATCH, "files": [*files, last]}, {**COMPONENTS, "components": [*many, HEALTH]}
    run = lay(tmp_path, components=parts, patch=patch)
    page, summary = (run / "report.html").read_text(), (run / "summary.md").read_text()
    assert len(page.encode()) < LIMIT_BYTES
    assert "more components are in <code>coverage/components.json" in page
    assert rows_of(page, "coverage")[-1][0] == "health"
    assert "more files, those that were executed whole first, are in <code>coverage/patch.json" in page
    assert rows_of(page, "patch")[-1][0].startswith("last.py:0, 2, 4")
    assert f"{len(parts['components']) - 50} more are in coverage/components.json" in summary
    uncovered = [{**file, "covered": 1, "uncovered": "2"} for file in files]
    assert (
        "- and 1950 more files in coverage/patch.json"
        in (lay(tmp_path / "more", patch={**patch, "files": uncovered}) / "summary.md").read_text()
    )


def test_nothing_to_measure_is_told_as_such(tmp_path: Path) -> None:
    """On the page, in the summary, beside the lines of a change, and in verdict.json, which keeps to its schema."""
    record = Record(tmp_path)
    record.gates = [gate("coverage.patch >= 80 %", value=None, status=Verdict.NOTHING_TO_MEASURE, reason="no line")]
    written = {name: io.StringIO() for name in ("verdict.json", "report.html", "summary.md", "annotations.txt")}
    for name, stream in written.items():
        REPORTERS[name](record, stream)
    verdict = json.loads(written["verdict.json"].getvalue())
    assert [each["status"] for each in verdict["gates"]] == ["nothing-to-measure"]
    schema = json.loads((content("reports") / "schema" / "verdict-1.schema.json").read_text())
    allowed = schema["properties"]["gates"]["items"]["properties"]["status"]["enum"]
    assert set(allowed) == {status.value for status in Verdict}
    assert "nothing-to-measure" in written["report.html"].getvalue()
    assert (
        "| `coverage.patch >= 80 %` | nothing to measure | not measured | none | no line |"
        in written["summary.md"].getvalue()
    )
    assert "::notice title=gate coverage.patch >= 80 %25::no line" in written["annotations.txt"].getvalue()
