"""What headers tell of a policy, in whichever convention."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from seatrial.throttle._conventions import parsed, read_limit
from seatrial.throttle._window import server_clocks
from seatrial.throttle._wire import Answer

EPOCH = 10**8
"""A Reset above this is a date, below it are seconds to wait."""
MOST = 10**15
"""No figure is larger."""
ROUNDING_S, WHOLE_S = 0.05, 1.0
NAMES = (("x-ratelimit", "X-RateLimit-"), ("ietf-draft-6", "RateLimit-"), ("x-rate-limit", "X-Rate-Limit-"))
FIGURES = ("Limit", "Remaining", "Reset")
STRUCTURED: Mapping[str, Sequence[Literal["list", "dictionary"]]] = {
    "RateLimit": ("dictionary", "list"),
    "RateLimit-Policy": ("list",),
}
"""How structured fields of the IETF's drafts may be written: the first one changed between two of them."""


@dataclass(frozen=True, slots=True)
class Told:
    """The figures of one answer's headers; None where a header is missing or no whole number."""

    convention: str = "none"
    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None
    window_s: float | None = None
    retry_s: int | None = None


def read_told(answer: Answer) -> Told:
    """Return what an answer's headers say."""
    retry_s = whole(answer, "Retry-After")
    for convention, prefix in NAMES:
        values = [_figure(answer, prefix + part) for part in FIGURES]
        if any(answer.values(prefix + part) for part in FIGURES):
            limit, remaining, reset = values
            plain = convention.startswith("ietf") or not answer.values(prefix + "Reset")
            suffix = "" if plain else ("-epoch" if _about(answer, prefix + "Reset") > EPOCH else "-delta")
            wait_s = None if reset is None else reset - time_of(answer) if reset > EPOCH else float(reset)
            window = _parameter(answer, "RateLimit-Policy", "w")
            return Told(convention + suffix, limit, remaining, wait_s, window, retry_s)
    return _draft(answer, retry_s)


def malformed(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the headers about a limit that are not what they should be, each with its value: numbers, told once."""
    plain = ((prefix + figure, figure.lower()) for _, prefix in NAMES for figure in FIGURES)
    wrong = [(name, word) for name, word in plain if answer.values(name) and _figure(answer, name) is None]
    wrong += [(name, name.lower()) for name in STRUCTURED if _unstructured(answer, name)]
    yield from ((word, f"{name}: {', '.join(answer.values(name))}") for name, word in wrong)


def _unstructured(answer: Answer, name: str) -> bool:
    found = [parsed(answer, name, kind) for kind in STRUCTURED[name]] if answer.values(name) else []
    return bool(found) and all(isinstance(one, str) for one in found)


def _draft(answer: Answer, retry_s: int | None) -> Told:
    """Read RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers)."""
    if not answer.values("RateLimit") and not answer.values("RateLimit-Policy"):
        return Told(retry_s=retry_s)
    remaining, wait_s = _parameter(answer, "RateLimit", "r", "remaining"), _parameter(answer, "RateLimit", "t", "reset")
    limit = _parameter(answer, "RateLimit-Policy", "q") or _parameter(answer, "RateLimit", "limit")
    window_s = _parameter(answer, "RateLimit-Policy", "w")
    left = None if remaining is None else int(remaining)
    convention = "ietf-draft-7" if _parameter(answer, "RateLimit", "limit") is not None else "ietf-draft-8"
    return Told(convention, int(limit) if limit else None, left, wait_s, window_s, retry_s)


def _parameter(answer: Answer, name: str, *keys: str) -> float | None:
    text = ", ".join(answer.values(name))
    found = re.search(rf"(?:^|[;,\s])(?:{'|'.join(keys)})\s*=\s*(\d+)", text)
    return float(found[1]) if found else None


def _figure(answer: Answer, name: str) -> int | None:
    """Return a header's whole number; the quota's may have the policies behind it that it is of."""
    number = whole(answer, name)
    told = read_limit(answer, name) if number is None and name.endswith(FIGURES[0]) else None
    return told if isinstance(told, int) and told < MOST else number


def whole(answer: Answer, name: str) -> int | None:
    """Return a header's whole number, None where it stands not exactly once or is none."""
    values = answer.values(name)
    return int(values[0]) if len(values) == 1 and re.fullmatch(r"\d{1,15}", values[0]) else None


def _about(answer: Answer, name: str) -> int:
    """Return roughly what a header says, also where that is no whole number: a date that has a fraction is one."""
    found = re.match(r"\d{1,15}", answer.values(name)[0], re.ASCII)
    return int(found[0]) if found else 0


def time_of(answer: Answer) -> float:
    """Return when an answer was given by the server's own clock, as far as it differs from ours by more than a little.

    A clock that is an hour off is off in Reset too.
    """
    clocks = server_clocks([answer], same_host=True)
    ahead = max((clock.least_s + clock.most_s for clock in clocks), key=abs, default=0.0) / 2
    return answer.received.at + ahead


def told_windows(answers: Sequence[Answer]) -> list[float]:
    """Return the lengths of a window that a client's answers tell: the policy, the first Reset, and Retry-After."""
    first, found = read_told(answers[0]), []
    found += [first.window_s] if first.window_s else []
    # Rounded up as they mostly are, dates are up to a second late.
    found += [float(int(first.reset_s + ROUNDING_S))] if first.reset_s and first.reset_s > 0 else []
    last = read_told(answers[-1])
    found += [float(last.retry_s)] if last.retry_s else []
    return [length for length in dict.fromkeys(found) if length > 0]


def expected_end_s(answers: Sequence[Answer]) -> float | None:
    """Return when a client is told to be served again, on our steady clock."""
    last = answers[-1]
    told = read_told(last)
    wait_s = told.retry_s or told.reset_s
    return last.received.s + wait_s if wait_s and wait_s > 0 else None
