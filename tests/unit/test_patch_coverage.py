"""Of the lines that a patch changed, those that any suite executed: whatever git, the folder and the clone are like."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from coverage import CoverageData
from hypothesis import given
from hypothesis import strategies as st

from seatrial.campaign import Options, with_patch_base
from seatrial.cli import run_command_line
from seatrial.config import CoverageSettings, MergeSettings, Settings, load_settings, parse_rule
from seatrial.core import Evidence, Outcome, UsageError, Verdict, content
from seatrial.cover import Collector
from seatrial.cover._lines import FileLines
from seatrial.cover._patch import Patch, read_patch
from seatrial.cover._patched import changed_lines, measure_patch
from seatrial.gate import Value, judge
from seatrial.plugin import check_settings

BEFORE = """def f(x):
    if x:
        return 1
    return 2
"""
AFTER = """def f(x):
    if x:
        return sum(
            [x, 1],
        )
    return 2


def g():
    # says three
    return 3
"""
RULE = parse_rule("coverage.patch >= 80 %")


def git(folder: Path, *words: str) -> None:
    """Run git as nobody in particular, with nobody's configuration."""
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = ("-c", "user.name=n", "-c", "user.email=n@example.invalid", "-c", "protocol.file.allow=always")
    subprocess.run(("git", *who, *words), cwd=folder, env={**own, **nobody}, check=True, capture_output=True)


def commit(folder: Path, files: Mapping[str, str]) -> None:
    """Write files and commit everything."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "m")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project in a folder of a repository, on a branch that changed a service and its notes."""
    top = tmp_path / "repository"
    top.mkdir()
    git(top, "init", "--quiet", "--initial-branch=main")
    commit(top, {"project/svc/app/main.py": BEFORE, "project/notes.md": "one\n"})
    git(top, "switch", "--quiet", "--create", "work")
    commit(top, {"project/svc/app/main.py": AFTER, "project/notes.md": "one\ntwo\n"})
    git(top, "switch", "--quiet", "main")
    commit(top, {"project/svc/app/other.py": "a = 1\n"})  # what main did since is no work of ours
    git(top, "switch", "--quiet", "work")
    return top / "project"


def collect(root: Path, executed: set[int], *, base: str = "main", merge: tuple[MergeSettings, ...] = ()) -> Evidence:
    """Collect what a service executed of `app/main.py`."""
    share, out = root.parent.parent / "share", root.parent.parent / "out"
    (share / "data").mkdir(parents=True, exist_ok=True)
    with closing(CoverageData(str(share / "data" / ".coverage.api.host.1.x"))) as data:
        data.set_context("contract")
        data.add_arcs({"/app/app/main.py": {(-1, line) for line in executed}})
    settings = CoverageSettings(services=("api",), source="svc", packages=("app",), patch_base=base, merge=merge)
    return Collector(settings, root=root).collect(share, out=out)


def described(root: Path) -> dict[str, object]:
    """Return what stands in the run directory about the patch, which keeps to its schema."""
    found: dict[str, object] = json.loads((root.parent.parent / "out" / "patch.json").read_text())
    schema = json.loads((content("reports") / "schema" / "patch-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def figure(evidence: Evidence) -> float | None:
    """Return the patch coverage of complete data."""
    assert [result.outcome for result in evidence.results] == [Outcome.PASSED] * 2, evidence.results
    return next((m.value for m in evidence.measurements if m.name == "coverage.patch"), None)


def test_changed_lines_are_those_of_the_work_alone(root: Path) -> None:
    """A statement of several lines counts once, comments and empty lines never, and what the base did since never."""
    assert figure(collect(root, {1, 2, 3, 9})) == pytest.approx(200 / 3)
    found = described(root)
    assert found["files"] == [{"file": "svc/app/main.py", "lines": 3, "covered": 2, "uncovered": "11"}]
    assert (found["lines"], found["covered"], found["elsewhere"]) == (3, 2, ["notes.md"])
    assert (found["base"], found["incomplete"]) == ("main", "")


def test_a_line_in_the_middle_of_a_statement_changes_the_statement(root: Path) -> None:
    """By its first line, which is the one that is executed."""
    git(root, "switch", "--quiet", "--create", "later")
    (root / "svc/app/main.py").write_text(AFTER.replace("[x, 1]", "[x, 2]"))
    collect(root, {1, 2}, base="work")
    assert described(root)["files"] == [{"file": "svc/app/main.py", "lines": 1, "covered": 0, "uncovered": "3"}]


def test_the_folder_counts_as_it_is(root: Path) -> None:
    """What is committed, staged, edited or not even known to git, by the numbers that lines have now."""
    main = root / "svc/app/main.py"
    main.write_text('"""Shifted."""\n\n' + AFTER)
    git(root, "add", "--all")
    main.write_text('"""Shifted."""\n\nimport os\n\n' + AFTER)
    (root / "svc/app/new é.py").write_text("a = 1\n\nb = 2\n")
    (root / "svc/app/ignored.py").write_text("a = 1\n")
    (root / ".gitignore").write_text("ignored.py\n")
    collect(root, {3, 5, 6, 7, 13})
    assert described(root)["files"] == [
        {"file": "svc/app/main.py", "lines": 4, "covered": 3, "uncovered": "15"},
        {"file": "svc/app/new é.py", "lines": 2, "covered": 0, "uncovered": "1-3"},
    ]


def test_what_was_moved_is_no_change(root: Path) -> None:
    """Only what changed in it on the way."""
    git(root, "mv", "svc/app/main.py", "svc/app/moved.py")
    found = read_patch("work", root)
    assert found.files == {}


def test_nobodys_configuration_of_git_changes_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prefixes, relative paths, colours, and the repository of a hook that runs us."""
    before = read_patch("main", root)
    for key, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "diff.relative": "true",
        "color.ui": "always",
        "diff.renames": "false",
        "diff.external": "false",
        "core.quotePath": "true",
    }.items():
        git(root, "config", key, value)
    monkeypatch.chdir(root / "svc")
    monkeypatch.setenv("GIT_DIR", str(root.parent.parent))
    assert read_patch("main", root) == before
    assert set(before.files) == {"svc/app/main.py", "notes.md"}


def test_unit_tests_cover_the_patch_too(root: Path) -> None:
    """Whatever suite executed a changed line: what is merged in counts."""
    (root / "lcov.info").write_text("SF:app/main.py\nDA:11,1\nend_of_record\n")
    merge = (MergeSettings(files=("lcov.info",)),)
    assert figure(collect(root, {1, 2, 3, 9}, merge=merge)) == 100


def test_nothing_to_cover_is_neither_nothing_nor_everything(root: Path) -> None:
    """A patch without an executable line has no figure, and the gate a state of its own that decides nothing."""
    git(root, "switch", "--quiet", "--create", "docs")
    commit(root, {"notes.md": "three\n", "svc/app/main.py": "# a comment\n" + AFTER})
    evidence = collect(root, {1, 2}, base="work")
    assert figure(evidence) is None
    assert evidence.nothing["coverage.patch"].endswith("nothing to cover")
    assert described(root)["files"] == []
    (gate,) = judge([RULE], {}, applies=lambda _: True, nothing=evidence.nothing)
    assert (gate.status, gate.value, gate.reason) == (
        Verdict.NOTHING_TO_MEASURE,
        None,
        evidence.nothing["coverage.patch"],
    )


def test_a_patch_that_was_not_seen_whole_has_no_figure(root: Path) -> None:
    """Where data is missing, lines that look uncovered may not be: none is given, and the file says so."""
    evidence = collect(root, {1}, merge=(MergeSettings(files=("none.info",)),))
    assert "coverage.patch" not in {m.name for m in evidence.measurements}
    assert evidence.nothing == {}
    assert "none.info" in str(described(root)["incomplete"])
    (gate,) = judge([RULE], {}, applies=lambda _: True, nothing=evidence.nothing)
    assert gate.status is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(("value", "status"), [(79.9, Verdict.FAIL), (80.0, Verdict.PASS)])
def test_a_rule_judges_it(value: float, status: Verdict) -> None:
    """As any other figure."""
    (gate,) = judge([RULE], {"coverage.patch": Value(value, "percent")}, applies=lambda _: True)
    assert gate.status is status


def refused(base: str, root: Path) -> UsageError:
    """Return the error for a base."""
    with pytest.raises(UsageError) as caught:
        read_patch(base, root)
    return caught.value


def test_a_base_that_is_not_there_is_refused(root: Path) -> None:
    """With where it was looked for, and what to do; also one that looks like an option, or shares no history."""
    for base in ("origin/main", "--all", "main:project"):
        error = refused(base, root)
        assert (error.slug, base in error.what, str(root.parent) in error.where) == ("patch-base-unknown", True, True)
        assert "git fetch origin" in error.remedy
    git(root, "switch", "--quiet", "--orphan", "alone")
    commit(root, {"notes.md": "one\n"})
    assert "have no commit in common" in refused("main", root).what


def test_a_folder_without_a_repository_is_refused(tmp_path: Path) -> None:
    """Patch coverage is of what git knows."""
    error = refused("main", tmp_path)
    assert (error.slug, error.where) == ("repository-missing", str(tmp_path))
    assert "[coverage] patch_base" in error.remedy


def test_a_shallow_clone_is_told_what_to_fetch(root: Path, tmp_path: Path) -> None:
    """Whether the base is missing, or there and the history between is."""
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=work", f"file://{root.parent}", str(clone))
    error = refused("origin/main", clone / "project")
    assert "origin/main" in error.what
    assert "fetch-depth: 0" in error.remedy
    git(clone, "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")
    error = refused("origin/main", clone / "project")
    assert "have no commit in common" in error.what
    assert "fetch-depth: 0" in error.remedy
    git(clone, "fetch", "--quiet", "--unshallow", "origin")
    assert set(read_patch("origin/main", clone / "project").files) == {"svc/app/main.py", "notes.md"}


CONFIG = """
[coverage]
services = ["api"]
source = "svc"
packages = ["app"]
{base}
[gate]
rules = ["{rule}"]
"""


@pytest.mark.parametrize(
    ("base", "rule", "options", "slug"),
    [
        ('patch_base = "origin/main"', "coverage.patch >= 80 %", (), "patch-base-unknown"),
        ('patch_base = "origin/main"', "checks.passed >= 1", (), "patch-base-unknown"),
        ('patch_base = "main"', "checks.passed >= 1", ("--patch-base", "origin/main"), "patch-base-unknown"),
        ("", "coverage.patch >= 80 %", ("--patch-base", "origin/main"), "patch-base-unknown"),
        ("", "coverage.patch >= 80 %", (), "patch-base-missing"),
    ],
)
def test_a_run_that_could_not_be_judged_is_not_begun(  # noqa: PLR0913, PLR0917 - pytest's fixtures
    root: Path,
    base: str,
    rule: str,
    options: tuple[str, ...],
    slug: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither without a base where a rule needs it, nor with one that is not there."""
    (root / "seatrial.toml").write_text(CONFIG.format(base=base, rule=rule))
    monkeypatch.chdir(root)
    assert run_command_line(["run", "--stack", "local", *options]) == 2
    assert slug in capfd.readouterr().err
    assert not (root / ".seatrial").exists()


def test_the_base_of_an_option_counts_and_is_repeated(root: Path) -> None:
    """It stands in for that of the file, and stands in the line that repeats the run."""
    (root / "seatrial.toml").write_text(CONFIG.format(base='patch_base = "none"', rule="coverage.patch >= 80 %"))
    settings, options = load_settings(root / "seatrial.toml"), Options(patch_base="main")
    check_settings(settings, options)
    check_settings(settings, Options(only=("health",)))  # nothing of this run needs git
    check_settings(settings, Options(stack="http://127.0.0.1:1"))
    changed = with_patch_base(settings, options).coverage
    assert changed is not None
    assert changed.patch_base == "main"
    assert "--patch-base main" in options.repeat(seed=1, driver="local")
    with pytest.raises(UsageError, match="coverage-undeclared"):
        with_patch_base(Settings(), options)


def test_a_run_of_other_suites_needs_no_base(root: Path) -> None:
    """Where a pipeline alone names it, somebody still fuzzes, sends load, or runs a suite: no such rule is theirs."""
    (root / "seatrial.toml").write_text(CONFIG.format(base="", rule="coverage.patch >= 80 %"))
    settings = load_settings(root / "seatrial.toml")
    check_settings(settings, Options(only=("health",)))
    for options in (Options(), Options(only=("health", "coverage")), Options(only=("health",), cover=True)):
        with pytest.raises(UsageError, match="patch-base-missing"):
            check_settings(settings, options)


LINES = st.frozensets(st.integers(1, 30))


@given(executable=LINES, reached=LINES, changed=LINES)
def test_the_figure_is_of_changed_executable_lines(
    executable: frozenset[int], reached: frozenset[int], changed: frozenset[int]
) -> None:
    """Whatever else was executed or changed moves nothing, and there is no figure without such a line."""
    model = {"shop.js": FileLines(executable=executable, suites={"unit": reached & executable})}
    patch = Patch(base="main", commit="c", files={"shop.js": changed, "gone.js": changed})
    figure = measure_patch(changed_lines(patch, model, Path("/nowhere")))
    counted = changed & executable
    if counted:
        assert figure is not None
        assert figure.value == pytest.approx(100 * len(counted & reached) / len(counted))
        assert figure.samples == len(counted)
    else:
        assert figure is None
