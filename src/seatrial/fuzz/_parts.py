"""Parts of a document that are fuzzed each by itself: what makes a resource, reads, changes and removes it is one.

Which parts there are goes by the document alone; how many of them run at once changes only how long it takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from seatrial.fuzz._messages import Order
from seatrial.openapi import Operation, leads_of

MOST = 4
"""Into how many parts a document is taken at most: each costs a look at the whole of it."""

Labels = tuple[str, ...]
Item = TypeVar("Item")


class Groups:
    """Labels, each alone until some are joined."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._of = {label: [label] for label in labels}

    def join(self, labels: Iterable[str]) -> None:
        """Put the groups of these labels together."""
        groups = {id(self._of[label]): self._of[label] for label in labels if label in self._of}
        whole = [label for group in groups.values() for label in group]
        self._of |= dict.fromkeys(whole, whole)

    def all(self) -> list[Labels]:
        """Return the groups, by their first labels; within each the order is that of the labels."""
        rank = {label: number for number, label in enumerate(self._of)}
        whole = {id(group): group for group in self._of.values()}
        return [tuple(sorted(group, key=rank.__getitem__)) for group in whole.values()]


def parts_of(operations: Mapping[str, Operation], graph: Any) -> list[Labels]:
    """Return the parts; `graph` is what Schemathesis infers of which operation makes and which one takes what."""
    groups = Groups(operations)
    for together in (_linked(operations), _below(operations), _sharing(graph)):
        for labels in together:
            groups.join(labels)
    found = groups.all()
    packed = handed_out([weight_of(labels, operations) for labels in found], MOST)
    return [tuple(label for number in numbers for label in found[number]) for numbers in packed]


def weight_of(labels: Iterable[str], operations: Mapping[str, Operation]) -> int:
    """Return about how much is sent to operations, compared with others."""
    return sum(1 + len(operations[label].inputs) for label in labels)


def handed_out(weights: Sequence[int], hands: int) -> list[list[int]]:
    """Return what each of so many hands gets, by number: the heaviest first, each to who has least."""
    loads = [0] * min(hands, len(weights))
    given: list[list[int]] = [[] for _ in loads]
    for number in sorted(range(len(weights)), key=lambda each: -weights[each]):
        least = loads.index(min(loads))
        given[least].append(number)
        loads[least] += weights[number]
    return given


def _linked(operations: Mapping[str, Operation]) -> Iterator[Labels]:
    for operation in operations.values():
        yield from ((operation.label, lead.target.label) for lead in leads_of(operation, operations))


def _below(operations: Mapping[str, Operation]) -> Iterator[list[str]]:
    """Yield the operations of each path with those of every path below it; the root alone says nothing."""
    by_path: dict[str, list[str]] = defaultdict(list)
    for operation in operations.values():
        parts = operation.path.strip("/").split("/")
        for length in range(1, len(parts) + 1):
            by_path["/".join(parts[:length])].append(operation.label)
    documented = {operation.path.strip("/") for operation in operations.values()}
    yield from (labels for path, labels in by_path.items() if path in documented - {""})


def _sharing(graph: Any) -> Iterator[list[str]]:
    """Yield the operations that make or take each resource, or name it in a field."""
    by_resource: dict[str, list[str]] = defaultdict(list)
    for label, node in graph.operations.items():
        resources = [slot.resource for slot in (*node.inputs, *node.outputs)]
        named = (key.target_resource for resource in resources for key in resource.fk_fields)
        for name in (*(resource.name for resource in resources), *named):
            by_resource[name].append(label)
    yield from by_resource.values()


def orders_of(order: Order, parts: Sequence[Labels], operations: Mapping[str, Operation]) -> list[Order]:
    """Return an order for each part, with clients of its own where they are limited and there are enough of them."""
    apart = [msgspec.structs.replace(order, only=list(part)) for part in parts]
    if not may_be_divided(order, len(parts)):
        return apart
    weights = [weight_of(part, operations) for part in parts]
    identities, addresses = divided(order.identities, weights), divided(order.addresses, weights)
    return [
        msgspec.structs.replace(each, identities=mine, addresses=seen)
        for each, mine, seen in zip(apart, identities, addresses, strict=True)
    ]


def may_be_divided(order: Order, parts: int) -> bool:
    """Return whether there are clients for each part, of which none has a token that all parts renew together."""
    return not renews(order) and min(len(order.addresses), len(order.identities) or len(order.addresses)) >= parts


def renews(order: Order) -> bool:
    """Return whether tokens are renewed while the fuzzer runs: who gets one anew may end the one before it."""
    return any(source.means.renewable for source in order.sources.values())


def may_run_at_once(orders: Sequence[Order]) -> bool:
    """Return whether no part counts against a limit of what another one sends, or has tokens that another renews."""
    if renews(orders[0]):
        return False
    seen = [address for order in orders for address in order.addresses or [""]]
    return not orders[0].window_s or len(seen) == len(set(seen))


def divided(items: Sequence[Item], weights: Sequence[int]) -> list[list[Item]]:
    """Return shares of things by weights, none of them empty where there are as many; in their order."""
    spare, whole = max(0, len(items) - len(weights)), sum(weights)
    ends = [number + 1 + spare * sum(weights[: number + 1]) // whole for number in range(len(weights))]
    return [list(items[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]
