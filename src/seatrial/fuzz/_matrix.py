"""The contract matrix: which operations, statuses and inputs were exercised, in percent of what is documented."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.core import Measurement
from seatrial.fuzz._document import Operation
from seatrial.fuzz._messages import Sent

REFUSED = frozenset({400, 413, 415, 422})


def measure(operations: Mapping[str, Operation], sent: Sequence[Sent]) -> tuple[Measurement, ...]:
    """Return contract.operations, .statuses, .parameters (percent) and .cases (count)."""
    done = {s.operation for s in sent if succeeded(s)}
    seen = {(s.operation, str(s.status)) for s in sent}
    documented = {(o.label, status) for o in operations.values() for status in o.statuses}
    sides = _sides(operations, sent)
    wanted = {(o.label, name, side) for o in operations.values() for name in o.inputs for side in ("valid", "invalid")}
    figures = [
        _percent("operations", len(done & operations.keys()), len(operations), "operations answered with 2xx"),
        _percent("statuses", len(seen & documented), len(documented), "documented statuses that were seen"),
        _percent("parameters", len(sides & wanted), len(wanted), "sides (valid, invalid) of inputs that were tried"),
    ]
    if sent:
        cases = Measurement(name="contract.cases", value=len(sent), unit="count", definition="requests of the fuzzer")
        figures.append(cases)
    return tuple(figure for figure in figures if figure)


def succeeded(sent: Sent) -> bool:
    """Return whether a request was answered with 2xx."""
    return 200 <= sent.status < 300  # noqa: PLR2004 - the class of status


def _sides(operations: Mapping[str, Operation], sent: Sequence[Sent]) -> set[tuple[str, str, str]]:
    """Return which inputs went through with a valid value, and of which operations invalid input was refused."""
    sides: set[tuple[str, str, str]] = set()
    for request in sent:
        operation = operations.get(request.operation)
        if operation and succeeded(request) and request.mode == "positive":
            sides |= {(operation.label, name, "valid") for name in operation.inputs}
        if operation and request.status in REFUSED and request.mode == "negative":
            sides |= {(operation.label, name, "invalid") for name in operation.inputs}
    return sides


def _percent(name: str, part: int, whole: int, definition: str) -> Measurement | None:
    if not whole:
        return None
    return Measurement(
        name=f"contract.{name}", value=100 * part / whole, unit="percent", definition=definition, samples=whole
    )


def unseen(operations: Mapping[str, Operation], sent: Sequence[Sent]) -> list[str]:
    """Return the documented statuses that never came, as sentences."""
    seen = {(s.operation, str(s.status)) for s in sent}
    missing = [
        f"{operation.label} {status}"
        for operation in operations.values()
        for status in sorted(operation.statuses)
        if (operation.label, status) not in seen
    ]
    return [f"documented statuses that never came: {', '.join(missing)}"] if missing else []
