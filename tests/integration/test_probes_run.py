"""Checks of ours after the fuzzer, on a real service: with what it sent they look at everything that is documented."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from contract_process import contract_service

from seatrial.config import AuthSettings, ContractSettings, ErrorSettings, LimitSettings
from seatrial.core import Evidence, Outcome, Target
from seatrial.fuzz import Besides, run_contract
from seatrial.http import AddressPool, IdentityPool, SigningKey

AUTH = AuthSettings(public_key_variable="K", claims={"sub": "{user}", "org": "{organisation}"})
KEY = SigningKey.generate()
PASSED = ("tenants-apart", "created-readable", "idempotent", "methods-agree", "in-time", "errors-discreet")
UNPROMISED = ("pages-complete", "status-named", "trace-ids")


def looked_at(target: Target) -> Evidence:
    """Fuzz the service and look at it as the campaign would."""
    return run_contract(
        ContractSettings(examples={"quick": 1}, answers_within_s=10),
        target=target,
        identities=IdentityPool(AUTH, key=KEY, run="probes", seed=1, addresses=AddressPool("loopback", seed=1)),
        limits=[LimitSettings(quota=1000, window_s=2, path="/items")],
        environment={},
        profile="quick",
        seed=1,
        run="probes-test",
        progress=lambda _: None,
        besides=Besides(errors=ErrorSettings(fields=("error",)), tenants=True),
    )


def last_status(script: str) -> int:
    """Run lines by a shell, with tokens of users of two organisations, and return the status of the last answer."""
    pool = IdentityPool(AUTH, key=KEY, run="by hand", seed=2, addresses=AddressPool("none", seed=1))
    tokens = {f"SEATRIAL_TOKEN_ORG_{letter}": pool.lease(1)[0].headers["Authorization"][7:] for letter in "AB"}
    environment = {**os.environ, "NO_PROXY": "*", **tokens}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=True)
    return int(re.findall(r"HTTP/1\.1 (\d{3}) ", done.stdout)[-1])


@pytest.mark.parametrize("defects", [(), ("shared",)], ids=["right", "shared"])
def test_checks_of_ours_follow_the_fuzzer(
    tmp_path: Path, defects: tuple[str, ...], require: Callable[[str], str]
) -> None:
    """A right service passes all that it promises and the rest is not applicable; shared items are found by strangers.

    What the fuzzer was accepted with is sent anew for users of two organisations, one after the other; the lines that
    repeat a finding get the same last answer from a shell.
    """
    require("curl")
    with contract_service(tmp_path, KEY, *defects, window_s=2) as target:
        found = looked_at(target)
        findings = [each for result in found.results for each in result.findings]
        repeated = [last_status(finding.replay) for finding in findings]
    outcomes = {result.check.partition(".")[2]: result for result in found.results}
    wanted = {**dict.fromkeys((*PASSED, "errors-enveloped"), Outcome.PASSED)}
    wanted |= dict.fromkeys(UNPROMISED, Outcome.NOT_APPLICABLE)
    wanted |= {"tenants-apart": Outcome.FAILED} if defects else {}
    assert {name: outcomes[name].outcome for name in wanted} == wanted, outcomes
    across = [(each.operation, each.cause) for each in outcomes["tenants-apart"].findings]
    shared = [("DELETE /items/{id}", "remove-across"), ("GET /items/{id}", "read-across")]
    assert sorted(across) == (shared if defects else [])
    known = {exchange.id: exchange for exchange in found.exchanges}
    last = [known[finding.steps[-1]].response for finding in findings]
    assert repeated == [answer.status for answer in last if answer]
    for finding in findings:
        assert len({known[step].identity for step in finding.steps}) == 2
        assert "$SEATRIAL_TOKEN_ORG_A" in finding.replay
        assert "$SEATRIAL_TOKEN_ORG_B" in finding.replay
