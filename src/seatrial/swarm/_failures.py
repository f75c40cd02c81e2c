"""Which requests failed and how, the commonest first, with an example that can be looked up in the service's log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seatrial.core import Exchange
from seatrial.swarm._account import Group
from seatrial.swarm._plan import UNFINISHED

MOST = 10
TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Requests that failed alike; `status` 0 means no answer. `example` is an exchange of the record, empty for none.

    `trace_id` is that of the example, as the service's header told it.
    """

    operation: str
    status: int
    outcome: str
    cause: str
    count: int
    example: str = ""
    trace_id: str = ""

    @property
    def title(self) -> str:
        """Return it in one line."""
        why = self.cause or self.outcome
        status = f" (HTTP {self.status})" if self.status and f"HTTP {self.status}" not in why else ""
        trace = f", trace id {self.trace_id}" if self.trace_id else ""
        example = f" (for example {self.example}{trace})" if self.example else ""
        return f"{self.count} x {self.operation}: {why}{status}{example}"


def failures_of(
    groups: Iterable[Group], exchanges: Sequence[Exchange] = (), *, trace_header: str = ""
) -> list[Failure]:
    """Return the commonest ways in which requests failed; what was under way when the load ended comes last of all."""
    counts = {(*group.kind, cause): count for group in groups if not group.kind.good for cause, count in _causes(group)}
    ranked = sorted(counts.items(), key=lambda item: (item[0][2] == UNFINISHED, -item[1], item[0]))[:MOST]
    return [
        Failure(
            operation=operation, status=status, outcome=outcome, cause=cause, count=count,
            **_example(operation, status, cause, exchanges, trace_header),
        )
        for (operation, status, outcome, cause), count in ranked
    ]  # fmt: skip


def _causes(group: Group) -> Iterable[tuple[str, int]]:
    """Return how often each cause was told, and none."""
    silent = group.count - sum(group.causes.values())
    return [*group.causes.items(), *([("", silent)] if silent else [])]


def _example(
    operation: str, status: int, cause: str, exchanges: Sequence[Exchange], trace_header: str
) -> dict[str, str]:
    for exchange in exchanges:
        answered = exchange.response.status if exchange.response else 0
        if (exchange.operation, answered, exchange.error) == (operation, status, cause):
            headers = exchange.response.headers if exchange.response else ()
            traces = [value for name, value in headers if name.lower() == trace_header.lower()]
            return {"example": exchange.id, "trace_id": next(iter(traces), "")}
    return {}
