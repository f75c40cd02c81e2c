"""What the headers of an answer say of a quota, in each convention that can be declared.

    x-ratelimit    X-RateLimit-Limit: 60          X-RateLimit-Remaining: 9     X-RateLimit-Reset: 41 (or a date)
    ietf-draft-6   RateLimit-Limit: 60            RateLimit-Remaining: 9       RateLimit-Reset: 41
                   (in the first two also, as in earlier drafts and by Envoy: Limit: 60, 60;w=60;name="by user")
    ietf-draft-7   RateLimit: limit=60, remaining=9, reset=41                  RateLimit-Policy: 60;w=60
    ietf-draft-8   RateLimit: "name";r=9;t=41                                  RateLimit-Policy: "name";q=60;w=60

Those of the IETF are structured fields (RFC 9651), whose lists may stand on several lines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import http_sf

from seatrial.throttle._claims import NO_NUMBER, read_number
from seatrial.throttle._policy import Policy
from seatrial.throttle._wire import Answer

Figure = Literal["limit", "remaining", "reset"]
Said = int | str | None
"""A number, what is wrong with it, or nothing where it may be left out."""

MISSING, TWICE, MALFORMED = "missing", "there more than once", "no structured field"
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Convention:
    """In which headers the figures stand, and how they are read."""

    headers: Mapping[Figure, str]
    read: Callable[[Policy, Answer, Figure], Said]
    policy: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the headers, each once."""
        return tuple(dict.fromkeys([*self.headers.values(), *filter(None, [self.policy])]))

    def window_s(self, policy: Policy, answer: Answer) -> Said:
        """Return how long a window is by the policy that is told, where one is."""
        found = parsed(answer, self.policy, "list") if self.policy else MISSING
        if isinstance(found, str):
            return None if found == MISSING else found
        return _whole(_own(policy, found)[1].get("w", ABSENT), otherwise=None)


def convention_of(policy: Policy) -> Convention | None:
    """Return the convention that is declared, None where headers tell nothing."""
    return CONVENTIONS.get(policy.settings.headers)


def read_figure(policy: Policy, answer: Answer, figure: Figure) -> Said:
    """Return a figure as an answer tells it."""
    convention = convention_of(policy)
    return convention.read(policy, answer, figure) if convention else None


def _plain(prefix: str) -> Convention:
    headers: dict[Figure, str] = {
        "limit": f"{prefix}-Limit",
        "remaining": f"{prefix}-Remaining",
        "reset": f"{prefix}-Reset",
    }
    policy = "" if prefix.startswith("X-") else f"{prefix}-Policy"
    readers = {"limit": read_limit}
    return Convention(
        headers, lambda _, answer, figure: readers.get(figure, read_number)(answer, headers[figure]), policy
    )


def read_limit(answer: Answer, name: str) -> int | str:
    """Return the quota of a header, or what is wrong with it; the policies that it is of may follow it."""
    number = read_number(answer, name)
    found = parsed(answer, name, "list") if number == NO_NUMBER else []
    if isinstance(found, str) or not found:
        return number
    (value, own), *policies = found
    told = policies and not own and all(type(quota) is int and how for quota, how in policies)
    return _number(value) if told else number


def _number(value: Any) -> int | str:
    return value if type(value) is int and value >= 0 else NO_NUMBER


def parsed(answer: Answer, name: str, kind: Literal["list", "dictionary"]) -> Any:
    """Return a structured field, or in words what is wrong with it."""
    values, again = answer.values(name), []
    if not values:
        return MISSING
    text = ", ".join(values).encode("latin-1")
    try:
        found = http_sf.parse(text, tltype=kind, on_duplicate_key=lambda key, _: again.append(key))
    except ValueError:
        return MALFORMED
    return TWICE if again else found


def _whole(value: Any, *, otherwise: Said = MISSING) -> Said:
    if value is ABSENT:
        return otherwise
    return _number(value)


def _from_dictionary(_policy: Policy, answer: Answer, figure: Figure) -> Said:
    found = parsed(answer, "RateLimit", "dictionary")
    return found if isinstance(found, str) else _whole(found.get(figure, (ABSENT, {}))[0])


KEYS: Mapping[Figure, str] = {"limit": "q", "remaining": "r", "reset": "t"}


def _from_list(policy: Policy, answer: Answer, figure: Figure) -> Said:
    """Read what is said of the limit that is declared; the time until it is reset may be left out."""
    found = parsed(answer, "RateLimit-Policy" if figure == "limit" else "RateLimit", "list")
    if isinstance(found, str):
        return found
    if any(not isinstance(name, str) for name, _ in found):
        return MALFORMED
    if len({name for name, _ in found}) < len(found):
        return TWICE
    own = _own(policy, found if figure == "limit" else _limits(answer))[0]
    value = next((said.get(KEYS[figure], ABSENT) for name, said in found if name == own), ABSENT)
    return _whole(value, otherwise=None if figure == "reset" else MISSING)


def _limits(answer: Answer) -> list[Any]:
    """Return the limits that are told, by `RateLimit` alone where that is all."""
    told = (parsed(answer, name, "list") for name in ("RateLimit-Policy", "RateLimit"))
    return next((found for found in told if isinstance(found, list)), [])


def _own(policy: Policy, limits: Sequence[Any]) -> Any:
    """Return the limit that is most like the declared one, of several the first."""

    def like(limit: Any) -> int:
        name, said = limit
        window = math.floor(policy.window_s) <= said.get("w", -1) <= math.ceil(policy.window_s)
        return int(window) + int(policy.quota in {said.get("q"), name})

    return max(limits, key=like, default=("", {}))


CONVENTIONS: Mapping[str, Convention] = {
    "x-ratelimit-epoch": _plain("X-RateLimit"),
    "x-ratelimit-delta": _plain("X-RateLimit"),
    "ietf-draft-6": _plain("RateLimit"),
    "ietf-draft-7": Convention(dict.fromkeys(KEYS, "RateLimit"), _from_dictionary, "RateLimit-Policy"),
    "ietf-draft-8": Convention(
        {"limit": "RateLimit-Policy", "remaining": "RateLimit", "reset": "RateLimit"}, _from_list, "RateLimit-Policy"
    ),
}
"""By the word that `[[limits]] headers` has for it; "none" is not one."""
