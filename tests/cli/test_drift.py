"""What a run says of the contract that was published: a file server serves its document to the shipped checks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from documents import OK, document

from seatrial.core import content
from seatrial.openapi import canonical

CHECKS = (content("suites") / "test_contract_drift.py").read_text(encoding="utf-8")
BREAKING, RISKY = "contract.no-breaking-change", "contract.no-risky-change"
HOLDS = "contract.old-promises-hold"
BASELINE = '\n[contract]\nbaseline = "published.json"\n'
WAIVER = """
[[contract.waivers]]
kind = "request-required-parameter-added"
place = "GET /plain.txt"
reason = "nobody read it"
owner = "somebody"
expires = "2020-12-31"
"""
TITLE = "POST /a: body: request-length-narrowed: maxLength 200 -> maxLength 100"
Product = Callable[..., subprocess.CompletedProcess[str]]
Lay = Callable[..., Path]


def taking(most: int) -> dict[str, Any]:
    """Return a document with an operation that takes a text of some length."""
    written = {"application/json": {"schema": {"type": "string", "maxLength": most}}}
    return document({"/a": {"post": {"requestBody": {"content": written}, "responses": {"200": OK}}}})


def test_a_baseline_that_is_not_there(lay: Lay, product: Product) -> None:
    """It is told before anything is started."""
    done = product("run", "--stack", "local", cwd=lay(more=BASELINE, contract_drift=CHECKS))
    assert (done.returncode, "[contract-baseline]" in done.stderr) == (2, True), done


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


def reading(*parameters: str, required: bool = False) -> dict[str, Any]:
    """Return a document with an operation that reads a file, whatever is asked for besides."""
    schema = {"type": "string", "pattern": "^[a-z]*$"}
    asked = [{"name": name, "in": "query", "required": required, "schema": schema} for name in parameters]
    return document({"/plain.txt": {"get": {"parameters": asked, "responses": dict.fromkeys(("200", "404"), OK)}}})


def fuzzed(  # noqa: PLR0913 - what a test varies
    lay: Lay, product: Product, *, old: dict[str, Any], new: dict[str, Any], more: str = "", waiver: str = ""
) -> tuple[int, dict[str, str], str]:
    """Return how a run ends in which one document is published and another served: exit code, outcomes, summary."""
    settings = f"{BASELINE}examples = {{ quick = 1 }}\n{more}{waiver}"
    project = lay(more=settings, contract_drift=CHECKS)
    (project / "plain.txt").write_text("a file")
    (project / "published.json").write_text(json.dumps(old))
    (project / "openapi.json").write_text(json.dumps(new))
    done = product("run", "--stack", "local", "--only", "contract", "--seed", "1", "--out", "out", cwd=project)
    events = [json.loads(line) for line in (project / "out" / "events.ndjson").read_text().splitlines()]
    ended = {event["result"]["check"]: event["result"]["outcome"] for event in events if event.get("result")}
    return done.returncode, ended, (project / "out" / "summary.md").read_text(encoding="utf-8")


def test_what_was_published_is_fuzzed_where_it_differs(lay: Lay, product: Product) -> None:
    """A parameter that is gone from the document, but still taken, is risky by the document and no broken promise."""
    code, ended, told = fuzzed(lay, product, old=reading("q"), new=reading(), more='risky = "note"\n')
    assert ended == {BREAKING: "passed", RISKY: "not-tested", HOLDS: "passed"}, told
    assert code == 0


def test_what_breaks_fails_and_is_not_tried(lay: Lay, product: Product) -> None:
    """A parameter that is required now breaks clients, though somebody answered for it until some day."""
    code, ended, told = fuzzed(lay, product, old=reading(), new=reading("q", required=True), waiver=WAIVER)
    assert (code, ended) == (1, {BREAKING: "failed", RISKY: "passed", HOLDS: "blocked"}), told
    assert "GET /plain.txt: query q: request-required-parameter-added; its waiver is over" in told
    assert "by somebody expired on 2020-12-31 and counts no more" in told
