"""The instruments of a run: each measures once and hands back its evidence.

Every third-party engine is imported by its own package, and only when its instrument runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from seatrial.campaign._ahead import Ahead
from seatrial.campaign._besides import besides_of
from seatrial.campaign._limits import Planned, plan_deep_limits, plan_limits
from seatrial.campaign._run import Run
from seatrial.config import ContractSettings, Stage
from seatrial.core import ALIKE, Evidence, Outcome, Target
from seatrial.stack import Stack, address_of

if TYPE_CHECKING:
    from seatrial.fuzz import Besides, Directions, EngineProcess
    from seatrial.swarm import Hammer, NoPage
    from seatrial.throttle import Means

Instrument = Callable[[Run, Stack, Ahead], Evidence]

PAGE = "page"
"""The stage under which somebody who watches is told where Locust's web page is."""

OVERDUE, PUBLISHED_OVERDUE = 5.0, 2.5
"""After how many times its stage's budget the fuzzer is stopped; the second is for the published document.

It sends so many requests, however long they take: that a slow machine takes longer is told, and changes no verdict.
"""


def _target(stack: Stack) -> Target:
    return Target(url=stack.url(), variant=stack.variant, by_address=stack.by_address)


def _budget_s(run: Run, stage: Stage) -> float | None:
    return run.settings.budget_s.get(run.options.profile, {}).get(stage)


def fuzz_contract(run: Run, stack: Stack, ahead: Ahead) -> Evidence:
    """Fuzz the served OpenAPI document, and the published one where that promises something else."""
    from seatrial.campaign._known import directions_of  # noqa: PLC0415 - needed by this instrument only
    from seatrial.campaign._published import look_up_published  # noqa: PLC0415 - needed by this instrument only
    from seatrial.openapi import served_document  # noqa: PLC0415 - same

    if run.settings.contract is None:
        return Evidence()
    document, only = served_document(run.settings, stack.url()), run.options.operations
    published = look_up_published(run.settings, document, only)
    variables = run.variables(stack.variant) if run.starts else None
    served = _fuzz(
        run,
        stack,
        run.settings.contract,
        OVERDUE,
        document,
        only,
        process=ahead.fuzzer(),
        directions=directions_of(run.settings, run.identities.at(stack.url()), variables),
        besides=besides_of(run.settings, redact=run.recorder.secrets.redact),
    )
    if published is None:
        return served
    fewer = {profile: -(-count // 2) for profile, count in run.settings.contract.examples.items()}
    contract = run.settings.contract.model_copy(update={"examples": fewer})
    return join(served, published.judge(served, partial(_fuzz, run, stack, contract, PUBLISHED_OVERDUE)))


def _fuzz(  # noqa: PLR0913, PLR0917 - a run and how long it may be over its budget
    run: Run,
    stack: Stack,
    contract: ContractSettings,
    overdue: float,
    document: dict[str, Any],
    only: tuple[str, ...],
    process: EngineProcess | None = None,
    directions: Directions | None = None,
    besides: Besides | None = None,
) -> Evidence:
    from seatrial.fuzz import run_contract  # noqa: PLC0415 - Schemathesis takes a second to import

    budget_s, identities = _budget_s(run, "contract"), run.identities.at(stack.url())
    return run_contract(
        contract,
        target=_target(stack),
        identities=identities,
        limits=run.settings.limits,
        environment=run.variables(stack.variant),
        profile=run.options.profile,
        seed=run.seed,
        run=run.id,
        progress=run.progress("contract"),
        only=only,
        budget_s=overdue * budget_s if budget_s else None,
        process=process,
        document=document,
        people=identities.people,
        directions=directions,
        besides=besides,
    )


def prove_limits(run: Run, stack: Stack, _ahead: Ahead) -> Evidence:
    """Prove every declared rate limit, all at once: a proof mostly waits, and no two policies share a client."""
    from seatrial.throttle import merge  # noqa: PLC0415 - needed by this instrument only

    limits = plan_limits(run.settings, profile=run.options.profile, **_circumstances(run))
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda planned: (planned.name, _prove(run, stack, planned)), limits))
    return merge(found) if found else Evidence()


def prove_deep(run: Run, stack: Stack) -> Evidence:
    """Prove of each limit what takes longer by its nature, one after the other: each looks at memory and the store."""
    from seatrial.throttle import merge  # noqa: PLC0415 - needed by this instrument only

    limits = plan_deep_limits(
        run.settings, profile=run.options.profile, abilities=stack.abilities, **_circumstances(run)
    )
    found = []
    for planned in limits:
        means = means_of(run, stack, planned)
        found.append((planned.name, _prove(run, stack, planned, means=means)))
    return merge(found) if found else Evidence()


def leave_deep(run: Run) -> Evidence:
    """Say of each limit that its deep stage was not asked for."""
    from seatrial.throttle import leave_deep as leave  # noqa: PLC0415 - needed by this instrument only
    from seatrial.throttle import merge  # noqa: PLC0415 - as above

    limits = plan_limits(run.settings, profile=run.options.profile, **_circumstances(run))
    return merge([(planned.name, leave(planned.policy)) for planned in limits]) if limits else Evidence()


def exceed_limits(run: Run, stack: Stack) -> dict[str, str]:
    """Be refused a little by each limit as it is on a stack, unjudged; return of which that was not, and why."""
    from seatrial.throttle import exceed  # noqa: PLC0415 - needed where limits are proved only

    circumstances: Circumstances = {**_circumstances(run), "environment": run.variables(stack.variant)}
    return exceed(
        plan_limits(run.settings, profile=run.options.profile, **circumstances),
        target=_target(stack),
        identities=run.identities.at(stack.url()),
        progress=run.progress("coverage"),
        allowed=run.settings.targets.allow,
    )


class Circumstances(TypedDict):
    """What a plan for the limits of a run is made from."""

    environment: Mapping[str, str]
    addresses: int
    alike: str
    unsigned: str
    disturbs: bool


def _circumstances(run: Run) -> Circumstances:
    addresses = len(run.identities.lease_anonymous(2))
    return {
        "environment": run.environment,
        "addresses": addresses,
        "alike": run.identities.alike or ALIKE,
        "unsigned": run.unminted,
        "disturbs": run.options.disturbs,
    }


def _prove(run: Run, stack: Stack, planned: Planned, *, means: Means | None = None) -> Evidence:
    from seatrial.throttle import prove  # noqa: PLC0415 - needed by this instrument only

    return prove(
        planned.policy,
        plan=planned.plan,
        target=_target(stack),
        identities=run.identities.at(stack.url()),
        progress=run.progress("deep" if means else "ratelimit"),
        seed=run.seed,
        allowed=[address_of(stack.url())],  # settled before the run began
        means=means,
    )


def means_of(run: Run, stack: Stack, planned: Planned) -> Means:
    """Return what can be done to a stack besides sending requests one by one."""
    from seatrial.throttle import Means  # noqa: PLC0415 - needed by this instrument only

    def memory() -> Mapping[str, int]:
        return {service.name: stack.memory(service.name) for service in stack.services() if service.status == "running"}

    def control(verb: str) -> None:
        stack.control(verb, planned.policy.settings.store)  # type: ignore[arg-type]  # it uses verbs of stacks

    abilities = stack.abilities
    return Means(
        memory=memory if "memory" in abilities else None,
        control=control if "control" in abilities else None,
        load=partial(_hammer, run, stack, planned.plan.load) if planned.plan.load else None,
    )


def _hammer(run: Run, stack: Stack, name: str) -> Hammer:
    """Return a load scenario as the service has all it can do with."""
    from seatrial.campaign._traffic import traffic_of  # noqa: PLC0415 - as above
    from seatrial.swarm import make_hammer  # noqa: PLC0415 - needed by this instrument only
    from seatrial.throttle import IN_FLIGHT, LOAD_PER_S, LOAD_S  # noqa: PLC0415 - as above

    return make_hammer(
        name,
        run.settings.load[name],
        rate_per_s=LOAD_PER_S,
        duration_s=LOAD_S,
        most_in_flight=IN_FLIGHT,
        target=_target(stack),
        identities=run.identities.at(stack.url()),
        seed=run.seed,
        run=run.id,
        work=run.work,
        root=run.settings.root,
        limits=run.settings.limits,
        environment=run.environment,
        traffic=traffic_of(run, _target(stack), name, run.settings.load[name]),
    )


@contextlib.contextmanager
def _page(run: Run) -> Iterator[NoPage]:
    """Serve Locust's web page meanwhile and tell where, if it was asked for."""
    from seatrial.swarm import NoPage, Page  # noqa: PLC0415 - needed by this instrument only

    if not run.options.ui:
        yield NoPage()
        return
    with Page(run=run.id, cwd=run.settings.root, log=run.work / "page.log") as page:
        run.progress(PAGE)(f"Locust's web page: {page.url}")
        yield page


def run_load(run: Run, stack: Stack, ahead: Ahead) -> Evidence:
    """Run every load scenario, one after the other."""
    with _page(run) as page:
        return _run_load(run, stack, ahead, page)


def _run_load(run: Run, stack: Stack, ahead: Ahead, page: NoPage) -> Evidence:
    from seatrial.campaign._crew import crew_of  # noqa: PLC0415 - needed by this instrument only
    from seatrial.campaign._sources import sources_of  # noqa: PLC0415 - as above
    from seatrial.campaign._traffic import traffic_of  # noqa: PLC0415 - as above
    from seatrial.swarm import find_breakpoint, run_scenario  # noqa: PLC0415 - as above

    found, replay = Evidence(), run.repeat_only("load")
    for name, scenario in run.settings.load.items():
        send = find_breakpoint if scenario.search else run_scenario
        due = run.options.profile in scenario.duration_s
        traffic = traffic_of(run, _target(stack), name, scenario) if due else None
        notes = tuple(f"load {name}: not sent: {line}" for line in traffic.left_out) if traffic else ()
        found = join(
            join(found, Evidence(notes=notes)),
            send(
                name,
                scenario,
                target=_target(stack),
                identities=run.identities.at(stack.url()),
                profile=run.options.profile,
                seed=run.seed,
                run=run.id,
                work=run.work,
                out=run.directory / "load" / name,
                root=run.settings.root,
                limits=run.settings.limits,
                environment=run.variables(stack.variant),
                progress=run.progress("load"),
                process=ahead.scenario(name),
                crew=crew_of(run.options),
                sources=sources_of(run.settings, stack, scenario),
                traffic=traffic,
                trace_header=run.settings.tracing.header if run.settings.tracing else "",
                page=page,
                replay=replay,
            ),
        )
    return found


def undecided(evidence: Evidence) -> set[str]:
    """Return the checks that an instrument could not decide."""
    return {result.check for result in evidence.results if result.outcome is Outcome.INCONCLUSIVE}


def settled(first: Evidence, again: Evidence) -> Evidence:
    """Return the first evidence, with what it left undecided as the second one has it: a defect of either stays one."""
    open_ = undecided(first)
    later = {r.check: r for r in again.results if r.check in open_ or r.outcome is Outcome.FAILED}
    return replace(
        again,
        results=tuple(r if r.outcome is Outcome.FAILED else later.get(r.check, r) for r in first.results),
        exchanges=first.exchanges + again.exchanges,
        proofs=first.proofs + again.proofs,
    )


def overlaid(first: Evidence, more: Evidence) -> Evidence:
    """Return the evidence of two stages: where both say something about a check, what is worse counts.

    They do so where one shows what of another limit the other one shows.
    """
    from seatrial.throttle import worse  # noqa: PLC0415 - needed by this instrument only

    results = {result.check: result for result in first.results}
    results |= {later.check: worse(later, results.get(later.check, later)) for later in more.results}
    return replace(join(first, more), results=tuple(results.values()))


def join(first: Evidence, second: Evidence) -> Evidence:
    """Return the evidence of two instruments as one."""
    return replace(
        first,
        results=first.results + second.results,
        measurements=first.measurements + second.measurements,
        exchanges=first.exchanges + second.exchanges,
        notes=first.notes + second.notes,
        proofs=first.proofs + second.proofs,
        documented=first.documented + second.documented,
        tallies=first.tallies + second.tallies,
        unfinished=first.unfinished or second.unfinished,
        nothing={**first.nothing, **second.nothing},
    )
