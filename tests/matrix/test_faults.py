"""A check is done when a seeded fault proves it: each fault trips exactly the checks that it names.

Faults that can be told apart share a stack: groups.py says which.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from groups import TOGETHER
from together import checks_of, write_together

from seatrial.campaign import Fault, fault_files, load_fault
from seatrial.config import FILE
from seatrial.reporting._access import access_of

Run = Callable[..., Any]
Lean = Callable[..., Path]
ROOT = Path(__file__).parents[2]
FAULTS = sorted(fault_files())
OF_FULL_LOAD = [fault for fault in FAULTS if load_fault(fault).scenarios]  # test_load_scenarios.py has them
ON_LOCAL = [fault for fault in FAULTS if "local" in load_fault(fault).drivers and fault not in OF_FULL_LOAD]
ONLY_COMPOSE = [fault for fault in FAULTS if fault not in (*ON_LOCAL, *OF_FULL_LOAD)]
BY_THEMSELVES = [fault for fault in ON_LOCAL if fault not in {*itertools.chain(*TOGETHER)}]
INTO_CONTAINERS = ("ratelimit-wrong-status", "posture-no-restart-policy", "jobs-never-finished")
"""One in the api, one in the worker, one in the files: the ways into a container. All others: make test-full."""
SCALED = ("ratelimit-counted-per-instance", "ratelimit-store-down-crashes")
BY_ADDRESS = ("security-admin-chain-trusted", "ratelimit-user-and-address", "ratelimit-token-route-unlimited")
"""On each variant of the stack, what only clients with an address of their own can see: they come through a relay."""

ON_COMPOSE = (*INTO_CONTAINERS, *SCALED, *BY_ADDRESS, *ONLY_COMPOSE)

MORE_LOAD = ("load-errors-under-load", "load-slow-start", "load-probes-ask-anew")
"""Further defects of a claim about load that another fault proves already."""

MORE_DATA = ("jobs-restore-without-rows", "jobs-migration-drops-data")
"""Further defects of what happens to data: each takes a stack of its own, as its tables are gone meanwhile."""

ENDS: Mapping[str, tuple[int, str]] = {"failed": (1, "fail"), "inconclusive": (3, "inconclusive")}
"""How a run ends, by the outcome that a fault gives its checks."""


CONTAINERS = {"deployment.as-declared", "deployment.unprivileged"}
"""What takes an engine that can be asked about containers."""

FULL_SCENARIOS = ("limits", "spike", "breakpoint", "jobs", "soak")
FULL_LOAD = {
    f"load.{scenario}-{claim}"
    for scenario in FULL_SCENARIOS
    for claim in ("generator-honest", "objectives", "never-limited", "resources")
}
"""What takes the full profile."""

DEEPER = {
    *("ratelimit.refusals-cheap", "ratelimit.noise-bounded", "ratelimit.burst-exact", "ratelimit.load-exact"),
    *("ratelimit.memory-bounded", "ratelimit.buckets-kept"),
}
"""What takes the deep stage; ratelimit.store-returns is not promised by seatrial.toml."""


def arguments(fault: str, driver: str, *seeded: Fault) -> list[str]:
    """Return what runs just the suites that a fault concerns, or those which the fault's file is made of."""
    suites = {suite for each in seeded or (load_fault(fault),) for suite in each.suites}
    only = [word for suite in sorted(suites) for word in ("--only", suite)]
    return ["--stack", driver, "--seed", "1", "--fault", fault, *only]


def patient(fault: str) -> Any:
    """Return a fault as a parameter; the deep stage takes minutes: test_throttle_deep.py has it on a small server.

    A defect of the page takes half a minute of processor time to build.
    """
    seeded = load_fault(fault)
    long = seeded.deep or fault in (*MORE_LOAD, *MORE_DATA) or "web" in seeded.suites
    return pytest.param(fault, marks=pytest.mark.long) if long else fault


LEAN = (FILE, "seatrial.scale.toml", "seatrial.sliding.toml")
WHOLE_QUOTA = (
    *("ratelimit-quota-of-another-environment", "ratelimit-refusals-prolong"),
    *("ratelimit-bucket-too-large", "health-limiter-hangs-with-redis"),
)
"""They count by numbers of their own: a quota of which the half is another, how often one may be refused, a bucket."""


def concerns_the_limiter(seeded: Fault) -> bool:
    """Return whether a fault is found by proving the usual policy, to which the worker is nothing."""
    usual = seeded.suites == ("ratelimit",) and seeded.configuration in LEAN and not seeded.deep
    return usual and seeded.slug not in WHOLE_QUOTA


def concerns_the_contract(seeded: Fault) -> bool:
    """Return whether a fault is found by fuzzing alone, which waits for no job."""
    return (seeded.suites, seeded.configuration) == (("contract",), FILE)


def configuration_for(lean: Lean, *seeded: Fault) -> Path:
    """Return the settings with which faults are looked for, alone or together."""
    limiter = all(map(concerns_the_limiter, seeded))
    if limiter or all(map(concerns_the_contract, seeded)):
        return lean(seeded[0].configuration, limiter=limiter)
    return ROOT / seeded[0].configuration


def undisturbed(fault: str) -> Any:
    """Return a fault as a parameter; beside requests that have to fit into a window, one other test may run."""
    return pytest.param(fault, marks=pytest.mark.beside_one) if "ratelimit" in load_fault(fault).suites else fault


@pytest.mark.parametrize("fault", [patient(fault) for fault in BY_THEMSELVES])
def test_fault_trips_its_checks_alone(
    fault: str, run_seatrial: Run, pool: Mapping[str, str], lean: Lean, tmp_path: Path
) -> None:
    """On the local stack a fault fails its own check and those it implies, no other, and the run ends with 1.

    A fault that keeps its checks from being decided leaves those inconclusive instead, and the run ends with 3.
    """
    seeded = load_fault(fault)
    config = configuration_for(lean, seeded)
    ended = run_seatrial(arguments(fault, "local"), tmp_path / "run", pool, config=config)
    for outcome in ENDS:
        besides = set(seeded.undecided) if outcome == "inconclusive" else set()
        wanted = {seeded.trips, *seeded.implies} if outcome == seeded.ends else besides
        assert ended.checks(outcome) == wanted, ended.output
    verdict = (ended.exit_code, ended.verdict["verdict"], ended.verdict["fault"])
    assert verdict == (*ENDS[seeded.ends], fault)


@pytest.mark.parametrize("together", TOGETHER, ids="+".join)
def test_faults_trip_their_checks_together(
    together: Sequence[str], run_seatrial: Run, pool: Mapping[str, str], lean: Lean, tmp_path: Path
) -> None:
    """Faults that share a stack fail what each of them names, and nothing else: each is seen beside the others.

    What one of them trips besides could hide behind another: tests/full_matrix.py runs each alone, with every suite.
    """
    seeded = [load_fault(fault) for fault in together]
    file = write_together(seeded, tmp_path / "faults")
    config = configuration_for(lean, *seeded)
    ended = run_seatrial(arguments(str(file), "local", *seeded), tmp_path / "run", pool, config=config)
    assert ended.checks("failed") == {check for fault in seeded for check in checks_of(fault)}, ended.output
    assert ended.checks("inconclusive") == set(), ended.output
    assert (ended.exit_code, ended.verdict["verdict"], ended.verdict["fault"]) == (1, "fail", file.stem)


def test_only_what_can_be_told_apart_shares_a_stack() -> None:
    """In a group each check is one fault's, all need the same settings, and none is too gross for another's suites."""
    assert max(Counter([*MORE_LOAD, *itertools.chain(*TOGETHER)]).values()) == 1
    for seeded in ([load_fault(fault) for fault in together] for together in TOGETHER):
        assert max(Counter(check for fault in seeded for check in checks_of(fault)).values()) == 1, seeded
        assert len({(fault.configuration, concerns_the_limiter(fault)) for fault in seeded}) == 1, seeded
        assert {(fault.ends, fault.undecided, fault.deep) for fault in seeded} == {("failed", (), False)}, seeded
        assert all("local" in fault.drivers and not fault.replicas for fault in seeded), seeded
        suites = {fault.suites for fault in seeded}
        assert len(suites) == 1 or not any(fault.confined for fault in seeded), seeded


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("fault", [undisturbed(fault) for fault in ON_COMPOSE])
def test_fault_trips_its_checks_on_compose(fault: str, run_seatrial: Run, lean: Lean, tmp_path: Path) -> None:
    """The same holds inside containers built from the unchanged Dockerfile."""
    seeded = load_fault(fault)
    config = configuration_for(lean, seeded)
    ended = run_seatrial(arguments(fault, "compose"), tmp_path / "run", {}, config=config)
    assert ended.checks(seeded.ends) == {seeded.trips, *seeded.implies}, ended.output
    assert ended.exit_code == ENDS[seeded.ends][0]


def test_lean_stack_passes(run_seatrial: Run, pool: Mapping[str, str], lean: Lean, tmp_path: Path) -> None:
    """What is left of the stack for the limiter's faults is without one itself."""
    ended = run_seatrial(
        ["--stack", "local", "--seed", "1", "--only", "ratelimit"],
        tmp_path / "run",
        pool,
        config=lean(FILE, limiter=True),
    )
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    usual = [seeded for seeded in map(load_fault, ON_LOCAL) if seeded.configuration == FILE]
    found = {seeded.trips for seeded in usual if concerns_the_limiter(seeded)}
    assert ended.checks("passed") >= found


VARIANTS = ("clean", "instrumented")
EXERCISED = ("operations", "statuses", "client-statuses", "parameters")
"""Figures of the contract's matrix that a whole run is judged by."""
BROUGHT = {"contract.status-named"}
"""What only the document of a fault promises: that of the stack documents no `default`."""


@pytest.mark.alone
def test_clean_local_stack_passes(run_seatrial: Run, pool: Mapping[str, str], tmp_path: Path) -> None:
    """Without a fault every suite passes on the local stack, and every report is there."""
    ended = run_seatrial(["--stack", "local", "--seed", "1"], tmp_path / "run", pool)
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    shown = {fault.trips for fault in map(load_fault, ON_LOCAL) if fault.configuration == FILE and not fault.deep}
    assert ended.checks("passed") >= shown - BROUGHT
    assert ended.checks("not-applicable") >= BROUGHT
    assert ended.checks("not-tested") == DEEPER | CONTAINERS | FULL_LOAD
    exercised = {gate["metric"]: gate["value"] for gate in ended.verdict["gates"] if "contract" in gate["metric"]}
    assert exercised.keys() == {f"contract.{name}" for name in EXERCISED}
    files = ("report.html", "junit.xml", "summary.md", "events.ndjson", "coverage/coverage.xml", "logs/api.log")
    for name in (*files, "matrix.json"):
        assert (tmp_path / "run" / name).stat().st_size > 0, name
    matrix = access_of(json.loads((tmp_path / "run" / "matrix.json").read_text(encoding="utf-8")))
    assert matrix is not None
    assert not [row for row in matrix["rows"] for cell in row["cells"] if cell["served"]], "nobody gets past the door"
    # To their last line, when they were told to stop: the check of this looks at a log before that.
    logs = [file for name in ("api", "worker") for file in (tmp_path / "run" / "logs").rglob(f"{name}.log")]
    assert len(logs) == len(VARIANTS) * 2
    for log in logs:
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        assert any("shutdown" in line["message"] for line in lines), log


@pytest.mark.alone
@pytest.mark.usefixtures("engine")
def test_clean_compose_stack_passes(run_seatrial: Run, tmp_path: Path) -> None:
    """Without a fault every suite passes on compose too, and nothing is left untried."""
    ended = run_seatrial(["--stack", "compose", "--seed", "1"], tmp_path / "run", {})
    assert (ended.exit_code, ended.verdict["verdict"]) == (0, "pass"), ended.output
    assert ended.checks("not-tested") == DEEPER | FULL_LOAD
    assert ended.verdict["coverage"]["lines_percent"] > 0


UNPROVED = {
    "a defect of the measurement, not of a service; tests/integration/test_cover.py and tests/unit/test_cover.py": {
        "coverage.collected",
    },
    "a defect of the generator, not of a service; tests/integration/load and tests/unit/test_swarm.py": {
        f"load.{scenario}-generator-honest" for scenario in ("steady", "health", *FULL_SCENARIOS)
    },
    "the same claim as of another scenario, by the same code; that one a fault trips": {
        *("load.soak-objectives", "load.spike-never-limited", "load.jobs-never-limited", "load.soak-never-limited"),
        "load.breakpoint-never-limited",
    },
    "a defect of what stands before the stack, where TLS ends; tests/integration/test_smoke.py and test_tls.py": {
        f"security.tls-{claim}" for claim in ("certificate", "expiry", "versions", "remembered", "redirected")
    },
    "of the profile smoke alone, where ratelimit.quota-exact is not asked; tests/integration/test_smoke.py": {
        "smoke.limit-refuses",
    },
    "not applicable: users are beyond their quota there, or nothing is asked of what the service uses": {
        *("load.limits-never-limited", "load.limits-resources", "load.spike-resources", "load.breakpoint-resources"),
    },
}
"""Checks that no fault trips, by the reason."""


def registered() -> set[str]:
    """Return every check of the shipped suites, as they stand in this configuration."""
    listed = subprocess.run(
        [sys.executable, "-m", "seatrial", "checks", "list"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {line.split()[0] for line in listed.stdout.splitlines()}


def load_implies(fault: Fault) -> tuple[str, ...]:
    """Return what else a fault of a full load trips: each of these takes a minute."""
    return fault.implies if fault.scenarios else ()


def test_every_check_is_proved_by_a_fault() -> None:
    """Each check is tripped by some fault, or stands above with the reason; none does both, and none is made up."""
    tripped = {check for fault in map(load_fault, FAULTS) for check in (fault.trips, *load_implies(fault))}
    excepted = set().union(*UNPROVED.values())
    assert tripped | excepted == registered()
    assert tripped & excepted == set()
