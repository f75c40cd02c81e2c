"""A service that is hostile in every field that it controls: what a run prints and leaves of it harms nobody."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hostile_service
from lxml import etree, html
from published import check_cobertura, check_codequality, check_har, check_junit, check_sarif, read_lcov

from seatrial.record import read_events
from seatrial.reporting import REPORTERS
from seatrial.reporting._room import LIMIT_BYTES

SERVICE = Path(hostile_service.__file__)
SUITE = """
def test_body(client):
    '''It is told in the reason of a check.'''
    raise AssertionError("it said " + client.get("/a").text)

def test_header(client):
    '''So are a header and the reason of a status.'''
    answer = client.get("/a")
    raise AssertionError(f"it said {answer.reason_phrase} and {answer.headers['x-hostile']}")

def test_long(client):
    '''10 MB are.'''
    raise AssertionError(client.get("/long").text)

def test_broken(client):
    '''It speaks HTTP.'''
    client.get("/broken")

def test_found(client, defects):
    '''It is told in each text of a finding.'''
    for path in ("/a", "/long"):
        answer = client.get(path)
        said, seen = answer.text, (answer.extensions["seatrial.exchange"],)
        defects.add(said, cause=path, operation=said, location=said[:200], evidence=seen, detail=said, replay=said)
    defects.none()
"""
CONFIG = """
[health]
basic = "/a"
[metrics]
[tracing]
[contract]
examples.quick = 3
[coverage]
services = ["app"]
source = "."
container_source = "/app"
packages = ["own"]
[gate]
rules = ["checks.failed == 0"]
"""
SUITES = ("own", "health", "tracing", "contract", "coverage")
OBEYED = re.compile("[^\\t\\n -~\\xa0-\\u200a\\u2010-\\u2027\\u2030-\\u205f\\u2070-\\ud7ff\\uf900-\\ufdff\\ufffd]")
"""What a terminal obeys or hides: controls, marks of direction, what has no width."""

MARKDOWN = re.compile(r"<(?!!-- seatrial -->)|(?<!\\)\[x")
NOBODY = "@\u200b"
"""How a comment keeps a name from calling whoever has it."""

HARMLESS_BYTES = 8 * 2**20
MEMORY_BYTES = 500 * 2**20
PATIENCE_S = 120
MEASURING = """
import pathlib, resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "seatrial", *sys.argv[1:]])
pathlib.Path("peak").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


def lay_hostile(lay: Callable[..., Path]) -> Path:
    """Lay out a project whose service is hostile."""
    project = lay(more=CONFIG, own=SUITE)
    file = project / "seatrial.toml"
    started = f'command = [{sys.executable!r}, "{SERVICE}", "{{port}}"]'
    text = re.sub("^command = .*$", lambda _: started, file.read_text(), flags=re.MULTILINE)
    file.write_text(text.replace('suites = ["suites"]', 'suites = ["suites", "shipped"]'))
    (project / "own").mkdir()
    (project / "own" / hostile_service.NAME).write_text(hostile_service.MODULE)
    return project


def test_a_hostile_service(product: Callable[..., subprocess.CompletedProcess[str]], lay: Callable[..., Path]) -> None:
    """No terminal obeys what is printed; every file is written, valid, bounded, and holds the markup as text."""
    project = lay_hostile(lay)
    only = [word for suite in SUITES for word in ("--only", suite)]
    done = measured("run", "--stack", "local", *only, cwd=project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert not OBEYED.findall(done.stdout + done.stderr)
    assert "nobody foresaw" not in done.stdout
    latest = (project / ".seatrial" / "latest").resolve()
    holds(latest, json.loads((latest / "verdict.json").read_text()))
    again = product("report", cwd=project)
    assert again.returncode == 0, again.stderr
    assert not OBEYED.findall(again.stdout + again.stderr)
    assert int((project / "peak").read_text()) * 1024 < MEMORY_BYTES


def measured(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the product, and write down how much memory the largest of its processes took."""
    command = [sys.executable, "-c", MEASURING, *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def holds(latest: Path, verdict: Mapping[str, Any]) -> None:
    """Assert of each file that who reads it can, and that it runs nothing of the service."""
    texts = {name: (latest / name).read_text(encoding="utf-8") for name in {*REPORTERS, "matrix.json"}}
    assert verdict["verdict"] == "fail"
    assert {"own.body", "own.header", "own.long", "own.found", "own.broken"} <= failed(verdict)
    assert len(list(read_events(latest))) > len(verdict["outcomes"])
    for name in ("events.ndjson", *texts):
        assert (latest / name).stat().st_size < HARMLESS_BYTES, name
    check_junit(texts["junit.xml"])
    check_sarif(texts["findings.sarif"])
    check_codequality(texts["gl-code-quality-report.json"])
    check_har(texts["exchanges.har"])
    etree.fromstring(texts["badge.svg"].encode())
    for name in ("summary.md", "comment.md", "annotations.txt"):
        assert not OBEYED.findall(texts[name].replace(NOBODY, "@")), name
    assert not any(MARKDOWN.findall(texts[name]) for name in ("summary.md", "comment.md"))
    is_harmless(texts["report.html"])
    coverage_holds(latest / "coverage")
    assert "\\x1b[31m" in texts["report.html"]


def failed(verdict: Mapping[str, Any]) -> set[str]:
    """Return the checks that failed."""
    return {each["check"] for each in verdict["outcomes"] if each["outcome"] == "failed"}


def is_harmless(text: str) -> None:
    """Assert that a page has one script, which is ours and the only one that its policy lets run."""
    page: Any = html.fromstring(text)  # its types know less than what XPath returns
    assert len(text.encode()) < LIMIT_BYTES
    (script,) = page.iter("script")
    assert "alert" not in (script.text or "")
    assert not list(page.iter("img", "iframe", "object", "link"))
    assert not [name for each in page.iter() for name in each.attrib if name.startswith("on")]
    (policy,) = page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert re.fullmatch(r"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-[^']+'; .*", policy)


def coverage_holds(folder: Path) -> None:
    """Assert that a file of a hostile name is among what was measured, in each form."""
    check_cobertura((folder / "coverage.xml").read_text())
    (measured,) = read_lcov((folder / "lcov.info").read_text())
    assert measured.startswith("own/<img")
    assert f"own/{hostile_service.NAME}" in json.loads((folder / "attribution.json").read_text())["files"]
    for page in (folder / "html").glob("*.html"):
        assert "<img src=x" not in page.read_text(), page
