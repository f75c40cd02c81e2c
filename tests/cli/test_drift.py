"""What a run says of the contract that was published: a file server serves its document to the shipped checks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from documents import OK, document

from seatrial.core import content
from seatrial.openapi import canonical

CHECKS = (content("suites") / "test_contract_drift.py").read_text(encoding="utf-8")
BREAKING, RISKY = "contract.no-breaking-change", "contract.no-risky-change"
BASELINE = '\n[contract]\nbaseline = "published.json"\n'
WAIVER = """
[[contract.waivers]]
kind = "request-length-narrowed"
place = "POST /a"
reason = "nobody writes as much"
owner = "somebody"
expires = "{}"
"""
TITLE = "POST /a: body: request-length-narrowed: maxLength 200 -> maxLength 100"
Product = Callable[..., subprocess.CompletedProcess[str]]
Lay = Callable[..., Path]


def taking(most: int, *, default: str = "a") -> dict[str, Any]:
    """Return a document with an operation that takes a text of some length, and has a parameter with a default."""
    content_ = {"application/json": {"schema": {"type": "string", "maxLength": most}}}
    asked = [{"name": "q", "in": "query", "schema": {"type": "string", "default": default}}]
    operation = {"requestBody": {"content": content_}, "parameters": asked, "responses": {"200": OK}}
    return document({"/a": {"post": operation}})


def run(lay: Lay, product: Product, more: str, *, served: dict[str, Any]) -> tuple[int, dict[str, dict[str, Any]], str]:
    """Return how a run ends, its results by check, and what it printed; texts of 200 characters were published."""
    project = lay(more=more, drift=CHECKS)
    (project / "published.json").write_text(json.dumps(taking(200)))
    (project / "openapi.json").write_text(json.dumps(served))
    done = product("run", "--stack", "local", "--out", "out", cwd=project)
    lines = (project / "out" / "events.ndjson").read_text().splitlines() if (project / "out").exists() else []
    events = [json.loads(line) for line in lines]
    results = {event["result"]["check"]: event["result"] for event in events if event.get("result")}
    return done.returncode, results, done.stdout + done.stderr


def test_what_breaks_fails(lay: Lay, product: Product) -> None:
    """A change that breaks is a finding with its operation; nothing risky is there."""
    code, results, told = run(lay, product, BASELINE, served=taking(100))
    assert (code, results[BREAKING]["outcome"], results[RISKY]["outcome"]) == (1, "failed", "passed"), told
    [finding] = results[BREAKING]["findings"]
    assert (finding["title"], finding["operation"], finding["location"]) == (TITLE, "POST /a", "published.json")


def test_what_is_safe_passes(lay: Lay, product: Product) -> None:
    """A longer text breaks nobody."""
    code, results, told = run(lay, product, BASELINE, served=taking(300))
    assert (code, results[BREAKING]["outcome"], results[RISKY]["outcome"]) == (0, "passed", "passed"), told


@pytest.mark.parametrize(("risky", "code", "outcome"), [("fail", 1, "failed"), ("note", 0, "not-tested")])
def test_what_is_risky_fails_or_is_noted(lay: Lay, product: Product, risky: str, code: int, outcome: str) -> None:
    """What nobody can be sure of fails a check of its own, or is noted and not verified."""
    ended, results, told = run(lay, product, f'{BASELINE}risky = "{risky}"\n', served=taking(200, default="b"))
    assert (ended, results[BREAKING]["outcome"], results[RISKY]["outcome"]) == (code, "passed", outcome), told
    assert "request-default-changed" in told


@pytest.mark.parametrize(
    ("expires", "code", "says"), [("2999-12-31", 0, "is waived until"), ("2020-12-31", 1, "expired")]
)
def test_a_waiver_ends(  # noqa: PLR0913, PLR0917 - a case and its fixtures
    lay: Lay, product: Product, tmp_path: Path, expires: str, code: int, says: str
) -> None:
    """What somebody answers for passes until that is over, and the report tells of it either way."""
    ended, _, told = run(lay, product, BASELINE + WAIVER.format(expires), served=taking(100))
    assert ended == code, told
    assert says in (tmp_path / "project" / "out" / "summary.md").read_text(encoding="utf-8")


def test_nothing_was_published(lay: Lay, product: Product) -> None:
    """Without a baseline nothing is verified, and the way to one is told."""
    code, results, told = run(lay, product, "\n[contract]\n", served=taking(100))
    assert (code, results[BREAKING]["outcome"]) == (3, "not-applicable"), told
    assert "seatrial contract accept" in results[BREAKING]["reason"]


def test_a_baseline_that_is_not_there(lay: Lay, product: Product) -> None:
    """It is told before anything is started."""
    code, _, told = run(lay, product, '\n[contract]\nbaseline = "none.json"\n', served=taking(100))
    assert (code, "[contract-baseline]" in told) == (2, True), told


def test_doctor_looks_for_the_baseline(lay: Lay, product: Product) -> None:
    """What a run would refuse is told by `doctor` too."""
    done = product("doctor", cwd=lay(more=BASELINE))
    assert (done.returncode, "the contract's baseline does not exist" in done.stdout) == (2, True), done


def test_accept_takes_what_is_served(lay: Lay, product: Product) -> None:
    """The first time nothing was there; the second time it is told what changed; then nothing did."""
    project = lay(more='\n[contract]\nbaseline = "kept/openapi.json"\n')
    for most, told in (
        (200, "changes: nothing was published before"),
        (100, f"breaking  {TITLE}"),
        (100, "changes: none"),
    ):
        (project / "openapi.json").write_text(json.dumps(taking(most)))
        done = product("contract", "accept", "--stack", "local", cwd=project)
        assert (done.returncode, told in done.stdout) == (0, True), done
        assert (project / "kept" / "openapi.json").read_text() == canonical(taking(most))


def test_accept_wants_a_place(lay: Lay, product: Product) -> None:
    """Without a file that is named, nothing is started."""
    done = product("contract", "accept", "--stack", "local", cwd=lay(more="\n[contract]\n"))
    assert (done.returncode, "[contract-baseline-undeclared]" in done.stderr) == (2, True), done


def test_accept_keeps_the_old_where_nothing_is_served(lay: Lay, product: Product) -> None:
    """A service without a document changes nothing of what was published."""
    project = lay(more=BASELINE)
    (project / "published.json").write_text(json.dumps(taking(200)))
    done = product("contract", "accept", "--stack", "local", cwd=project)
    assert done.returncode == 3, done
    assert json.loads((project / "published.json").read_text()) == taking(200)


def reading(*parameters: str) -> dict[str, Any]:
    """Return a document with an operation that reads a file, whatever is asked for besides."""
    asked = [{"name": name, "in": "query", "schema": {"type": "string", "pattern": "^[a-z]*$"}} for name in parameters]
    statuses = dict.fromkeys(("200", "404"), OK)
    return document({"/plain.txt": {"get": {"parameters": asked, "responses": statuses}}})


def test_what_was_published_is_fuzzed_where_it_differs(lay: Lay, product: Product) -> None:
    """A parameter that is gone from the document, but still taken, is risky by the document and no broken promise."""
    project = lay(more=f'{BASELINE}risky = "note"\nexamples = {{ quick = 1 }}\n', contract_drift=CHECKS)
    (project / "plain.txt").write_text("a file")
    (project / "published.json").write_text(json.dumps(reading("q")))
    (project / "openapi.json").write_text(json.dumps(reading()))
    done = product("run", "--stack", "local", "--only", "contract", "--seed", "1", "--out", "out", cwd=project)
    events = [json.loads(line) for line in (project / "out" / "events.ndjson").read_text().splitlines()]
    ended = {event["result"]["check"]: event["result"]["outcome"] for event in events if event.get("result")}
    assert ended == {
        BREAKING: "passed",
        RISKY: "not-tested",
        "contract.old-promises-hold": "passed",
    }, done.stdout
    assert done.returncode == 0
