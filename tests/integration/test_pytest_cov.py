"""`pytest suites --cov ...`: the flags that people know, of the service instead of the harness."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from coverage import CoverageData
from defusedxml.ElementTree import parse
from measured import CONFIG, LOADED, NEVER, PORTED, lay_out

PATIENCE_S = 120
LOCAL = json.dumps({"only": [], "stack": "local"})


def run(project: Path, *arguments: str, stack: str = LOCAL) -> subprocess.CompletedProcess[str]:
    """Run plain pytest in the project."""
    command = [sys.executable, "-m", "pytest", "suites", "--seatrial-options", stack, *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def lines_of(file: Path) -> Mapping[str, Mapping[int, tuple[int, str]]]:
    """Return file -> line -> hits and branches of a Cobertura report."""
    found = parse(file).getroot()
    assert found is not None
    return {
        Path(each.attrib["filename"]).name: {
            int(line.attrib["number"]): (int(line.attrib["hits"]), line.attrib.get("condition-coverage", ""))
            for line in each.iter("line")
        }
        for each in found.iter("class")
    }


def totals_of(file: Path) -> tuple[int, int, int, int]:
    """Return valid and covered lines, and valid and covered branches."""
    found = parse(file).getroot()
    assert found is not None
    names = ("lines-valid", "lines-covered", "branches-valid", "branches-covered")
    valid, covered, branches, taken = (int(found.attrib[name]) for name in names)
    return valid, covered, branches, taken


def shown_table(done: subprocess.CompletedProcess[str]) -> str:
    """Return what pytest-cov wrote."""
    return done.stdout.partition(" tests coverage ")[2].partition(" seatrial ")[0]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run everything once, with what people give to pytest-cov."""
    project = lay_out(tmp_path_factory.mktemp("shown"))
    flags = ("--cov", "--cov-report=term-missing", "--cov-report=xml:theirs.xml", "--cov-fail-under=50")
    return project, run(project, *flags)


def test_the_flags_that_people_know_show_the_service(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The table has the files of the service alone, with the lines that nobody asked for, and the run passes."""
    _, done = shown
    assert done.returncode == 0, done.stdout + done.stderr
    table = {match[1]: match[0] for match in re.finditer(r"^(\S+\.py) .*%.*$", shown_table(done), re.MULTILINE)}
    assert sorted(table) == [f"svc/app/{name}.py" for name in ("__init__", "answers", "serve", "unused")]
    assert table["svc/app/answers.py"].endswith(f" {NEVER}, {LOADED}"), done.stdout
    assert "warning" not in f"{done.stdout}{done.stderr}".lower()


def test_the_figures_are_those_of_the_run(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """pytest-cov counts the lines and branches of the run's coverage.xml, line by line, and the total follows."""
    project, done = shown
    ours, theirs = project / ".seatrial/latest/coverage/coverage.xml", project / "theirs.xml"
    assert lines_of(theirs) == lines_of(ours)
    valid, covered, branches, taken = totals_of(ours)
    assert branches
    assert totals_of(theirs) == (valid, covered, branches, taken)
    total = 100 * (covered + taken) / (valid + branches)
    assert f"Required test coverage of 50% reached. Total coverage: {total:.2f}%" in done.stdout
    (gate,) = [each for each in verdict(project)["gates"] if each["id"] == "--cov-fail-under 50"]
    assert (gate["status"], round(gate["value"], 6)) == ("pass", round(total, 6))


def test_without_a_clean_stack_the_cost_of_counting_is_unknown(
    shown: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """There is nothing to compare with: the summary says so, in place of a figure."""
    project, _ = shown
    summary = (project / ".seatrial/latest/summary.md").read_text()
    assert "What counting lines costs was not measured: no suite of this run is on the clean stack." in summary


def test_lines_keep_their_suite(shown: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """What pytest-cov leaves behind knows which suite reached a line, for `--cov-report=html` of a later run."""
    project, _ = shown
    data = CoverageData(str(project / ".coverage"))
    data.read()
    contexts = data.contexts_by_lineno(str((project / "svc/app/answers.py").resolve()))
    assert set(contexts[4]) == {"own"}
    assert "startup" in contexts[11]
    data.close()
    assert [path.name for path in project.glob(".coverage*")] == [".coverage"]


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.long)], ids=["alone", "xdist"])
def test_too_little_fails_the_run(tmp_path: Path, workers: tuple[str, ...]) -> None:
    """A threshold above the figure fails session and verdict, whichever suites were selected, in workers too."""
    project = lay_out(tmp_path)
    done = run(project, "-k", "answers", "--cov", "--cov-report=term-missing", "--cov-fail-under=99.5", *workers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(rf"^svc/app/answers\.py .* {NEVER}, {LOADED}$", shown_table(done), re.MULTILINE), done.stdout
    assert "Required test coverage of 99.5% not reached" in done.stdout
    assert "warning" not in f"{done.stdout}{done.stderr}".lower()
    found = verdict(project)
    (failed,) = [each for each in found["gates"] if each["status"] == "fail"]
    assert (found["verdict"], failed["id"]) == ("fail", "--cov-fail-under 99.5")
    assert {result["check"].rpartition("-")[0] for result in found["outcomes"]} == {"own.answers"}


def test_a_service_that_hands_in_nothing_has_no_figure(tmp_path: Path) -> None:
    """What was not measured is no 0 %: the run is inconclusive and says which service, also without a threshold."""
    silent = CONFIG.replace('"-m", "app.serve"', '"-I", "app/serve.py"')
    project = lay_out(tmp_path, silent)
    (project / "svc/app/serve.py").write_text(f"import sys\nsys.path.insert(0, '.')\n{PORTED}")
    done = run(project, "-k", "answers", "--cov")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "[coverage-incomplete]" in verdict(project)["reason"]
    assert "app: no Python process of it was measured" in verdict(project)["reason"]


def test_a_stack_that_does_not_end_is_refused(tmp_path: Path) -> None:
    """What stays up hands nothing in: that is said before anything starts."""
    done = run(lay_out(tmp_path), "--cov", stack=json.dumps({"stack": "http://127.0.0.1:9"}))
    assert done.returncode == 4, done.stdout + done.stderr
    assert "[coverage-attached]" in done.stderr
    assert not (tmp_path / ".seatrial").exists()


def verdict(project: Path) -> dict[str, Any]:
    """Return the latest verdict."""
    found: dict[str, Any] = json.loads((project / ".seatrial" / "latest" / "verdict.json").read_text())
    return found
