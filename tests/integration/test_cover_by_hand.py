"""The figures of components are what `coverage run` says by hand of the same requests, line by line."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import coverage
import httpx
import pytest
import tomli_w

from seatrial.campaign import Options, Run, Stacks, open_run
from seatrial.config import FILE, Settings, load_settings
from seatrial.core import Evidence
from seatrial.cover import Collector
from seatrial.stack import ServerPool

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "fixtures" / "stack"
ABSENT = "00000000-0000-4000-8000-000000000000"
ANALYSIS = {"title": "Sea trials", "text": "A ship is not handed over on its builder's word."}
NOBODY: Sequence[tuple[str, str, Any]] = (
    ("GET", "/api/v1/health", None),
    ("GET", "/api/v1/health/detailed", None),
    ("GET", "/api/v1/health/liveness", None),
    ("GET", "/api/v1/analysis", None),
    ("GET", "/api/v1/nothing", None),
    ("PUT", "/api/v1/analysis", None),
    ("POST", "/api/v1/auth/token", {"client_id": "seatrial", "client_secret": "wrong"}),
    ("GET", "/api/v1/admin/status", None),
    ("GET", "/openapi.json", None),
    ("GET", "/metrics", None),
)
SOMEBODY: Sequence[tuple[str, str, Any]] = (
    ("POST", "/api/v1/analysis", ANALYSIS),
    ("POST", "/api/v1/analysis", {"title": "Sea trials"}),
    ("GET", "/api/v1/analysis?limit=2", None),
    ("GET", f"/api/v1/analysis/{ABSENT}", None),
    ("DELETE", f"/api/v1/analysis/{ABSENT}", None),
    ("GET", "/api/v1/onboarding", None),
)
"""The same for both; what goes by a clock or by what a worker does meanwhile is not among them."""


def without_worker(root: Path, change: Callable[[dict[str, Any]], None]) -> Settings:
    """Return the settings of the reference stack without its worker, changed in a folder of their own."""
    root.mkdir()
    for name in ("fixtures", "suites", "contracts", "load"):
        (root / name).symlink_to(ROOT / name)
    settings = tomllib.loads((ROOT / FILE).read_text(encoding="utf-8"))
    settings["stack"]["services"].remove("worker")
    settings["coverage"]["services"] = ["api"]
    del settings["stack"]["local"]["services"]["worker"], settings["stack"]["applications"]["worker"]
    change(settings)
    (root / FILE).write_text(tomli_w.dumps(settings), encoding="utf-8")
    return load_settings(root / FILE)


def send(url: str, run: Run) -> list[int]:
    """Send the fixed requests, one after the other, and return how they were answered."""
    headers = dict(run.identities.lease(1)[0].headers)
    with httpx.Client(base_url=url, timeout=20) as client:
        nobody = [client.request(method, path, json=body).status_code for method, path, body in NOBODY]
        somebody = [
            client.request(method, path, json=body, headers=headers).status_code for method, path, body in SOMEBODY
        ]
    return nobody + somebody


def measured(settings: Settings, out: Path) -> tuple[list[int], Evidence]:
    """Return how a stack that seatrial measures answered, and what it executed."""
    assert settings.coverage is not None
    run = open_run(settings, Options(stack="local", out=str(out), seed=1))
    collector = Collector(settings.coverage, root=settings.root)
    stacks = Stacks(run, collector=collector, variants=["instrumented"])
    try:
        statuses = send(stacks.get("instrumented").url(), run)
        stacks.end("instrumented").result()
        return statuses, collector.collect(out=out / "coverage")
    finally:
        stacks.stop_all()
        run.close()


def by_hand(settings: Settings, out: Path) -> list[int]:
    """Return how a stack answered whose API somebody started under `coverage run`, which leaves its data file."""
    run = open_run(settings, Options(stack="local", out=str(out), seed=1))
    stacks = Stacks(run, collector=None)
    try:
        stack = stacks.get("clean")
        statuses = send(stack.url(), run)
        stack.control("stop", "api")
        return statuses
    finally:
        stacks.stop_all()
        run.close()


def under_coverage(folder: Path) -> Callable[[dict[str, Any]], None]:
    """Return what starts the API as `coverage run -m uvicorn ...`, with this coverage and a data file in a folder."""
    (folder / "lib").mkdir()
    origin = find_spec("coverage")
    assert origin is not None
    assert origin.origin is not None
    (folder / "lib" / "coverage").symlink_to(Path(origin.origin).parent)
    options = f"branch = true\nsigterm = true\nsource = {SOURCE / 'app'}\ndata_file = {folder / 'by-hand'}\n"
    (folder / "rc").write_text(f"[run]\n{options}")

    def change(settings: dict[str, Any]) -> None:
        api = settings["stack"]["local"]["services"]["api"]
        api["command"] = ["python", "-m", "coverage", "run", f"--rcfile={folder / 'rc'}", "-m", *api["command"]]
        api["environment"]["PYTHONPATH"] = str(folder / "lib")

    return change


def lines_by_hand(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return what `coverage json` says of each file, by its path in the source."""
    found = coverage.Coverage(data_file=str(folder / "by-hand"), config_file=False, messages=False)
    found.load()
    found.json_report(outfile=str(folder / "by-hand.json"))
    found.get_data().close(force=True)
    files = json.loads((folder / "by-hand.json").read_text())["files"]
    return {str(Path(name).resolve()): facts for name, facts in files.items()}


def test_components_agree_with_coverage_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Executed lines and branches of every file are the same, and so is the figure of every component."""
    assert sys.version_info >= (3, 11)
    ours = without_worker(tmp_path / "ours", lambda _: None)
    (tmp_path / "hand").mkdir()
    theirs = without_worker(tmp_path / "theirs", under_coverage(tmp_path / "hand"))
    pool = ServerPool.start()
    try:
        for name, value in pool.environment().items():
            monkeypatch.setenv(name, value)
        answered, evidence = measured(ours, tmp_path / "a")
        assert by_hand(theirs, tmp_path / "b") == answered
    finally:
        pool.stop()
    assert {200, 401, 404, 405, 422} <= set(answered)
    expected = lines_by_hand(tmp_path / "hand")
    reported = json.loads((tmp_path / "a/coverage/coverage.json").read_text())["files"]
    found = {str((tmp_path / "ours" / name).resolve()): facts for name, facts in reported.items()}
    kinds = ("executed_lines", "missing_lines", "executed_branches", "missing_branches")
    assert {name: [facts[kind] for kind in kinds] for name, facts in found.items()} == {
        name: [facts[kind] for kind in kinds] for name, facts in expected.items()
    }
    assert len(found) > 10
    values = {each.name: each.value for each in evidence.measurements}
    assert ours.coverage is not None
    for name, globs in ours.coverage.components.items():
        files = {str(path.resolve()) for glob in globs for path in SOURCE.glob(glob)}
        summaries = [expected[file]["summary"] for file in files]
        figure = 100 * sum(s["covered_lines"] for s in summaries) / sum(s["num_statements"] for s in summaries)
        assert values[f"coverage.components.{name}"] == pytest.approx(figure, abs=1e-9), name
