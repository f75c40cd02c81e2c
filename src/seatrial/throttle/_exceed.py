"""A client that asks for a little more than its quota, which judges nothing: it shows what code a refusal reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from seatrial.core import Identities, Progress, Target
from seatrial.throttle._author import Author
from seatrial.throttle._kinds import UndecidedError
from seatrial.throttle._policy import Plan, Policy
from seatrial.throttle._prove import fit
from seatrial.throttle._scene import Scene, SpentError
from seatrial.throttle._step import Schedule, Step, Visit
from seatrial.throttle._wire import Answer, WireError

REFUSALS = 2
"""The second is by somebody who knows the client already."""

MOST, LIMIT_S = 150, 3.0
"""So many requests of a client, and seconds, at the most; a service whose lines are counted takes half a second."""


def exceed(
    limits: Sequence[tuple[Policy, Plan]],
    *,
    target: Target,
    identities: Identities,
    progress: Progress,
    allowed: Collection[str] = (),
) -> dict[str, str]:
    """Ask as a fresh client of each policy until it is refused, all at once, and return of which that failed, and why.

    What is asked, and who may be, is as in a proof. Raises UsageError where users are declared, and too few.
    """
    fitted = [(policy, fit(policy, plan, target, identities, allowed)) for policy, plan in limits]
    reasons = {policy.settings.name: _too_much(policy) or plan.no_proof for policy, plan in fitted}
    scenes = {
        policy.settings.name: _scene(policy, plan, target=target, identities=identities, progress=progress)
        for policy, plan in fitted
        if not reasons[policy.settings.name]
    }
    found = asyncio.run(_all(list(scenes.values())))
    reasons |= dict(zip(scenes, found, strict=True))
    return {name: reason for name, reason in reasons.items() if reason}


def _too_much(policy: Policy) -> str:
    """Return why a quota is not exceeded, empty where it is."""
    many = f"a quota of {policy.quota:,} there takes more than the {MOST} requests that are sent for this"
    return many if policy.quota + REFUSALS > MOST else ""


def _scene(policy: Policy, plan: Plan, *, target: Target, identities: Identities, progress: Progress) -> Scene:
    """Return the scene of one step, which has twice the quota to send: a window may end meanwhile."""
    visit = Visit(client=Author(policy, plan).first, what="beyond its quota", requests=policy.quota + REFUSALS)
    step = Step(name="exceed", claims=(), visits=(visit,))
    most = min(MOST, policy.quota + policy.ramp, plan.most(policy.settings.max_requests))
    schedule = Schedule(window_s=policy.window_s, steps=(step,), most=most)
    scene = Scene(policy, plan=plan, schedule=schedule, target=target, identities=identities, progress=progress, seed=0)
    return scene.at(step)


async def _all(scenes: Sequence[Scene]) -> list[str]:
    return await asyncio.gather(*(_exceed(scene) for scene in scenes))


async def _exceed(scene: Scene) -> str:
    """Ask as a client that nobody saw before until it is refused; return why it was not, empty where it was."""
    answers: list[Answer] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            wire = scene.wire(scene.cast()[0])
            while _refused(scene, answers) < REFUSALS:
                answers += await scene.send(wire)
    except (TimeoutError, SpentError) as error:
        within = f" within {LIMIT_S:g} s" if isinstance(error, TimeoutError) else ""
        status, refused = scene.policy.settings.rejection_status, _refused(scene, answers)
        return f"of {len(answers)} requests{within} {refused} were answered with {status}, not {REFUSALS}"
    except (UndecidedError, WireError) as error:
        return str(error)
    finally:
        await scene.close()
    return ""


def _refused(scene: Scene, answers: Sequence[Answer]) -> int:
    return sum(answer.status == scene.policy.settings.rejection_status for answer in answers)
