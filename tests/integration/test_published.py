"""A published document on a real small service of today: it holds, or what broke of it is found."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from contract_document import document
from contract_process import contract_service

from seatrial.campaign._published import Published
from seatrial.config import AuthSettings, ContractSettings, LimitSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.fuzz import OLD_PROMISES_HOLD, run_contract
from seatrial.http import AddressPool, IdentityPool, SigningKey

AUTH = AuthSettings(public_key_variable="K", claims={"sub": "{user}", "org": "{organisation}"})
KEY = SigningKey.generate()
PATHS = ("/items", "/items/{id}", "/health", "/strict", "/lenient")
PUBLISHED = {**document(), "paths": {path: document()["paths"][path] for path in PATHS}}


def fuzz(target: Target, published: dict[str, Any], only: tuple[str, ...]) -> Evidence:
    """Fuzz a document as the campaign would."""
    return run_contract(
        ContractSettings(examples={"quick": 2}),
        target=target,
        identities=IdentityPool(AUTH, key=KEY, run="published", seed=1, addresses=AddressPool("loopback", seed=1)),
        limits=[LimitSettings(quota=1000, window_s=2, path="/items")],
        environment={},
        profile="quick",
        seed=1,
        run="published-test",
        progress=lambda _: None,
        document=published,
        only=only,
    )


@pytest.mark.parametrize(
    ("defects", "outcome", "where"),
    [
        ((), Outcome.PASSED, set()),
        (("lenient",), Outcome.PASSED, set()),
        (("strict",), Outcome.FAILED, {"POST /strict"}),
    ],
    ids=["as published", "more is accepted", "less is accepted"],
)
def test_published_document(tmp_path: Path, defects: tuple[str, ...], outcome: Outcome, where: set[str]) -> None:
    """Whoever keeps to it is served as before, though the service may take more now; else its requests are shown."""
    with contract_service(tmp_path, KEY, *defects, window_s=2) as target:
        found = Published(document=PUBLISHED).judge(Evidence(), partial(fuzz, target))
    [result] = found.results
    assert (result.check, result.outcome) == (OLD_PROMISES_HOLD, outcome), result.reason
    assert {finding.operation for finding in result.findings} == where
    shown = {exchange.id: exchange for exchange in found.exchanges}
    assert {number for finding in result.findings for number in finding.evidence} == shown.keys()
    assert {exchange.operation for exchange in shown.values()} == where
