"""What unit tests and services in other languages recorded counts with what the services executed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from coverage import CoverageData
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import CoverageSettings, MergeSettings, parse_rule
from seatrial.core import Evidence, Outcome, UsageError, Verdict, content
from seatrial.cover import Collector
from seatrial.cover._lines import FileLines, join
from seatrial.cover._reach import only, ranges, unreached
from seatrial.gate import Value, judge

MAIN = """def f(x):
    if x:
        return sum(
            [x, 1],
        )
    return 2


def g():
    return 3
"""
TESTS = "from app.main import f, g\n\nassert f(0) == 2\nassert f(1) == 2\nassert g() == 3\n"
RAN = {"/app/app/main.py": {(-1, 1), (1, 9), (9, -1), (-1, 2), (2, 6), (6, -1)}}
UNIT = (1, 2, 3, 6, 9, 10)
SCRIPT = "SF:src/shop.js\nDA:1,4\nDA:2,0\nDA:3,1,checksum\nLF:3\nend_of_record\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project whose service executed one of two branches, with unit tests beside it."""
    for name, text in {
        "svc/app/main.py": MAIN,
        "svc/tests/check.py": TESTS,
        "shop/src/shop.js": "let a = 1;\nif (a > 1) a = 2;\nconsole.log(a);\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    share = tmp_path / "share" / "data"
    share.mkdir(parents=True)
    with closing(CoverageData(str(share / ".coverage.api.host.1.x"))) as data:
        data.set_context("contract")
        data.add_arcs(RAN)
    return tmp_path


def collect(root: Path, *merge: MergeSettings, services: tuple[str, ...] = ("api",)) -> Evidence:
    """Collect what the service left, with what is merged in."""
    settings = CoverageSettings(services=services, source="svc", packages=("app",), merge=merge)
    return Collector(settings, root=root).collect(root / "share", out=root / "out")


def values(evidence: Evidence) -> dict[str, float]:
    """Return the figures."""
    assert [result.outcome for result in evidence.results] == [Outcome.PASSED] * 2, evidence.results
    return {found.name.removeprefix("coverage."): found.value for found in evidence.measurements}


def suites(root: Path, file: str = "svc/app/main.py") -> Mapping[str, list[str]]:
    """Return which suites reached each line of a file."""
    found: dict[str, dict[str, list[str]]] = json.loads((root / "out" / "attribution.json").read_text())["files"]
    return found.get(file, {})


def told(root: Path, text: str, **named: object) -> MergeSettings:
    """Write data of another tool and return the settings that name it."""
    (root / "lcov.info").write_text(text)
    return MergeSettings.model_validate({"files": ("lcov.info",), **named})


def unit_tests(root: Path, *options: str) -> None:
    """Run the service's unit tests as its team does, and write their data in each format."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    for words in (
        ["run", *options, "--source=app", "tests/check.py"],
        ["xml", "-q"],
        ["lcov", "-q"],
    ):
        command = [sys.executable, "-m", "coverage", *words]
        subprocess.run(command, cwd=root / "svc", env={**own, "PYTHONPATH": "."}, check=True)


@pytest.mark.parametrize("branch", [True, False])
def test_each_format_says_the_same_of_unit_tests(root: Path, *, branch: bool) -> None:
    """Data of coverage.py, with branches or without, Cobertura XML and LCOV: lines count for the suite `unit`."""
    assert values(collect(root))["total"] == pytest.approx(400 / 6)
    unit_tests(root, *(["--branch"] if branch else []))
    for file in (".coverage", "coverage.xml", "coverage.lcov"):
        assert values(collect(root, MergeSettings(files=(f"svc/{file}",)))) == {"total": 100, "branches": 50}, file
        found = suites(root)
        assert {int(line) for line, names in found.items() if "unit" in names} == set(UNIT), file
        assert found["3"] == ["unit"]
        assert found["6"] == ["contract", "unit"]


@pytest.mark.parametrize("text", ["", "\n", "\n# nothing yet\n"])
@pytest.mark.parametrize("line", [0, 1])
def test_a_module_without_code_ran_all_the_same(root: Path, text: str, line: int) -> None:
    """By its line 0 or 1, as the version of Python has it: that is no sign of another version of the file."""
    (root / "svc/app/__init__.py").write_text(text)
    with closing(CoverageData(str(root / "unit.coverage"))) as data:
        data.add_lines({str(root / "svc/app/__init__.py"): {line}, str(root / "svc/app/main.py"): set(UNIT)})
    assert values(collect(root, MergeSettings(files=("unit.coverage",))))["total"] == 100


def test_a_service_that_other_data_alone_knows_is_a_component(root: Path) -> None:
    """Files of a Node service are a component with a figure, and count in the total."""
    merge = told(root, SCRIPT, source="shop", component="shop", suite="frontend")
    assert values(collect(root, merge)) == {
        "total": pytest.approx(600 / 9),
        "branches": 50,
        "components.shop": pytest.approx(200 / 3),
    }
    assert suites(root, "shop/src/shop.js") == {"1": ["frontend"], "3": ["frontend"]}
    assert values(collect(root, merge, services=())) == {
        "total": pytest.approx(200 / 3),
        "components.shop": pytest.approx(200 / 3),
    }


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("app/main.py", {}),
        ("svc/app/main.py", {}),
        ("{root}/svc/app/main.py", {}),
        ("/app/app/main.py", {}),
        ("./app/../app/main.py", {}),
        ("app\\main.py", {}),
        ("/ci/build/svc/app/main.py", {"paths": ("/ci/build/svc/",)}),
        ("C:\\work\\app\\main.py", {"paths": ("C:\\work",)}),
    ],
)
def test_paths_of_data_are_those_of_the_source(root: Path, file: str, named: dict[str, object]) -> None:
    """Whatever stands for the source folder in the data: nothing, this machine's, the container's, a declared one."""
    merge = told(root, f"SF:{file.format(root=root)}\nDA:3,1\nend_of_record\n", **named)
    assert values(collect(root, merge))["total"] == pytest.approx(500 / 6)


DATA = "SF:{}\nDA:{},1\nend_of_record\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "there is no such file: run what writes it first"),
        ("", "it is no .coverage file"),
        ("SF:app/main.py\nDA:one,1\n", "it cannot be read"),
        ("<coverage><unclosed></coverage>", "it cannot be read"),
        ("<report/>", "its root is <report>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><coverage>&a;</coverage>', "it cannot be read"),
        ("SQLite format 3\0but no database", "it cannot be read"),
        (
            DATA.format("/ci/x/app/main.py", 3),
            '/ci/x/app/main.py looks like app/main.py: if it is that, add paths = ["/ci/x"]',
        ),
        (DATA.format("app/gone.py", 3), "app/gone.py is no longer there: the data is of another version"),
        (DATA.format("app/main.py", 11), "line 11 of app/main.py is not there: the data is of another version"),
        (DATA.format("app/main.py", 7), "line 7 of app/main.py is empty: the data is of another version"),
        (DATA.format("a" * 5000, 3), "File name too long"),
        (DATA.format("tests/check.py", 3), "no file in it is one of those measured in svc: name its root in paths"),
        (DATA.format("/usr/lib/other.py", 3), "no file in it is one of those measured"),
    ],
)
def test_data_that_cannot_be_used_is_incomplete_and_never_nothing(root: Path, text: str | None, reason: str) -> None:
    """No figure is given where data is missing, damaged, of another layout or version, and what to do is said."""
    merge = MergeSettings(files=("lcov.info",)) if text is None else told(root, text)
    evidence = collect(root, merge)
    assert evidence.results[0].outcome is Outcome.INCONCLUSIVE
    assert "coverage incomplete: unit: lcov.info: " in evidence.results[0].reason
    assert reason in evidence.results[0].reason
    assert evidence.measurements == ()
    assert json.loads((root / "out" / "components.json").read_text())["incomplete"] == evidence.results[0].reason


def test_what_else_data_knows_is_left_out(root: Path) -> None:
    """Tests, libraries and files of other services in the same data are no reason for anything."""
    (root / "other" / "app").mkdir(parents=True)
    (root / "other" / "app" / "main.py").write_text(MAIN)
    others = ("tests/check.py", "/x/site-packages/app/main.py", f"{root}/other/app/main.py", "other/app/main.py")
    text = "".join(DATA.format(file, 3) for file in (*others, "app/main.py"))
    assert values(collect(root, told(root, text)))["total"] == pytest.approx(500 / 6)


def test_globs_name_several_files_and_names_twice_are_one_file(root: Path) -> None:
    """Shards of unit tests are merged, and a file that stands in data twice counts once."""
    for number, lines in enumerate(("3", "10")):
        (root / f"unit-{number}.info").write_text(DATA.format("app/main.py", lines) + DATA.format("svc/app/main.py", 3))
    assert values(collect(root, MergeSettings(files=("unit-*.info",))))["total"] == 100


def test_globs_name_files_anywhere(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """An absolute one too; one that is none is a gap, and no crash after all has run."""
    (tmp_path_factory.mktemp("ci") / "unit.info").write_text(DATA.format("app/main.py", 3))
    found = f"{tmp_path_factory.getbasetemp()}/ci*/*.info"
    assert values(collect(root, MergeSettings(files=(found,))))["total"] == pytest.approx(500 / 6)
    for glob in ("", "a**b", "/"):
        reason = collect(root, MergeSettings(files=(glob,))).results[0].reason
        assert "there is no such file: run what writes it first" in reason, glob


@pytest.mark.parametrize("named", [{"source": "none", "component": "shop"}, {"source": "shop"}])
def test_a_source_of_its_own_exists_and_is_a_component(root: Path, named: dict[str, object]) -> None:
    """What cannot be meant is said before anything starts."""
    with pytest.raises(UsageError, match="coverage-source"):
        collect(root, told(root, SCRIPT, **named))


def test_without_services_what_is_merged_is_a_component(root: Path) -> None:
    """There are no measured files that it could be of: that is said before anything starts, not as a wrong path."""
    with pytest.raises(UsageError, match="needs a component"):
        collect(root, told(root, DATA.format("app/main.py", 3)), services=())


@pytest.mark.parametrize(
    ("stored", "tolerance", "status"),
    [
        (400 / 6, 0, Verdict.PASS),  # risen
        (500 / 6, 0, Verdict.PASS),  # the same
        (600 / 6, 20, Verdict.PASS),  # fallen, within the tolerance
        (600 / 6, 16, Verdict.FAIL),  # and beyond it
        (None, 0, Verdict.NO_BASELINE),
    ],
)
def test_a_component_may_rise_and_not_fall(root: Path, stored: float | None, tolerance: int, status: Verdict) -> None:
    """Its figure as it is measured, against what was accepted of it: 5 of its 6 lines ran."""
    settings = CoverageSettings(
        services=("api",),
        source="svc",
        packages=("app",),
        components={"main": ("app/main.py",)},
        merge=(told(root, DATA.format("app/main.py", 3)),),
    )
    measured = values(Collector(settings, root=root).collect(root / "share", out=root / "out"))
    found = {f"coverage.{name}": Value(value, "percent") for name, value in measured.items()}
    baseline = {} if stored is None else {"coverage.components.main": Value(stored, "percent")}
    rule = parse_rule(f"coverage.components.main >= baseline - {tolerance} %")
    (gate,) = judge([rule], found, applies=lambda _: True, baseline=baseline)
    assert gate.status is status
    assert gate.value == pytest.approx(500 / 6)


LINES = st.frozensets(st.integers(1, 30))


@st.composite
def files(draw: st.DrawFn) -> FileLines:
    """Return a file with lines that some suites reached."""
    executable = draw(LINES)
    names = draw(st.sets(st.sampled_from(["startup", "health", "contract", "unit"])))
    return FileLines(executable=executable, suites={name: draw(LINES) & executable for name in names})


@given(files(), files())
def test_a_union_keeps_all_and_adds_nothing(first: FileLines, second: FileLines) -> None:
    """Joining models is what sets do, whichever comes first."""
    found = join({"a": first}, {"a": second})["a"]
    assert found.executable == first.executable | second.executable
    assert found.reached == first.reached | second.reached
    assert join({"a": second}, {"a": first})["a"] == found
    assert join({"a": first}, {"a": first})["a"] == first


@given(files())
def test_each_line_is_somebodys_alone_of_several_or_of_nobody(lines: FileLines) -> None:
    """Lines that one suite alone reached have no other; those that no request reached have none but unit tests."""
    for suite, found in only(lines).items():
        assert all([name for name, its in lines.suites.items() if line in its] == [suite] for line in found)
    never = unreached(lines, {"unit"})
    assert never <= lines.executable
    assert all({name for name, its in lines.suites.items() if line in its} <= {"unit"} for line in never)
    assert unreached(lines, set()) == lines.executable - lines.reached


@given(LINES, LINES)
def test_ranges_name_the_lines(chosen: frozenset[int], executable: frozenset[int]) -> None:
    """What is written names the chosen lines, and no other executable one."""
    written = [part.split("-") for part in ranges(chosen & executable, executable).split(", ") if part]
    named = {line for part in written for line in range(int(part[0]), int(part[-1]) + 1)}
    assert named & executable == chosen & executable


def test_what_one_suite_alone_reached_is_told(root: Path) -> None:
    """The data of the report says who reached how much, what the fuzzer alone did, and what no request did, by file."""
    collect(root, told(root, DATA.format("app/main.py", 3)))
    found = json.loads((root / "out" / "components.json").read_text())
    schema = json.loads((content("reports") / "schema" / "coverage-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    assert found["suites"] == ["contract", "unit"]
    assert found["components"] == [
        {
            "name": "total",
            "lines": 6,
            "covered": 5,
            "suites": {"contract": 4, "unit": 1},
            "only": {"contract": 4, "unit": 1},
            "unreached": 2,
        }
    ]
    assert found["files"] == [
        {
            "file": "svc/app/main.py",
            "components": [],
            "lines": 6,
            "covered": 5,
            "suites": {"contract": 4, "unit": 1},
            "only": {"contract": 4, "unit": 1},
            "unreached": 2,
            "where": {"only": {"contract": "1-2, 6-9", "unit": "3"}, "unreached": "3, 10"},
        }
    ]


def test_a_file_is_of_each_component_whose_globs_name_it(root: Path) -> None:
    """Of several, of one or of none: it counts in each, and once in the total."""
    for name in ("other", "rest"):
        (root / f"svc/app/{name}.py").write_text("X = 1\n")
    parts = {"main": ("app/main.py",), "most": ("app/main.py", "app/o*.py")}
    settings = CoverageSettings(services=("api",), source="svc", packages=("app",), components=parts)
    Collector(settings, root=root).collect(root / "share", out=root / "out")
    found = json.loads((root / "out" / "components.json").read_text())
    assert {each["file"]: each["components"] for each in found["files"]} == {
        "svc/app/main.py": ["main", "most"],
        "svc/app/other.py": ["most"],
        "svc/app/rest.py": [],
    }
    assert {each["name"]: each["lines"] for each in found["components"]} == {"total": 8, "main": 6, "most": 7}
