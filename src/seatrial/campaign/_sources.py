"""Where a load's figures of the service come from: the stack, a command in one of its services, its metrics."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import httpx

from seatrial.config import QueueSettings, ScenarioSettings, Settings
from seatrial.core import EnvironmentFailure
from seatrial.stack import Stack, Usage
from seatrial.swarm import Sources

PATIENCE_S = 5.0


def sources_of(settings: Settings, stack: Stack, scenario: ScenarioSettings) -> Sources:
    """Return what can be told of a stack while a scenario is sent; what cannot, says why."""
    return Sources(
        usage=_usage(settings, stack, scenario), queue=_queue(settings, stack), queries=_queries(settings, stack)
    )


def _usage(settings: Settings, stack: Stack, scenario: ScenarioSettings) -> Callable[[], Usage] | str:
    if "memory" not in stack.abilities:
        return f"a {stack.driver} stack does not tell what a service uses"
    services = scenario.watched or (settings.stack.entry.partition(":")[0],)
    return lambda: sum(map(stack.usage, services), Usage())


def _queue(settings: Settings, stack: Stack) -> Callable[[], float] | str:
    if settings.jobs is None or settings.jobs.queue is None:
        return "[jobs.queue] is not declared"
    if "exec" not in stack.abilities:
        return f"on a {stack.driver} stack no command can be run that tells how many jobs wait"
    return partial(waiting, stack, settings.jobs.queue)


def waiting(stack: Stack, queue: QueueSettings) -> float:
    """Return how many jobs wait; raises EnvironmentFailure where the command does not print one number."""
    done = stack.execute(queue.service, queue.command, timeout_s=PATIENCE_S)
    lines = done.output.strip().splitlines() or [""]
    if done.exit_code or not lines[-1].strip().isdecimal():
        raise EnvironmentFailure(
            f"no number of waiting jobs came back: {lines[-1][:200]!r}",
            slug="queue-unknown",
            where="[jobs.queue] command",
            remedy=f"it runs inside {queue.service} and has to print a whole number: docs/reference/configuration.md",
        )
    return float(lines[-1])


def _queries(settings: Settings, stack: Stack) -> Callable[[], float] | str:
    if settings.metrics is None or not settings.metrics.queries:
        return "[metrics] queries is not declared"
    return partial(counted, f"{stack.url()}{settings.metrics.path}", settings.metrics.queries)


def counted(url: str, name: str) -> float:
    """Return the sum of a counter over its labels; raises EnvironmentFailure where metrics have none of its name."""
    try:
        text = httpx.get(url, timeout=PATIENCE_S, trust_env=False).raise_for_status().text
    except httpx.HTTPError as error:
        raise _uncounted(url, name, f"{type(error).__name__} at {url}") from error
    found = re.findall(rf"^{re.escape(name)}(?:\{{.*\}})? (\S+)", text, re.MULTILINE)
    if not found:
        raise _uncounted(url, name, f"the metrics have no {name}")
    return sum(map(float, found))


def _uncounted(url: str, name: str, what: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"the database's statements cannot be counted: {what}",
        slug="counter-unknown",
        where=url,
        remedy=f"see that [metrics] path and queries name it: {name}",
    )
