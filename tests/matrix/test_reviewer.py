"""What a run leaves for a reviewer: pages, JSON and SARIF of a real proof, refuted and not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from seatrial.core import content
from seatrial.record import EVENTS, read_record
from seatrial.reporting import write_reports

Run = Callable[..., Any]
SARIF = Path(__file__).parents[1] / "schemas" / "sarif-2.1.0.json"
ARGUMENTS = ("--stack", "local", "--seed", "1", "--only", "ratelimit")


def load(path: Path, schema: Path) -> dict[str, Any]:
    """Return a JSON report that keeps to its schema."""
    loaded: dict[str, Any] = json.loads(path.read_text())
    published = json.loads(schema.read_text())
    jsonschema.validators.validator_for(published)(published).validate(loaded)
    return loaded


@pytest.mark.parametrize("fault", ["ratelimit-off-by-one", ""])
def test_a_reviewer_is_told(fault: str, run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Every policy has its page and nothing undecided; the fault is refuted with requests and a line, by itself."""
    out = tmp_path / "run"
    ended = run_seatrial([*ARGUMENTS, *(["--fault", fault] if fault else [])], out, pool)
    assert ended.exit_code == (1 if fault else 0), ended.output
    limits = load(out / "ratelimit.json", content("reports") / "schema" / "ratelimit-1.schema.json")
    sarif = load(out / "findings.sarif", SARIF)
    refuted = {"ratelimit.quota-exact"} if fault else set()
    assert {policy["policy"] for policy in limits["policies"]} == {"default", "token", "refresh"}
    for policy in limits["policies"]:
        claims = {claim["check"]: claim for claim in policy["claims"]}
        assert {slug for slug, claim in claims.items() if claim["verdict"] == "REFUTED"} == refuted
        assert not [slug for slug, claim in claims.items() if claim["verdict"] == "INCONCLUSIVE"], ended.output
        told = {exchange["id"]: exchange for exchange in policy["exchanges"]}
        decided = [claim for claim in claims.values() if claim["verdict"] in {"PROVED", "REFUTED"}]
        assert [claim["check"] for claim in decided if not claim["transcript"]] == []
        assert all(told[id_]["curl"].startswith("curl ") for claim in decided for id_ in claim["transcript"])
        assert all(finding["replay"] for slug in refuted for finding in claims[slug]["findings"])
        assert policy["requests"]["answered"] == sum(len(lane["requests"]) for lane in policy["timeline"])
        assert not [way["what"] for way in policy["bypasses"] if way["verdict"] != "PROVED"]
        # A user's first answers: as many as the quota (or one more, with the fault), and then refusals.
        admitted = sum(row["status"] != 429 for row in policy["headers"])
        assert admitted == policy["quota"] + bool(fault)
        assert not [row for row in policy["headers"] if row["untrue"]]
        assert (out / policy["page"]).is_file()
    assert {found["ruleId"] for found in sarif["runs"][0]["results"]} == refuted
    assert all(found["locations"][0]["physicalLocation"] for found in sarif["runs"][0]["results"])


def test_reports_come_from_the_events_alone(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """With nothing but its events, a run's pages are made again, byte by byte."""
    out, again = tmp_path / "run", tmp_path / "again"
    assert run_seatrial(list(ARGUMENTS), out, pool).exit_code == 0
    again.mkdir()
    (again / EVENTS).write_bytes((out / EVENTS).read_bytes())
    write_reports(again)
    assert read_record(again).proofs
    for name in ("ratelimit.json", "findings.sarif", "ratelimit/default.html", "ratelimit/token.html"):
        assert (again / name).read_bytes() == (out / name).read_bytes(), name
