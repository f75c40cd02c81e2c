"""The contract matrix: which operations, statuses and inputs were exercised, in percent of what is documented."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seatrial.core import Measurement
from seatrial.fuzz._looked import proper
from seatrial.fuzz._messages import Sent
from seatrial.openapi import Operation

SUCCESS = range(200, 300)
CLIENT_ERROR = range(400, 500)
NOT_ABOUT_INPUT = frozenset({401, 403, 405, 408, 429})


def measure(operations: Mapping[str, Operation], sent: Sequence[Sent]) -> tuple[Measurement, ...]:
    """Return contract.operations, .statuses, .parameters (percent) and .cases (count); none without data."""
    own = [s for s in sent if s.operation in operations and proper(s, operations[s.operation])]
    done = {s.operation for s in own if s.status in SUCCESS}
    documented = {(o.label, status) for o in operations.values() for status in o.statuses}
    sides = {(o.label, name, side) for o in operations.values() for name in o.inputs for side in ("valid", "invalid")}
    tried = {side for s in own for side in _sides(s, operations[s.operation])}
    figures = [
        _percent("operations", len(done), len(operations), "operations answered with 2xx"),
        _percent("statuses", len(_seen(operations, own) & documented), len(documented), "documented statuses seen"),
        _percent("parameters", len(tried & sides), len(sides), "sides (accepted, refused) of inputs that were tried"),
    ]
    if sent:
        cases = Measurement(name="contract.cases", value=len(sent), unit="count", definition="requests of the fuzzer")
        figures.append(cases)
    return tuple(figure for figure in figures if figure)


def _seen(operations: Mapping[str, Operation], own: Sequence[Sent]) -> set[tuple[str, str]]:
    return {(s.operation, operations[s.operation].documented_as(s.status)) for s in own}


def _sides(sent: Sent, operation: Operation) -> Iterator[tuple[str, str, str]]:
    """Yield which inputs were accepted with a valid value, and which invalid ones were refused.

    A valid request need not hold every optional input; which it held is not told apart.
    """
    if sent.mode == "positive" and sent.status in SUCCESS:
        yield from ((operation.label, name, "valid") for name in operation.inputs)
    if sent.status in CLIENT_ERROR and sent.status not in NOT_ABOUT_INPUT:
        places = set(sent.negated)
        for name in operation.inputs:
            if places & {name, name.partition(":")[0]}:
                yield operation.label, name, "invalid"


def _percent(name: str, part: int, whole: int, definition: str) -> Measurement | None:
    if not whole:
        return None
    return Measurement(
        name=f"contract.{name}", value=100 * part / whole, unit="percent", definition=definition, samples=whole
    )


def unseen(operations: Mapping[str, Operation], sent: Sequence[Sent]) -> list[str]:
    """Return the documented statuses that never came, as sentences."""
    own = [s for s in sent if s.operation in operations and proper(s, operations[s.operation])]
    seen = _seen(operations, own)
    missing = [
        f"{operation.label} {status}"
        for operation in operations.values()
        for status in sorted(operation.statuses)
        if (operation.label, status) not in seen
    ]
    return [f"documented statuses that never came: {', '.join(missing)}"] if missing else []
