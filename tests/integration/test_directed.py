"""Documented answers that no generated input brings about are aimed at, and one that never comes is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from notes_service import BODY_BYTES, DOCUMENT, NEVER, PASSWORD, USER, notes_service

from seatrial.config import ContractSettings
from seatrial.core import Evidence, Target, content
from seatrial.fuzz import Directions, Known, run_contract
from seatrial.http import AddressPool, IdentityPool, SigningKey
from seatrial.openapi import fill, never_came

SIGN_IN = Known(
    method="POST",
    path="/sign-in",
    body={"user": USER, "password": PASSWORD},
    then=lambda answer: Known(method="POST", path="/renew", body={"refresh": answer["refresh"]}),
)


def fuzz(url: str, directions: Directions | None, document: dict[str, Any] | None = None) -> Evidence:
    """Fuzz a service that knows nobody."""
    addresses = AddressPool("none", seed=1)
    return run_contract(
        ContractSettings(examples={"quick": 1}),
        target=Target(url=url),
        identities=IdentityPool(None, key=SigningKey.generate(), run="directed", seed=1, addresses=addresses),
        limits=[],
        environment={},
        profile="quick",
        seed=1,
        run="directed",
        progress=lambda _: None,
        document=document,
        directions=directions,
    )


def figures(evidence: Evidence) -> dict[str, float]:
    """Return what was exercised, in percent."""
    return {measured.name.removeprefix("contract."): measured.value for measured in evidence.measurements}


def test_what_is_known_reaches_what_input_does_not() -> None:
    """Credentials, and what follows from them, large and odd requests, and the same one twice fill all but one cell."""
    with notes_service() as url:
        alone = fuzz(url, None)
    with notes_service() as url:
        aimed = fuzz(url, Directions(known=(SIGN_IN,), body_bytes=BODY_BYTES))
    assert figures(alone)["operations"] < 100
    assert figures(alone)["client-statuses"] < 60
    assert (figures(aimed)["operations"], figures(aimed)["parameters"]) == (100, 100)
    told = f"documented answers that never came: GET /notes/{{title}} {NEVER}"
    assert never_came(fill(aimed.documented, aimed.tallies)) == [told]


def test_nothing_is_counted_where_nobody_answers() -> None:
    """A service that is not there was asked for nothing, and nothing waits for it."""
    with notes_service() as url:
        pass
    found = fuzz(url, Directions(known=(SIGN_IN,)), DOCUMENT)
    assert found.tallies == ()
    assert figures(found)["operations"] == 0


RULES = 'rules = ["checks.failed == 0", "contract.operations >= 50 %", "contract.client-statuses >= 100 %"]'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the folder of a project whose gate wants every answer."""
    security = f'[security]\nbody_path = "/notes"\nbody_bytes = {BODY_BYTES}\n'
    stack = '[stack]\nready = "/openapi.json"\n'
    (tmp_path / "seatrial.toml").write_text(
        f"{stack}[contract]\nexamples = {{ quick = 1 }}\n{security}[gate]\n{RULES}\n"
    )
    return tmp_path


def test_a_status_that_never_comes_fails_its_gate_by_name(project: Path) -> None:
    """The run ends with 1 although no check failed, and the record, the report and matrix.json name the answer."""
    with notes_service() as url:
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", "contract", url, "--seed", "1", "--out", "run"],
            cwd=project,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 1, done.stdout + done.stderr
    verdict = json.loads((project / "run" / "verdict.json").read_text())
    assert [told for told in verdict["outcomes"] if told["outcome"] == "failed"] == []
    assert [gate["metric"] for gate in verdict["gates"] if gate["status"] == "fail"] == ["contract.client-statuses"]
    (named,) = [note for note in verdict["not_verified"] if note.startswith("documented answers that never came")]
    assert f"GET /notes/{{title}} {NEVER}" in named
    matrix = json.loads((project / "run" / "matrix.json").read_text())
    schema = json.loads((content("reports") / "schema" / "matrix-1.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(matrix)
    (read,) = [row for row in matrix["operations"] if row["operation"] == "GET /notes/{title}"]
    assert [cell["status"] for cell in read["answers"] if not cell["exercised"]] == [NEVER]
