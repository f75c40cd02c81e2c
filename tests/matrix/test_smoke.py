"""The profile smoke on the reference stack: it passes, and seeded faults fail the same checks as in a whole run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from together import checks_of, write_together

from seatrial.campaign import fault_files, load_fault
from seatrial.core.fence import CONNECTION, SAFE

Run = Callable[..., Any]
TOGETHER = (
    *("health-basic-as-text", "health-dependency-unnamed", "tracing-same-for-all", "tracing-missing-on-errors"),
    *("security-any-origin", "security-sniffing-allowed", "contract-enum-widened", "contract-page-size-changed"),
    "security-errors-without-origin",
)
ALONE = (
    *("health-liveness-broken", "health-readiness-stale", "tracing-missing", "tracing-caller-ignored"),
    *("security-guest-let-in", "security-preflight-limited-to-users", "contract-parameter-withdrawn"),
)
"""What hides others, or what others hide."""

PROVED = {
    *("health.basic-answers", "health.dependencies-listed", "health.liveness-answers", "health.readiness-answers"),
    *("tracing.present", "tracing.present-on-errors", "tracing.taken-over", "tracing.unique"),
    *("security.token-required", "security.headers-present", "contract.no-breaking-change", "contract.no-risky-change"),
    *("security.cors-preflight", "security.cors-origin-refused", "security.cors-on-errors"),
}
"""The checks of the profile, but for those that tests/integration/test_smoke.py shows to fail."""

WORDS = ("--stack", "local", "--profile", "smoke", "--seed", "1")


def test_every_check_of_the_profile_is_failed_by_a_fault() -> None:
    """Each check is tripped by a fault of the tests below."""
    assert {check for fault in (*TOGETHER, *ALONE) for check in checks_of(load_fault(fault))} >= PROVED
    assert {*TOGETHER, *ALONE} <= fault_files().keys()


@pytest.mark.long
def test_faults_fail_their_checks(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """On one stack, each fault fails its check of the profile, and the others pass."""
    seeded = [load_fault(fault) for fault in TOGETHER]
    file = write_together(seeded, tmp_path / "faults")
    ended = run_seatrial([*WORDS, "--fault", str(file)], tmp_path / "run", pool)
    assert ended.checks("failed") == {check for fault in seeded for check in checks_of(fault)} & PROVED, ended.output
    assert ended.checks("passed") >= {"health.liveness-answers", "health.readiness-answers", "security.token-required"}
    assert (ended.exit_code, ended.verdict["verdict"]) == (1, "fail")


@pytest.mark.long
@pytest.mark.parametrize("fault", ["", *ALONE])
def test_a_fault_alone_fails_its_checks(fault: str, run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """So does each that hides others; without any, all that the profile promises here is verified."""
    ended = run_seatrial([*WORDS, *(("--fault", fault) if fault else ())], tmp_path / "run", pool)
    wanted = {*checks_of(load_fault(fault))} & PROVED if fault else set()
    assert ended.checks("failed") == wanted, ended.output
    assert ended.checks("inconclusive") | ended.checks("not-tested") == set()
    assert ended.exit_code == (1 if fault else 0)
    assert fault or ended.checks("passed") == PROVED


@pytest.mark.long
@pytest.mark.usefixtures("engine")
def test_it_passes_on_compose(run_seatrial: Run, tmp_path: Path) -> None:
    """In containers the same checks pass, by as many requests as are told."""
    ended = run_seatrial(["--stack", "compose", "--profile", "smoke", "--seed", "1"], tmp_path / "run", {})
    assert (ended.exit_code, ended.checks("passed")) == (0, PROVED), ended.output
    told = next(note for note in ended.verdict["not_verified"] if note.startswith("the profile smoke sent"))
    kinds: Sequence[str] = told.partition("(")[2].rstrip(")").replace(",", "").split()[1::2]
    assert {*kinds} <= SAFE | {CONNECTION}
