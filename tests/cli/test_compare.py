"""`seatrial load compare` and `calibrate` on versions of a small real service, and how they end for what goes wrong."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from shop_service import opened
from timed_service import git, lay_repository, write_version

from seatrial.core import content
from seatrial.swarm.compare import LOOKS

Product = Callable[..., subprocess.CompletedProcess[str]]
Begin = Callable[..., subprocess.Popen[str]]
SERVICE = Path(__file__).parents[1] / "support" / "timed_service.py"
PATIENCE_S = 60
LOCAL = ("--stack", "local", "--burst", "0.8s", "--seed", "7")
ONE_PAIR = ("--timeout", "0.1s")
IMAGE = "python:3.13-slim"
COMPOSE = {
    "services": {
        "app": {
            "image": "seatrial-compared",
            "build": ".",
            "init": True,
            "command": ["python", "app.py", "8000"],
        }
    }
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out a repository with a version, one that takes half as much again, and one more that takes as long."""
    return lay_repository(tmp_path / "project", old=100, slow=150, same=100)


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Return a function that runs the service in a process, and returns where it listens."""
    with ExitStack() as after:

        def run(*words: str) -> str:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            process = after.enter_context(subprocess.Popen([sys.executable, str(SERVICE), str(port), *words]))
            after.callback(process.kill)
            return f"http://127.0.0.1:{port}"

        yield run


def object_of(done: subprocess.CompletedProcess[str], name: str = "compare") -> Any:
    """Return the one object on standard output, which is as its schema says."""
    assert done.stdout.count("\n") == 1, done.stdout + done.stderr
    found = json.loads(done.stdout)
    schema = json.loads((content("reports") / "schema" / f"{name}-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def worktrees(project: Path) -> list[str]:
    """Return the folders that git knows of a repository, itself left out."""
    listed = git(project, "worktree", "list", "--porcelain").splitlines()
    return [line for line in listed if line.startswith("worktree ")][1:]


@pytest.mark.alone
def test_half_as_much_again_fails(product: Product, project: Path) -> None:
    """A commit that takes 50 % longer than another: exit 1 at one of the looks, and both worktrees are gone."""
    done = product("load", "compare", "--base", "old", "--candidate", "slow", *LOCAL, "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["verdict"], found["exit_code"]) == (1, "fail", 1), done.stderr
    assert found["pairs"] == len(found["blocks"])
    assert found["pairs"] in LOOKS
    assert found["metrics"]["p95"]["lower"] > 1.02
    assert found["metrics"]["p50"]["worse"] is True
    assert 1.3 < found["metrics"]["p50"]["estimate"] < 1.7
    cost = found["metrics"]["cpu_ms_per_request"]
    assert (cost["judged"], cost["decides"], cost["pairs"]) == (True, False, found["pairs"])
    sides = found["sides"]
    assert all(side["cpu_ms_per_request"] > 0 for side in sides.values())
    assert not any("cpu_ms_per_request is of" in note or "not told" in note for note in found["notes"])
    assert [sides[role]["kind"] for role in sides] == ["commit", "commit"]
    assert sides["candidate"]["commit"] == git(project, "rev-parse", "slow")
    assert sides["base"]["due"] == sides["base"]["answered"] == found["pairs"] * 32
    assert {block["first"] for block in found["blocks"]} == {"base", "candidate"}
    assert worktrees(project) == []
    assert json.loads((Path(found["directory"]) / "compare.json").read_text()) == found
    assert "pair 6: p95 base" in done.stderr


@pytest.mark.alone
def test_as_long_does_not_fail(product: Product, project: Path) -> None:
    """Another commit that takes as long never ends with 1; the figures go into the history, without a warning."""
    history = project / "history.jsonl"
    words = ("--base", "old", "--candidate", "same", "--pairs", "6", "--history", str(history))
    done = product("load", "compare", *words, *LOCAL, "--json", cwd=project)
    found = object_of(done)
    assert (found["verdict"], done.returncode) in {("pass", 0), ("inconclusive", 3)}, done.stdout
    assert found["warnings"] == []
    (line,) = history.read_text().splitlines()
    assert json.loads(line)["latency_ms"] == found["sides"]["candidate"]["latency_ms"]


@pytest.mark.alone
@pytest.mark.long
def test_the_folder_as_it_is_is_a_candidate(product: Product, project: Path) -> None:
    """What nobody committed is compared where the candidate is `.`, and that is said; a broken one fails by its errors.

    A stored history of quicker candidates warns, and decides nothing.
    """
    (project / "takes").write_text("5 broken\n")
    history = project.parent / "history.jsonl"
    words = ("--base", "old", "--pairs", "6", "--history", str(history))
    done = product("load", "compare", *words, *LOCAL, *ONE_PAIR, "--json", cwd=project)
    found = object_of(done)
    assert (done.returncode, found["verdict"]) == (3, "inconclusive"), done.stderr
    assert "the time of --timeout was over after 1 pairs; the candidate did not answer" in found["reason"]
    assert "changes that no commit has" in found["notes"][0]
    assert (found["sides"]["candidate"]["kind"], found["sides"]["candidate"]["dirty"]) == ("folder", True)
    entry = json.loads(history.read_text())
    quicker = {name: value / 2 for name, value in entry["latency_ms"].items()}
    history.write_text("".join(json.dumps({**entry, "latency_ms": quicker}) + "\n" for _ in range(8)))
    again = product("load", "compare", *words, *LOCAL, *ONE_PAIR, cwd=project)
    assert again.returncode == 3
    assert "warning:   p50 is" in again.stdout
    assert len(history.read_text().splitlines()) == 9


@pytest.mark.long
def test_errors_fail_however_quick_they_are(product: Product, serve: Callable[..., str], tmp_path: Path) -> None:
    """A candidate that refuses at once is quicker, and no pass; two URLs and a path need no configuration."""
    base, candidate = serve("150"), serve("5", "broken")
    words = ("--base", base, "--candidate", candidate, "--path", "/", "--rate", "40/s")
    done = product("load", "compare", *words, "--burst", "0.5s", "--json", cwd=tmp_path)
    found = object_of(done)
    assert (done.returncode, found["verdict"]) == (1, "fail"), done.stderr
    assert "the candidate did not answer" in found["reason"]
    assert found["metrics"]["p50"]["estimate"] < 0.5
    assert [found["sides"][role]["stack"] for role in ("base", "candidate")] == ["remote", "remote"]


@pytest.mark.long
def test_the_contract_is_sent_to_both(product: Product, tmp_path: Path) -> None:
    """Burst by burst, one side gets what the other one gets, in the same order."""
    (tmp_path / "seatrial.toml").write_text('[stack]\nready = "/items"\n[contract]\ndocument = "/openapi.json"\n')
    with opened() as base, opened() as candidate:
        words = ("--base", base.url, "--candidate", candidate.url, "--rate", "40/s", "--burst", "1s", *ONE_PAIR)
        done = product("load", "compare", *words, "--json", cwd=tmp_path)
        notes = [[(method, path) for method, path, *_ in shop.notes] for shop in (base, candidate)]
    found = object_of(done)
    assert (found["scenario"], found["pairs"]) == ("contract", 1), done.stderr
    ours, theirs = ([note for note in each if note[1] != "/openapi.json"][-40:] for each in notes)
    assert Counter(ours) == Counter(theirs)
    assert ("GET", "/items/chair-2") in ours
    assert any(note.startswith("not sent: ") and "POST /items" in note for note in found["notes"])


@pytest.mark.long
def test_calibration_tells_what_can_be_told_apart(product: Product, serve: Callable[..., str], tmp_path: Path) -> None:
    """One version against itself: a false-alarm rate, and the smallest change that is found."""
    words = (serve("30"), "--path", "/", "--rate", "40/s", "--burst", "1s", "--pairs", "8", "--json")
    done = product("load", "calibrate", *words, cwd=tmp_path)
    found = object_of(done, "calibrate")
    assert done.returncode == 0, done.stderr
    assert (found["pairs"], found["changes"][0]["times"], found["changes"][-1]["times"]) == (8, 1, 2)
    assert found["false_alarms"] == found["changes"][0]["fail"] <= 0.1
    assert found["changes"][-1]["fail"] == 1
    assert 1.05 < found["smallest_change"] <= 2


BAD = {
    "unknown": (("--base", "nobody"), "'nobody' is neither a commit of this repository, nor an image, nor a URL"),
    "same": (("--base", "old", "--candidate", "old^{commit}"), "base and candidate are the same: old and old^{commit}"),
    "same-folder": (("--base", "same"), "base and candidate are the same: same and ."),
    "not-allowed": (("--base", "old", "--candidate", "http://192.0.2.1"), "192.0.2.1:80 is not this machine"),
    "image": (("--base", "old", "--candidate", "shop:2"), "an image cannot be started by the driver local"),
    "scenario": (("--base", "old", "--scenario", "stedy"), "there is no load scenario 'stedy'"),
    "rate": (("--base", "old", "--candidate", "slow", "--rate", "9000000"), "arrivals, more than the 20,000,000"),
    "history": (("--base", "old", "--history", "takes"), "cannot read the history: no line of urn:seatrial:history:1"),
    "no-base": ((), "Missing option '--base'"),
    "pairs": (("--base", "old", "--pairs", "5"), "is not in the range 6<=x<=200"),
}


@pytest.mark.parametrize(("words", "says"), BAD.values(), ids=BAD)
def test_what_cannot_be_compared(product: Product, project: Path, words: tuple[str, ...], says: str) -> None:
    """Exit code 2, one sentence that says what is wrong, and nothing was started."""
    done = product("load", "compare", *words, "--stack", "local", cwd=project)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr
    assert not (project / ".seatrial").exists()
    assert worktrees(project) == []


def test_a_commit_that_does_not_start_is_named(product: Product, project: Path) -> None:
    """Exit code 3, the side by its name, and nothing of either is left."""
    (project / "takes").write_text("no number\n")
    git(project, "commit", "--quiet", "--all", "--message", "broken")
    done = product("load", "compare", "--base", "old", "--candidate", "HEAD", "--stack", "local", cwd=project)
    assert done.returncode == 3
    assert "candidate: " in done.stderr
    assert worktrees(project) == []


def test_no_repository_no_commit(product: Product, tmp_path: Path, project: Path) -> None:
    """A project that git does not know has no commits to name."""
    alone = tmp_path / "alone"
    alone.mkdir()
    for name in ("seatrial.toml", "app.py", "takes"):
        (alone / name).write_text((project / name).read_text())
    done = product("load", "compare", "--base", "main", "--stack", "local", cwd=alone)
    assert done.returncode == 2
    assert "the project lies in no git repository [repository-missing]" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_nothing_survives_an_end(
    begin: Begin, nothing_left: Callable[[int], None], project: Path, number: signal.Signals, code: int
) -> None:
    """Whatever ends it between bursts: no process, no folder, and no worktree that git still lists."""
    words = ("--base", "old", "--candidate", "slow", *LOCAL)
    with begin("load", "compare", *words, cwd=project) as child:
        assert child.stderr
        told = ""
        while "warm-up" not in told:
            told = child.stderr.readline()
            assert told
        assert len(worktrees(project)) == 2
        os.kill(child.pid, number)
        assert child.wait(PATIENCE_S) == code
    nothing_left(child.pid)
    assert worktrees(project) == []


@pytest.fixture
def composed(project: Path, require: Callable[[str], str]) -> Path:
    """Make it a project whose service is built into an image."""
    require("docker")
    (project / "docker-compose.yml").write_text(yaml.safe_dump(COMPOSE))
    (project / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY app.py takes ./\n")
    text = (project / "seatrial.toml").read_text()
    (project / "seatrial.toml").write_text(text.replace("[stack]", '[stack]\ncompose = ["docker-compose.yml"]', 1))
    source = (project / "app.py").read_text().replace('("127.0.0.1", port)', '("0.0.0.0", port)')
    (project / "app.py").write_text(source)
    for name, takes in (("quick", "10"), ("quicker", "8"), ("dies", "100 dies")):
        (project / "takes").write_text(f"{takes}\n")
        git(project, "add", ".")
        git(project, "commit", "--quiet", "--message", name)
        git(project, "tag", name)
    return project


def test_commits_on_compose_are_images_of_their_own(product: Product, composed: Path) -> None:
    """Each commit is built under a name of its own, whatever the file calls the image, and none of them is left.

    One that crashes under load has errors, whether it is its turn or it would have to be paused.
    """
    words = ("--base", "quick", "--candidate", "dies", "--stack", "compose", "--burst", "1s", *ONE_PAIR)
    done = product("load", "compare", *words, "--json", cwd=composed)
    found = object_of(done)
    assert (done.returncode, found["pairs"]) == (3, 1), done.stderr
    assert "the candidate did not answer" in found["reason"]
    (block,) = found["blocks"]
    assert block["candidate"]["p50"] > 3 * block["base"]["p50"]
    assert worktrees(composed) == []
    listed = subprocess.run(
        ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=True
    )
    logs = [(Path(found["directory"]) / role / "events.ndjson").read_text() for role in found["sides"]]
    runs = [json.loads(log.splitlines()[0])["run"] for log in logs]
    assert [image for image in listed.stdout.split() for run in runs if run in image] == []
    assert "seatrial-compared:latest" not in listed.stdout.split()


@pytest.mark.long
@pytest.mark.parametrize("driver", ["local", "compose"])
def test_the_contract_is_sent_to_versions_that_are_started(product: Product, composed: Path, driver: str) -> None:
    """The document is that which the base serves once it runs; both get its operations in one order, every time."""
    words = ("--base", "quick", "--candidate", "quicker", "--scenario", "contract", "--burst", "1s", *ONE_PAIR)
    done = product("load", "compare", *words, "--stack", driver, "--json", cwd=composed)
    found = object_of(done)
    assert (found["scenario"], found["pairs"]) == ("contract", 1), done.stderr
    assert [found["sides"][role]["stack"] for role in found["sides"]] == [driver, driver]
    assert [found["sides"][role]["answered"] for role in found["sides"]] == [40, 40]
    sent = [operations(Path(found["directory"]), role) for role in found["sides"]]
    assert sent[0] == sent[1]
    assert Counter(sent[0]) == {"GET /": 20, "GET /things": 20}
    assert worktrees(composed) == []


def operations(directory: Path, role: str) -> list[str]:
    """Return what one side was sent in the first pair, in the order of arrivals."""
    *_, last = sorted(directory.glob(f"**/01-{role}/*/contract/requests.csv"))
    with last.open() as rows:
        return [row["operation"] for row in sorted(csv.DictReader(rows), key=lambda row: int(row["arrival"]))]


def test_an_image_that_does_not_start(product: Product, composed: Path) -> None:
    """The image takes the place of the entry's; it has no such program: exit code 3, by its side's name."""
    words = ("--base", "quick", "--candidate", IMAGE, "--stack", "compose")
    done = product("load", "compare", *words, cwd=composed)
    assert done.returncode == 3
    assert "candidate: the service app exited with code" in done.stderr
    assert worktrees(composed) == []


def test_a_version_is_what_its_commit_says(project: Path) -> None:
    """The support of these tests: what is written is what a commit holds."""
    write_version(project, 5)
    assert git(project, "diff", "--stat", "HEAD").split()[0] == "takes"
    assert git(project, "show", "slow:takes") == "150"
