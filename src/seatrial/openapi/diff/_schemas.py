"""Two schemas in step: what each admits, property by property.

It is three-valued: a change narrows, widens, or can be neither proved nor refuted to do so. Pairs of schemas that the
comparison came to are not compared again, so that recursion comes to its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seatrial.openapi.diff._flat import Flat, TooManyError, flats
from seatrial.openapi.diff._law import Change, Effect, Side
from seatrial.openapi.diff._pairs import discriminator, groups, paired
from seatrial.openapi.diff._places import At, expanded, written
from seatrial.openapi.diff._unchanged import Unchanged
from seatrial.openapi.diff._words import set_effect, words

DOCUMENTATION = ("title", "description", "example", "examples", "deprecated", "externalDocs", "xml", "$comment")
HARMLESS = frozenset({Effect.METADATA, Effect.WIDENS})
ANYTHING = ("anything",)
DEEPEST = 10
"""How far it is asked whether alternatives are within others, of which the same has to be asked."""

Pair = tuple[tuple[str, ...], tuple[str, ...]]


class Known:
    """What is known of two documents throughout their comparison."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.unchanged = Unchanged(old, new)
        self._flats: dict[tuple[int, tuple[str, ...], Side], list[Flat]] = {}

    def flats(self, at: At, side: Side) -> list[Flat]:
        """Return the flat parts of a schema; raises TooManyError."""
        key = (id(at.document), at.steps, side)
        if key not in self._flats:
            self._flats[key] = flats(at, side)
        return self._flats[key]


class Ahead(NamedTuple):
    """Two schemas that have still to be compared, and their place."""

    old: At
    new: At
    place: str


@dataclass(slots=True)
class Comparison:
    """A comparison of schemas on one side of an operation; `seen` are the pairs that it came to.

    `depth` is how many questions it serves whether one alternative is within another, each asked by the one before.
    """

    side: Side
    known: Known
    seen: set[Pair] = field(default_factory=set)
    depth: int = 0

    def changes(self, old: At, new: At, place: str) -> Iterator[Change]:
        """Yield what differs between two schemas, and in whatever they hold."""
        yield from self._followed([Ahead(old, new, place)])

    def _followed(self, found: Iterable[Change | Ahead]) -> Iterator[Change]:
        """Yield changes, those of what lies ahead too; schemas may go on for longer than anybody can recur."""
        waiting: deque[Ahead] = deque()
        while True:
            for each in found:
                if isinstance(each, Change):
                    yield each
                else:
                    waiting.append(each)
            if not waiting:
                return
            found = self._pair(*waiting.popleft())

    def _pair(self, old: At, new: At, place: str) -> Iterator[Change | Ahead]:
        pair = (_place(old), _place(new))
        if pair in self.seen or pair == (ANYTHING, ANYTHING):
            return
        self.seen.add(pair)
        if self.known.unchanged.same(old, new):
            return
        here = _Here(self.side, old.resolved(), new.resolved(), place)
        yield from _said(here, _beside(old), _beside(new))
        try:
            olds, news = self.known.flats(old, self.side), self.known.flats(new, self.side)
        except TooManyError:
            if written(expanded(old)) != written(expanded(new)):
                yield here.change("alternatives-unclear")
            return
        yield from _types(here, olds, news)
        for some, others in groups(olds, news):
            yield from self._alternatives(here, some, others)
        yield from _discriminators(here, olds, news)

    def _alternatives(self, here: _Here, olds: Sequence[Flat], news: Sequence[Flat]) -> Iterator[Change | Ahead]:
        """Yield what differs among alternatives of one type, once those that are each other's have been paired."""
        pairs, gone, come = paired(olds, news)
        for one, other in pairs:
            yield from self._flats(one, other, here.place)
        lost = [(flat, self._within(flat, news)) for flat in gone]
        found = [(flat, self._within(flat, olds)) for flat in come]
        for effect, some in ((Effect.NARROWS, lost), (Effect.WIDENS, found)):
            names = [flat.name or flat.type for flat, within in some if within is False]
            if names:
                said = (names, None) if effect is Effect.NARROWS else (None, names)
                yield here.change(f"alternatives-{effect}", *said)
        if any(within is None for _, within in [*lost, *found]):
            yield here.change("alternatives-unclear")

    def _within(self, one: Flat, others: Sequence[Flat]) -> bool | None:
        """Return whether an alternative is wholly within another; None where that can be neither proved nor refuted."""
        if self.depth > DEEPEST:
            return None
        found = [{_strictly(change) for change in self._apart(one, other)} for other in others]
        if any(effects <= HARMLESS for effects in found):
            return True
        return None if any(effects <= HARMLESS | {Effect.UNKNOWN} for effects in found) else False

    def _apart(self, one: Flat, other: Flat) -> Iterator[Change]:
        if one.type == "number" != other.type:
            yield Change(kind=f"{self.side}-type-narrowed")
        inner = Comparison(self.side, self.known, set(self.seen), self.depth + 1)
        yield from inner._followed(inner._flats(one, other, ""))

    def _flats(self, one: Flat, other: Flat, place: str) -> Iterator[Change | Ahead]:
        here = _Here(self.side, one.at, other.at, place)
        for subject, effect, before, after in words(one, other):
            yield here.change(f"{subject}-{effect}", before, after)
        if one.type == "array":
            before, after = (flat.items or flat.at.get("items", default=True) for flat in (one, other))
            yield Ahead(before, after, f"{place}/[]")
        if one.type == "object":
            for name in dict.fromkeys([*one.properties, *other.properties, *sorted(one.required | other.required)]):
                yield from self._property(here, one, other, name)
            yield from _additional(here, one, other)

    def _property(self, here: _Here, one: Flat, other: Flat, name: str) -> Iterator[Change | Ahead]:
        before, after = _part(one, name), _part(other, name)
        there = here.below(name, before, after)
        if before is not None and after is not None:
            yield Ahead(before, after, there.place)
        elif before is not None:
            yield there.change(_removed(self.side, required=name in one.required, closed=other.closed), name, None)
            return
        elif after is not None:
            yield there.change(_added(self.side, required=name in other.required, closed=one.closed), None, name)
            return
        if (name in one.required) != (name in other.required):
            yield there.change("property-required" if name in other.required else "property-optional")


@dataclass(frozen=True, slots=True)
class _Here:
    """Where two schemas stand."""

    side: Side
    old: At
    new: At
    place: str

    def change(self, kind: str, before: Any = None, after: Any = None) -> Change:
        named = kind if kind == "documentation-changed" else f"{self.side}-{kind}"
        old, new = self.old.shown, self.new.shown
        return Change(kind=named, place=self.place, old=old, new=new, before=before, after=after)

    def below(self, name: str, before: At | None, after: At | None) -> _Here:
        """Return where a property stands; on the side that lacks it, that is its object."""
        return _Here(self.side, before or self.old, after or self.new, f"{self.place}/{name}")


def _place(at: At) -> tuple[str, ...]:
    """Return where a schema is, the same for all that admit anything: what is in them has no end."""
    return ANYTHING if at.value is True or at.value == {} else at.steps


def _strictly(change: Change) -> Effect:
    """Return what a change does where stance is none of the question: what was open is narrowed by a new property."""
    return (
        Effect.NARROWS if change.kind.endswith(("request-property-added", "response-property-added")) else change.effect
    )


def _part(flat: Flat, name: str) -> At | None:
    """Return what a property has to be where it has to be anything: None says that it is not spoken of."""
    if name in flat.properties:
        return flat.properties[name]
    if flat.closed:
        return None
    return flat.additional or (flat.at.get("properties").get(name, default=True) if name in flat.required else None)


def _removed(side: Side, *, required: bool, closed: bool) -> str:
    if side is Side.REQUEST:
        return "closed-property-removed" if closed else "property-removed"
    return "property-removed" if required else "optional-property-removed"


def _added(side: Side, *, required: bool, closed: bool) -> str:
    if side is Side.REQUEST and required:
        return "required-property-added"
    return "closed-property-added" if closed else "property-added"


def _additional(here: _Here, one: Flat, other: Flat) -> Iterator[Change | Ahead]:
    before, after = one.additional, other.additional
    if before is not None and after is not None and not one.closed and not other.closed:
        yield Ahead(before, after, f"{here.place}/*")
    elif _openness(one) != _openness(other):
        effect = Effect.NARROWS if _openness(one) > _openness(other) else Effect.WIDENS
        yield here.change(f"additional-{effect}", _shown(before), _shown(after))


def _openness(flat: Flat) -> int:
    """Return how open an object is: for nothing else, for what keeps to a schema, for anything."""
    return 2 if flat.additional is None else 0 if flat.closed else 1


def _shown(additional: At | None) -> Any:
    return True if additional is None else additional.value


def _beside(at: At) -> dict[str, Any]:
    """Return what a schema says, with what stands beside the references that lead to it."""
    own = at.value if isinstance(at.value, dict) else {}
    return {**_beside(at.resolved()), **own} if at.reference else own


def _said(here: _Here, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Change]:
    """Yield what differs in words that admit nothing and refuse nothing."""
    if any(before.get(key) != after.get(key) for key in DOCUMENTATION):
        yield here.change("documentation-changed")
    if here.side is Side.REQUEST and before.get("default") != after.get("default"):
        yield here.change("default-changed", before.get("default"), after.get("default"))


def _types(here: _Here, olds: Collection[Flat], news: Collection[Flat]) -> Iterator[Change]:
    before, after = ({flat.type for flat in some} for some in (olds, news))
    effect = set_effect(_with_integers(before), _with_integers(after))
    if effect:
        yield here.change(f"type-{effect}", sorted(before), sorted(after))


def _with_integers(types: set[str]) -> set[str]:
    return types | {"integer"} if "number" in types else types


def _discriminators(here: _Here, olds: Collection[Flat], news: Collection[Flat]) -> Iterator[Change]:
    """Yield what differs in how alternatives are told apart; that there are others now is told elsewhere."""
    before, after = discriminator(here.old), discriminator(here.new)
    if before is None or after is None:
        if before is not after:
            yield here.change("discriminator-unclear", before and before[0], after and after[0])
        return
    if before[0] != after[0]:
        yield here.change("discriminator-changed", before[0], after[0])
    elif {flat.name for flat in olds} == {flat.name for flat in news}:
        effect = set_effect(before[1], after[1])
        if effect:
            yield here.change(f"discriminator-{effect}", sorted(before[1]), sorted(after[1]))
        elif before[1] != after[1]:
            yield here.change("discriminator-unclear", before[1], after[1])
