"""The ends of windows of which a client is told: how far apart they are is how long a window is.

A first Reset tells how long a window is only where that began with its client. Of one that began before, the next Reset
does: also that of a refusal, where quota comes back little by little.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, floor

from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._seen import Interval
from seatrial.throttle.infer._told import ROUNDING_S, WHOLE_S, read_told

APART_S = 0.5
"""Ends that are told in whole seconds are different ones from here on."""


def told_ends(answers: Sequence[Answer]) -> list[Interval]:
    """Return between which instants of the steady clock each end lies, as all answers that tell of it say together."""
    found: list[Interval] = []
    for answer in sorted(answers, key=lambda answer: answer.sent.s):
        wait_s = read_told(answer).reset_s
        if wait_s is None:
            continue
        low, high = answer.sent.s + wait_s - WHOLE_S, answer.received.s + wait_s
        if not found or low > found[-1][1] + APART_S or high < found[-1][0] - APART_S:
            found.append((low, high))
        elif low <= found[-1][1] and high >= found[-1][0]:
            found[-1] = max(low, found[-1][0]), min(high, found[-1][1])
        else:
            found[-1] = min(low, found[-1][0]), max(high, found[-1][1])
    return found


def told_spans(answers: Sequence[Answer]) -> list[Interval]:
    """Return by what ends that follow each other are apart: between two numbers, which are one where that is certain.

    Windows last whole seconds. Dates of them are cut alike; seconds to wait are cut too, but by more or less each time.
    """
    if not answers or read_told(answers[0]).reset_s is None:
        return []
    dates = read_told(answers[0]).convention.endswith("-epoch")
    return [_apart(*pair, dates=dates) for pair in pairwise(told_ends(answers)) if pair[1][0] > pair[0][1]]


def _apart(sooner: Interval, later: Interval, *, dates: bool) -> Interval:
    low, high = later[0] - sooner[1], later[1] - sooner[0]
    if dates and high - low < 2 * (WHOLE_S + ROUNDING_S):
        low, high = (low + high) / 2 - ROUNDING_S, (low + high) / 2 + ROUNDING_S
    return (float(ceil(low)),) * 2 if ceil(low) == floor(high) else (low, high)
