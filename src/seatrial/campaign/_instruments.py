"""The instruments of a run: each measures once and hands back its evidence.

Every third-party engine is imported by its own package, and only when its instrument runs.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from seatrial.campaign._ahead import Ahead
from seatrial.campaign._run import Run
from seatrial.config import LimitSettings, Stage
from seatrial.core import Evidence, Outcome, Target
from seatrial.stack import Stack

Instrument = Callable[[Run, Stack, Ahead], Evidence]
UNBUDGETED_S = 60.0
"""What a proof may take where no budget is declared."""

FUZZING_SHARE = 0.85
"""How much of its stage's budget the fuzzer may use; the rest is for reading the document and judging."""


def _target(stack: Stack) -> Target:
    return Target(url=stack.url(), variant=stack.variant)


def _budget_s(run: Run, stage: Stage) -> float | None:
    return run.settings.budget_s.get(run.options.profile, {}).get(stage)


def fuzz_contract(run: Run, stack: Stack, ahead: Ahead) -> Evidence:
    """Fuzz the served OpenAPI document."""
    from seatrial.fuzz import run_contract  # noqa: PLC0415 - Schemathesis takes a second to import

    if run.settings.contract is None:
        return Evidence()
    budget_s = _budget_s(run, "contract")
    return run_contract(
        run.settings.contract,
        target=_target(stack),
        identities=run.identities,
        limits=run.settings.limits,
        environment=run.variables(stack.variant),
        profile=run.options.profile,
        seed=run.seed,
        run=run.id,
        progress=run.progress("contract"),
        budget_s=FUZZING_SHARE * budget_s if budget_s else None,
        process=ahead.fuzzer(),
    )


def prove_limits(run: Run, stack: Stack, _ahead: Ahead) -> Evidence:
    """Prove every declared rate limit, all at once: a proof mostly waits, and no two policies share a client."""
    from seatrial.throttle import Policy, merge, plan_proof, prove  # noqa: PLC0415 - needed by this instrument only

    budget_s = _budget_s(run, "ratelimit") or UNBUDGETED_S
    addresses = len(run.identities.lease_anonymous(2))

    def proved(limit: LimitSettings) -> tuple[str, Evidence]:
        policy = Policy.declared(limit, run.environment)
        evidence = prove(
            policy,
            plan=plan_proof(policy, budget_s=budget_s, addresses=addresses, profile=run.options.profile),
            target=_target(stack),
            identities=run.identities,
            progress=run.progress("ratelimit"),
            seed=run.seed,
            allowed=run.settings.targets.allow,
        )
        return limit.name, evidence

    with ThreadPoolExecutor() as pool:
        found = list(pool.map(proved, run.settings.limits))
    return merge(found) if found else Evidence()


def run_load(run: Run, stack: Stack, ahead: Ahead) -> Evidence:
    """Run every load scenario, one after the other."""
    from seatrial.swarm import run_scenario  # noqa: PLC0415 - needed by this instrument only

    found = Evidence()
    for name, scenario in run.settings.load.items():
        found = join(
            found,
            run_scenario(
                name,
                scenario,
                target=_target(stack),
                identities=run.identities,
                profile=run.options.profile,
                seed=run.seed,
                run=run.id,
                work=run.work,
                out=run.directory / "load" / name,
                root=run.settings.root,
                limits=run.settings.limits,
                environment=run.environment,
                progress=run.progress("load"),
                process=ahead.scenario(name),
            ),
        )
    return found


def undecided(evidence: Evidence) -> set[str]:
    """Return the checks that an instrument could not decide."""
    return {result.check for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE}


def settled(first: Evidence, again: Evidence) -> Evidence:
    """Return the first evidence, with what it left undecided as the second one has it: a defect stays one."""
    later = {result.check: result for result in again.results if result.check in undecided(first)}
    return replace(
        again,
        results=tuple(later.get(result.check, result) for result in first.results),
        exchanges=first.exchanges + again.exchanges,
        proofs=first.proofs + again.proofs,
    )


def join(first: Evidence, second: Evidence) -> Evidence:
    """Return the evidence of two instruments as one."""
    return replace(
        first,
        results=first.results + second.results,
        measurements=first.measurements + second.measurements,
        exchanges=first.exchanges + second.exchanges,
        notes=first.notes + second.notes,
        proofs=first.proofs + second.proofs,
    )
