"""Several instances of a local service: each a process of its own, behind a balancer that has the service's name.

api (replicas = 2)  -->  api-1, api-2 (processes), api (balancer in front of both)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from seatrial.config import LocalService
from seatrial.core import UsageError
from seatrial.stack._base import StackPlan
from seatrial.stack._members import Member

Fact = TypeVar("Fact")


def with_instances(plan: StackPlan) -> StackPlan:
    """Return a plan in which each instance is a service, and what concerns a service concerns each of its instances.

    Raises UsageError where several instances of a server are wanted.
    """
    local = plan.settings.stack.local
    counts = {name: plan.replicas.get(name, service.replicas) for name, service in local.services.items()}
    _check(local.services, counts)
    names = {name: [f"{name}-{n}" for n in range(1, count + 1)] for name, count in counts.items() if count > 1}
    if not names:
        return plan
    services = _expand(local.services, names)
    stack = plan.settings.stack.model_copy(update={"local": local.model_copy(update={"services": services})})
    return replace(
        plan,
        settings=plan.settings.model_copy(update={"stack": stack}),
        handed=_spread(plan.handed, names),
        service_environment=_spread(plan.service_environment, names),
        additions=_spread(plan.additions, names),
    )


def _check(services: Mapping[str, LocalService], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        if count > 1 and services[name].kind != "process":
            raise UsageError(
                f"several instances of {name} are wanted, which is a {services[name].kind}",
                slug="replicas-unsupported",
                where=f"[stack.local.services.{name}]",
                remedy="only a process can run several times",
            )


def _expand(services: Mapping[str, LocalService], names: Mapping[str, Sequence[str]]) -> dict[str, LocalService]:
    expanded: dict[str, LocalService] = {}
    for name, service in services.items():
        expanded |= dict.fromkeys(names.get(name, ()), service)
        needs = [
            i for need in service.needs for i in (names.get(need, [need]) if service.kind == "balancer" else [need])
        ]
        front = LocalService(kind="balancer", needs=tuple(names.get(name, ())))
        expanded[name] = front if name in names else service.model_copy(update={"needs": tuple(needs)})
    return expanded


def _spread(facts: Mapping[str, Fact], names: Mapping[str, Sequence[str]]) -> dict[str, Fact]:
    return {instance: fact for name, fact in facts.items() for instance in names.get(name, [name])}


def instances_of(member: Member) -> list[str]:
    """Return the instances behind a member that stands for several; none for a service that runs once."""
    ours = re.compile(rf"{re.escape(member.name)}-\d+")
    return [name for name in member.needs if member.kind == "balancer" and ours.fullmatch(name)]
