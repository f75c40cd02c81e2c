"""A published document on a real small service of today: it holds, or what broke of it is found."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from contract_document import document

from seatrial.campaign._published import Published
from seatrial.config import AuthSettings, ContractSettings, LimitSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.fuzz import CHECK, run_contract
from seatrial.http import AddressPool, IdentityPool, SigningKey

SERVICE = Path(__file__).parents[1] / "support" / "contract_service.py"
AUTH = AuthSettings(public_key_variable="K", claims={"sub": "{user}", "org": "{organisation}"})
KEY = SigningKey.generate()
PATHS = ("/items", "/items/{id}", "/health", "/strict", "/lenient")
PUBLISHED = {**document(), "paths": {path: document()["paths"][path] for path in PATHS}}


@contextmanager
def service(folder: Path, *defects: str) -> Iterator[Target]:
    """Run the service in a process of its own."""
    (folder / "public.pem").write_text(KEY.public_pem)
    command = [sys.executable, str(SERVICE), str(folder / "public.pem"), "1000", "2", *defects]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Target(url=f"http://127.0.0.1:{process.stdout.readline().strip()}")
        finally:
            process.kill()


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
    with service(tmp_path, *defects) as target:
        found = Published(document=PUBLISHED).judge(Evidence(), partial(fuzz, target))
    [result] = found.results
    assert (result.check, result.outcome) == (CHECK, outcome), result.reason
    assert {finding.operation for finding in result.findings} == where
    shown = {exchange.id: exchange for exchange in found.exchanges}
    assert {number for finding in result.findings for number in finding.evidence} == shown.keys()
    assert {exchange.operation for exchange in shown.values()} == where
