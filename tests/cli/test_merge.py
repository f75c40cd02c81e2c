"""Shards of a real run, merged: one verdict over all of them, and none where one is missing or is of another run."""

from __future__ import annotations

import errno
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from laid import served

from seatrial.campaign import digest_of
from seatrial.cli import run_command_line
from seatrial.config import load_settings
from seatrial.core import content
from seatrial.record import read_told
from seatrial.reporting import REPORTERS, _write

CONFIG = f"""{served()}[gate]
rules = ["checks.failed == 0", "checks.passed >= 3"]
"""
TWO = '''
def test_answers(client):
    """The service answers."""
    assert client.get("/").status_code == 200

def test_answers_again(client):
    """The service answers again."""
    assert client.get("/again").status_code == 404
'''
ONE = '''
def test_is_there(client):
    """The service is there."""
    assert client.get("/").status_code == 200
'''
Merge = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with both shards of a run, each from a process of its own that knows nothing of the other."""
    root = tmp_path_factory.mktemp("project")
    (root / "seatrial.toml").write_text(CONFIG)
    (root / "suites").mkdir()
    (root / "suites" / "pytest.ini").write_text((content("suites") / "pytest.ini").read_text())
    (root / "suites" / "test_two.py").write_text(TWO)
    (root / "suites" / "test_one.py").write_text(ONE)
    for number in (1, 2):
        command = [sys.executable, "-m", "seatrial", "run", "--stack", "local", "--shard", f"{number}/2"]
        command += ["--out", f"shard-{number}", "--seed", str(number)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "judged when merged (shard" in done.stdout
    return root


@pytest.fixture
def merge(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Merge:
    """Return the function that merges, and hands out exit code, verdict.json and what was said."""

    def run(*shards: Path | str, out: str = "merged") -> tuple[int, dict[str, Any], str]:
        words = ["merge", *(str(project / shard) for shard in shards), "--out", str(tmp_path / out)]
        code = run_command_line([*words, "--config", str(project / "seatrial.toml")])
        file, said = tmp_path / out / "verdict.json", capsys.readouterr()
        return code, json.loads(file.read_text()) if file.exists() else {}, said.out + said.err

    return run


@pytest.fixture
def altered(project: Path, tmp_path: Path) -> Callable[[str, str], Path]:
    """Return the function that copies the second shard, with a text of its events replaced wherever it stands."""

    def copy(pattern: str, by: str) -> Path:
        shutil.copytree(project / "shard-2", tmp_path / "altered")
        events = tmp_path / "altered" / "events.ndjson"
        changed, count = re.subn(pattern, by, events.read_text())
        assert count
        events.write_text(changed)
        return tmp_path / "altered"

    return copy


def test_a_shard_is_not_judged(project: Path) -> None:
    """It ran to its end, says what others have, and its gates are open: it has fewer checks than they want."""
    verdict = json.loads((project / "shard-2" / "verdict.json").read_text())
    _validate(verdict)
    assert (verdict["verdict"], verdict["exit_code"], verdict["shard"]) == ("when-merged", 0, "2/2")
    assert [(gate["status"], gate["value"]) for gate in verdict["gates"]] == [("when-merged", None)] * 2
    assert any(note.startswith("left to other shards: two; not selected") for note in verdict["not_verified"])
    assert verdict["checks"]["passed"] == 1
    assert (project / "shard-2" / "annotations.txt").read_text() == ""


def test_the_plan_of_a_shard_says_who_judges(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It shows the suites of that shard alone, and all rules, which are left to whoever merges."""
    assert run_command_line(["run", "--shard", "1/2", "--plan", "--config", str(project / "seatrial.toml")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "shard    1/2: its gates are judged when all shards are merged: seatrial merge" in said
    assert [line.partition(":")[0] for line in said if line.startswith("suite")] == ["suite    two"]


def test_a_rule_is_judged_over_all_shards(project: Path, merge: Merge, tmp_path: Path) -> None:
    """Three checks passed on two machines; every report is there, of a run that can be reported again."""
    (project / "shard-2" / "web").mkdir(exist_ok=True)
    (project / "shard-2" / "web" / "limited.png").touch()
    code, verdict, said = merge("shard-2", "shard-1")
    _validate(verdict)
    assert (code, verdict["verdict"], verdict["shard"]) == (0, "pass", "")
    assert {gate["metric"]: gate["value"] for gate in verdict["gates"]} == {"checks.failed": 0, "checks.passed": 3}
    assert {outcome["check"] for outcome in verdict["outcomes"]} == {"one.is-there", "two.answers", "two.answers-again"}
    assert len(verdict["merged"]) == 2
    assert "a seed of its own, by which it is repeated: 1/2 1, 2/2 2" in "\n".join(verdict["not_verified"])
    assert "left to other" not in "\n".join(verdict["not_verified"])
    assert "--shard" not in verdict["repeat"]
    assert all((tmp_path / "merged" / name).is_file() for name in REPORTERS)
    assert {log.parent.name for log in (tmp_path / "merged" / "logs").rglob("app.log")} == {"shard-1", "shard-2"}
    assert (tmp_path / "merged" / "web" / "limited.png").is_file()
    assert "verdict: pass" in said
    before = (tmp_path / "merged" / "report.html").read_bytes()
    assert run_command_line(["report", str(tmp_path / "merged")]) == 0
    assert (tmp_path / "merged" / "report.html").read_bytes() == before


def test_what_failed_on_one_machine_fails_all(merge: Merge, altered: Callable[[str, str], Path]) -> None:
    """Gates and verdict are those of the union."""
    code, verdict, _ = merge("shard-1", altered('"outcome":"passed","reason":""', '"outcome":"failed","reason":"no"'))
    assert (code, verdict["verdict"]) == (1, "fail")
    assert {gate["metric"]: gate["status"] for gate in verdict["gates"]} == {
        "checks.failed": "fail",
        "checks.passed": "fail",
    }


def test_a_missing_shard_is_named_and_nothing_is_decided(merge: Merge) -> None:
    """What is there is reported; a rule says nothing of a whole that is not there."""
    code, verdict, _ = merge("shard-1")
    assert (code, verdict["verdict"]) == (3, "inconclusive")
    assert "shard 2/2 is missing (one)" in verdict["reason"]
    assert [gate["status"] for gate in verdict["gates"]] == ["when-merged"] * 2
    assert verdict["checks"]["passed"] == 2


def test_a_shard_that_is_given_twice_counts_once(merge: Merge) -> None:
    """One run is one shard, by however many names."""
    code, verdict, _ = merge("shard-1", "shard-2", "shard-1")
    assert (code, len(verdict["merged"])) == (0, 2)


def test_two_runs_of_one_shard_are_refused(merge: Merge, altered: Callable[[str, str], Path]) -> None:
    """Nobody knows which of them counts; both are named, and nothing is written."""
    code, verdict, said = merge("shard-1", "shard-2", altered(r'"run":"[^"]+"', '"run":"another"'))
    assert (code, verdict) == (2, {})
    assert "shard 2/2 is there twice" in said
    assert "[shard-twice]" in said


@pytest.mark.parametrize(
    ("pattern", "by", "name"),
    [
        (r'"commit":"[^"]*"', '"commit":"abc"', "commit"),
        (r'"configuration":"[^"]*"', '"configuration":"abc"', "configuration"),
        (r'"profile":"quick"', '"profile":"full"', "profile"),
        (r'"stack":"local"', '"stack":"compose"', "stack"),
        (r'--seed 2","patch', '--seed 2 --deep","patch', "command"),
        (r'"shares":\[', '"shares":["three",', "division of suites"),
    ],
)
def test_a_shard_of_something_else_is_refused(
    pattern: str, by: str, name: str, merge: Merge, altered: Callable[[str, str], Path]
) -> None:
    """The message names both and what differs; nothing is written."""
    code, verdict, said = merge("shard-1", altered(pattern, by))
    assert (code, verdict) == (2, {})
    assert f"has another {name} than shard 1/2" in said
    assert "[shards-differ]" in said


def test_shards_are_judged_by_their_own_rules_alone(merge: Merge, project: Path, tmp_path: Path) -> None:
    """A configuration that changed since then is refused."""
    (tmp_path / "seatrial.toml").write_text(CONFIG.replace(">= 3", ">= 2"))
    words = ["merge", str(project / "shard-1"), str(project / "shard-2"), "--config", str(tmp_path / "seatrial.toml")]
    assert run_command_line(words) == 2
    assert merge("shard-1", "shard-2")[0] == 0


@pytest.mark.parametrize(
    ("spoil", "why", "passed"),
    [
        (lambda text: text[: text.index('{"type":"RunFinished"')], "it ended before its verdict", 3),
        (lambda text: text[: text.index('{"type":"CheckFinished"') + 60], "it ended before its verdict", 2),
        (lambda text: text.replace('{"type":"CheckFinished"', "garbage", 1), "the record is damaged", 2),
        (lambda text: "garbage" + text, "does not say which shard it is", 2),
        (lambda _: "", "does not say which shard it is: its record is empty", 2),
    ],
    ids=["killed", "half a line", "damaged", "beginning lost", "empty"],
)
def test_what_can_be_read_of_a_broken_shard_is_reported(
    spoil: Callable[[str], str], why: str, passed: int, merge: Merge, altered: Callable[[str, str], Path]
) -> None:
    """The others' checks count, what stands before the damage too, and the verdict is inconclusive."""
    broken = altered("", "")
    events = broken / "events.ndjson"
    events.write_text(spoil(events.read_text()))
    code, verdict, _ = merge("shard-1", broken)
    assert (code, verdict["verdict"], verdict["checks"]["passed"]) == (3, "inconclusive", passed)
    assert why in verdict["reason"]


def test_a_shard_that_was_killed_before_its_last_look_is_none(
    merge: Merge, altered: Callable[[str, str], Path]
) -> None:
    """Until verdict.json is there, nobody has looked for secrets in what it left."""
    killed = altered("", "")
    (killed / "verdict.json").unlink()
    code, verdict, _ = merge("shard-1", killed)
    assert (code, verdict["verdict"]) == (3, "inconclusive")
    assert "it ended before its verdict" in verdict["reason"]


def test_a_shard_that_broke_leaves_the_whole_undecided(merge: Merge, altered: Callable[[str, str], Path]) -> None:
    """A stack that did not start on one machine says nothing of the product."""
    failed = '{"type":"RunFailed","at_s":1.0,"reason":"the engine died","exit_code":3}\n{"type":"RunFinished"'
    code, verdict, _ = merge("shard-1", altered('{"type":"RunFinished"', failed))
    assert (code, verdict["verdict"]) == (3, "inconclusive")
    assert "the engine died" in verdict["reason"]


def test_what_is_no_shard_is_refused(merge: Merge, altered: Callable[[str, str], Path], tmp_path: Path) -> None:
    """A run of its own cannot be one of several; where nothing can be read, nothing is written."""
    whole = altered(r'"shard":\{[^}]*\}', '"shard":null')
    code, _, said = merge("shard-1", whole)
    assert (code, "is no shard [shard-none]" in said) == (2, True)
    (tmp_path / "empty").mkdir()
    code, verdict, said = merge(tmp_path / "nowhere", tmp_path / "empty")
    assert (code, verdict, "[shards-unreadable]" in said) == (3, {}, True)
    code, verdict, said = merge(tmp_path / "nowhere", tmp_path / "else")
    assert (code, verdict, "[run-unknown]" in said) == (2, {}, True)


def test_a_merged_run_takes_nobodys_place(merge: Merge, project: Path, tmp_path: Path) -> None:
    """Its directory is none of those that it is made from."""
    shutil.copytree(project / "shard-1", tmp_path / "one")
    code, _, said = merge(tmp_path / "one", "shard-2", out="one")
    assert (code, "[out-occupied]" in said) == (2, True)
    assert (tmp_path / "one" / "events.ndjson").is_file()


def test_a_merged_run_is_one_of_the_history_and_shards_are_none(merge: Merge, project: Path, tmp_path: Path) -> None:
    """Parts would stand among the runs of the whole; what was merged knows the merged ones before it."""
    history = project / ".seatrial" / "history.jsonl"
    history.unlink(missing_ok=True)
    assert "HistoryRead" in (project / "shard-1" / "events.ndjson").read_text()
    before = merge("shard-1", "shard-2")[1]
    (line,) = map(json.loads, history.read_text().splitlines())
    schema = json.loads((content("reports") / "schema" / "run-history-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(line)
    assert (line["run"], line["verdict"], line["checks"]["passed"]) == (before["run"], "pass", 3)
    merge("shard-1", "shard-2", out="again")
    assert [run.run for run in read_told(tmp_path / "again").earlier] == [before["run"]]


def test_a_merged_run_is_of_the_project_where_it_is_merged(
    merge: Merge, project: Path, altered: Callable[[str, str], Path]
) -> None:
    """By its name later runs know it again; the folder of the first shard may have had another one."""
    second = altered('"project":"[^"]*"', '"project":"workspace@2"')
    assert merge(second)[1]["project"] == project.name


def test_a_comparison_that_is_none_is_refused_before_anything_is_written(project: Path, tmp_path: Path) -> None:
    """Nobody looks for the reason in half a run."""
    root = tmp_path / "other"
    shutil.copytree(project, root, ignore=shutil.ignore_patterns(".seatrial"))
    config = CONFIG.replace("rules =", 'comparisons = ["compare.json"]\nrules =')
    (root / "seatrial.toml").write_text(config)
    (root / "compare.json").write_text("{}")
    digest = digest_of(load_settings(root / "seatrial.toml"))
    for shard in ("shard-1", "shard-2"):
        events = root / shard / "events.ndjson"
        events.write_text(re.sub(r'"configuration":"[^"]*"', f'"configuration":"{digest}"', events.read_text()))
    words = ["merge", str(root / "shard-1"), str(root / "shard-2"), "--config", str(root / "seatrial.toml")]
    assert run_command_line(words) == 2
    assert not (root / ".seatrial").exists()


def test_a_report_that_cannot_be_written_leaves_no_pass(
    merge: Merge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What verdict.json says is how the command ended."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(_write.REPORTERS, "summary.md", full)
    code, verdict, said = merge("shard-1", "shard-2")
    assert (code, verdict["verdict"], verdict["exit_code"]) == (3, "inconclusive", 3)
    assert "[report-unwritable]" in said
    assert (tmp_path / "merged" / "report.html").is_file()


def test_a_shard_is_no_baseline(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its figures are of a part."""
    words = ["baseline", "accept", str(project / "shard-1"), "--config", str(project / "seatrial.toml")]
    assert run_command_line(words) == 2
    assert "it is shard 1/2" in capsys.readouterr().err


def _validate(verdict: dict[str, Any]) -> None:
    schema = json.loads((content("reports") / "schema" / "verdict-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(verdict)
