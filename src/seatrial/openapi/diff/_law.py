"""The one law by which a change is judged, and the exceptions from it.

Who sends what was fine must not be refused; who reads what is promised must not be surprised. So a request may only
be widened and a response only be narrowed. What can be neither proved nor refuted is risky.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from seatrial.openapi._pointers import pointer


class Side(StrEnum):
    """Who has to keep to it: whoever sends a request, or the service that answers."""

    REQUEST = "request"
    RESPONSE = "response"


class Effect(StrEnum):
    """What a change does to the set of messages that are as documented."""

    NARROWS = "narrowed"
    WIDENS = "widened"
    NEITHER = "changed"
    UNKNOWN = "unclear"
    METADATA = "documentation"


class Level(StrEnum):
    """What a change does to those who keep to the old document."""

    BREAKING = "breaking"
    RISKY = "risky"
    SAFE = "safe"


LAW: Mapping[tuple[Side, Effect], Level] = {
    (Side.REQUEST, Effect.NARROWS): Level.BREAKING,
    (Side.REQUEST, Effect.WIDENS): Level.SAFE,
    (Side.RESPONSE, Effect.NARROWS): Level.SAFE,
    (Side.RESPONSE, Effect.WIDENS): Level.BREAKING,
    **{(side, Effect.NEITHER): Level.BREAKING for side in Side},
    **{(side, Effect.UNKNOWN): Level.RISKY for side in Side},
    **{(side, Effect.METADATA): Level.SAFE for side in Side},
}

SUBJECTS = (
    *("type", "enum", "minimum", "maximum", "length", "items-count", "properties-count", "multiple", "format"),
    *("pattern", "unique", "condition", "alternatives", "additional", "discriminator"),
)
"""What a schema says, each of which is narrowed, widened, changed (neither) or unclear."""

EFFECTS = (Effect.NARROWS, Effect.WIDENS, Effect.NEITHER, Effect.UNKNOWN)

NAMED: Mapping[str, tuple[Effect, Level | None]] = {
    "operation-added": (Effect.WIDENS, None),
    "operation-removed": (Effect.NARROWS, None),
    "deprecated-operation-removed": (Effect.NARROWS, Level.RISKY),  # it was announced
    "operation-deprecated": (Effect.METADATA, None),
    "security-narrowed": (Effect.NARROWS, None),
    "security-widened": (Effect.WIDENS, None),
    "link-added": (Effect.METADATA, None),
    "link-removed": (Effect.UNKNOWN, None),
    "link-unclear": (Effect.UNKNOWN, None),
    "callback-added": (Effect.METADATA, None),
    "callback-removed": (Effect.NARROWS, Level.BREAKING),  # who was called waits for it
    "callback-unclear": (Effect.UNKNOWN, None),
    "documentation-changed": (Effect.METADATA, None),
    "request-parameter-added": (Effect.WIDENS, None),
    "request-parameter-removed": (Effect.NARROWS, Level.RISKY),  # most services pass over what they do not know
    "request-required-parameter-added": (Effect.NARROWS, None),
    "request-parameter-required": (Effect.NARROWS, None),
    "request-parameter-optional": (Effect.WIDENS, None),
    "request-serialisation-changed": (Effect.NEITHER, None),
    "request-body-added": (Effect.WIDENS, None),
    "request-required-body-added": (Effect.NARROWS, None),
    "request-body-removed": (Effect.NARROWS, None),
    "request-body-required": (Effect.NARROWS, None),
    "request-body-optional": (Effect.WIDENS, None),
    "request-media-type-added": (Effect.WIDENS, None),
    "request-media-type-removed": (Effect.NARROWS, None),
    "request-default-changed": (Effect.UNKNOWN, None),
    "request-property-added": (Effect.WIDENS, None),
    "request-closed-property-added": (Effect.WIDENS, None),
    "request-property-removed": (Effect.NARROWS, Level.RISKY),  # as with parameters
    "request-closed-property-removed": (Effect.NARROWS, None),
    "request-required-property-added": (Effect.NARROWS, None),
    "request-property-required": (Effect.NARROWS, None),
    "request-property-optional": (Effect.WIDENS, None),
    "response-success-added": (Effect.WIDENS, Level.RISKY),  # a client may look for the one that it knows
    "response-success-removed": (Effect.NARROWS, Level.BREAKING),  # it is what was asked for
    "response-error-added": (Effect.WIDENS, Level.SAFE),  # errors have to be expected, whatever is documented
    "response-error-removed": (Effect.NARROWS, None),
    "response-body-added": (Effect.NARROWS, None),
    "response-body-removed": (Effect.WIDENS, None),
    "response-media-type-added": (Effect.WIDENS, Level.SAFE),  # it comes to those who ask for it
    "response-media-type-removed": (Effect.NARROWS, Level.BREAKING),  # who asked for it gets nothing
    "response-header-added": (Effect.NARROWS, None),
    "response-header-removed": (Effect.WIDENS, None),
    "response-optional-header-removed": (Effect.WIDENS, Level.RISKY),  # nobody could count on it
    "response-header-required": (Effect.NARROWS, None),
    "response-header-optional": (Effect.WIDENS, None),
    "response-property-added": (Effect.WIDENS, Level.SAFE),  # readers pass over what they do not know
    "response-closed-property-added": (Effect.WIDENS, None),
    "response-property-removed": (Effect.WIDENS, None),
    "response-optional-property-removed": (Effect.WIDENS, Level.RISKY),  # nobody could count on it
    "response-property-required": (Effect.NARROWS, None),
    "response-property-optional": (Effect.WIDENS, None),
}
"""Kinds with names of their own: what they do, and their level where it is not that of the law."""

KINDS: Mapping[str, tuple[Side, Effect, Level]] = {
    **{
        f"{side}-{subject}-{effect}": (side, effect, LAW[side, effect])
        for side in Side
        for subject in SUBJECTS
        for effect in EFFECTS
    },
    **{
        kind: (side, effect, level or LAW[side, effect])
        for kind, (effect, level) in NAMED.items()
        for side in [Side.RESPONSE if kind.startswith("response-") else Side.REQUEST]
    },
}
"""Every kind of change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference between two documents; `place` is where in the operation, `old` and `new` where in the documents."""

    kind: str
    operation: str = ""
    place: str = ""
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    before: Any = None
    after: Any = None

    @property
    def side(self) -> Side:
        """Return whose side it is on."""
        return KINDS[self.kind][0]

    @property
    def effect(self) -> Effect:
        """Return what it does to what is as documented."""
        return KINDS[self.kind][1]

    def level(self, overrides: Mapping[str, str] | None = None) -> Level:
        """Return how bad it is, by the law or as a project decided about its kind."""
        own = (overrides or {}).get(self.kind)
        return Level(own) if own else KINDS[self.kind][2]

    @property
    def at(self) -> str:
        """Return the pointer of where it is: in the new document, or in the old one for what is gone."""
        return pointer(self.new or self.old)
