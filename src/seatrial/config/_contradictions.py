"""Rate limits that contradict themselves: what cannot be true of any service cannot be proved of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.config._settings import LimitSettings, StackSettings

Contradiction = tuple[str, str]
"""The key that it is about, and a sentence."""

UNANCHORED = frozenset({"token-bucket", "sliding-log"})


def contradictions(limits: Sequence[LimitSettings], stack: StackSettings) -> Iterator[tuple[int, str, str]]:
    """Yield number of the limit, key and sentence of everything that cannot hold together."""
    for number, limit in enumerate(limits):
        for key, what in (*_within(limit), *_of_the_stack(limit, stack), *_between(limit, limits[:number])):
            yield number, key, what


def _within(limit: LimitSettings) -> Iterator[Contradiction]:
    if limit.path in limit.exempt:
        yield "exempt", f"{limit.path} is limited, and exempt"
    if limit.batch_path and limit.batch_path in limit.exempt:
        yield "exempt", f"a batch costs as many requests as it is long, and {limit.batch_path} is exempt"
    if not limit.authenticated_by and limit.anonymous_by == "none":
        yield "anonymous_by", "nobody is limited: neither clients with a token nor those without"
    if limit.proxy and limit.anonymous_by == "none":
        yield "proxy", "the clients that it reports have no token, and no such client is limited"
    if limit.anchor != "first-request" and limit.algorithm in UNANCHORED:
        yield "anchor", f"a {limit.algorithm} has no windows that could follow the clock"
    if limit.body and limit.method != "POST":
        yield "body", f"a body is sent with POST, the method is {limit.method}"
    for field in limit.bypass_fields:
        if field not in limit.body:
            yield "bypass_fields", f"{field} is no field of the body"
    if limit.path_template and "{i}" not in limit.path_template:
        yield "path_template", "there is no {i} in it: all resources have the same path"
    yield from _costs(limit)
    yield from _knobs(limit)


def _costs(limit: LimitSettings) -> Iterator[Contradiction]:
    for cost in limit.costs:
        if cost.status == limit.rejection_status:
            yield "costs", f"{cost.status} is the status of a rejection"
        if cost.body and cost.method != "POST":
            yield "costs", f"a body is sent with POST, the method is {cost.method}"
        if cost.path in limit.exempt:
            yield "costs", f"{cost.path} is exempt"
        if limit.reach == "path" and cost.path.partition("?")[0] != limit.path:
            yield "costs", f"{limit.path} alone is limited, not {cost.path}"


def _knobs(limit: LimitSettings) -> Iterator[Contradiction]:
    if limit.quota_variable and limit.quota_variable == limit.window_variable:
        yield "window_variable", f"{limit.window_variable} sets the quota too"
    if limit.quota_elsewhere and not limit.quota_variable:
        yield "quota_elsewhere", "there is no quota_variable by which the stack could get it"


def _of_the_stack(limit: LimitSettings, stack: StackSettings) -> Iterator[Contradiction]:
    if limit.store and stack.services and limit.store not in stack.services:
        yield "store", f"{limit.store} is none of the stack's services: {', '.join(stack.services)}"


def _between(limit: LimitSettings, earlier: Sequence[LimitSettings]) -> Iterator[Contradiction]:
    for other in earlier:
        if other.name == limit.name:
            yield "name", f"two limits are called {limit.name}"
        alike = (other.method, other.path, other.reach) == (limit.method, limit.path, limit.reach)
        if alike and other.window_s == limit.window_s and other.quota != limit.quota:
            yield "quota", f"{limit.name} admits {limit.quota} where {other.name} admits {other.quota}"
