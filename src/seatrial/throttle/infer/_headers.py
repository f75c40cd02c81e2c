"""Whether what headers tell is true: judged against the first client's requests, and where each was admitted again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._counter import FIRST_REQUEST
from seatrial.throttle.infer._fit import Fit
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._lab import Lab
from seatrial.throttle.infer._told import Told, malformed, read_told

DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
WHOLE_S, READING_S = 1.0, 0.02
OTHER = ("token-bucket", "sliding-log", "sliding-counter")


def judge_told(lab: Lab, found: Found, fit: Fit | None) -> None:
    """Note the convention, and each header that is malformed or untrue."""
    first = lab.records[0].answers
    told = [read_told(answer) for answer in first]
    wrong = {f"{word}-malformed": proof for answer in first for word, proof in malformed(answer)}
    wrong |= {**dict(_retry_after(lab)), **dict(_limit(lab, found, told)), **dict(_reset(lab, fit))}
    for defect, proof in wrong.items():
        found.blame(defect, proof)
    untrue = any(not defect.startswith("retry-after") for defect in wrong)
    _convention(found, told, untrue=untrue, seen=bool(fit and fit.recovered))


def _convention(found: Found, told: Sequence[Told], *, untrue: bool, seen: bool) -> None:
    """Note in which headers a policy is told, and whether they are true: of a Reset that takes an end that was seen."""
    named = [one.convention for one in told if one.convention != "none"]
    convention = max(set(named), key=named.count) if named else "none"
    sure = untrue or convention == "none"
    unseen = not (sure or seen) and any(one.reset_s is not None for one in told)
    if unseen:
        found.leave_open("headers", "no window was seen to end, so that nothing tells whether Reset is true")
    value = {"convention": convention, "truth": None if unseen or convention == "none" else not untrue}
    found.learn("headers", value, "proved" if sure else "fitted", proof=f"{len(told)} answers")


def _retry_after(lab: Lab) -> Iterator[tuple[str, str]]:
    """Judge Retry-After: seconds or a date (RFC 9110, 10.2.3), and true to within the second that it is cut to."""
    for record in lab.records:
        refusals = [answer for answer in record.answers if lab.looks and lab.looks.refused(answer)]
        for answer in refusals:
            values = answer.values("Retry-After")
            if values and (len(values) > 1 or not _is_grammatical(values[0])):
                yield "retry-after-malformed", f"Retry-After: {', '.join(values)}"
    for row, admitted in _waits(lab):
        yield from _untrue(row, admitted)


def _is_grammatical(value: str) -> bool:
    return bool(re.fullmatch(r"\d+", value, re.ASCII) or DATE.fullmatch(value))


def _waits(lab: Lab) -> Iterator[tuple[Sequence[Answer], Answer]]:
    """Return refusals in a row of one client, with the answer that ended them."""
    for record in lab.records:
        if record.left_out or not record.plain:
            continue
        refusals: list[Answer] = []
        for answer in sorted(record.answers, key=lambda one: one.sent.s):
            if lab.looks and lab.looks.refused(answer):
                refusals.append(answer)
            elif refusals:
                yield refusals, answer
                refusals = []


def _untrue(refusals: Sequence[Answer], admitted: Answer) -> Iterator[tuple[str, str]]:
    for answer in refusals:
        wait_s = read_told(answer).retry_s
        if wait_s is None or len(answer.values("Retry-After")) != 1:
            continue
        obeyed_s = answer.received.s + wait_s + READING_S
        if refusals[-1].sent.s > obeyed_s:
            waited_s = refusals[-1].sent.s - answer.received.s
            yield "retry-after-untrue", f"Retry-After: {wait_s}, but {waited_s:.2f} s later a request was refused"
        if admitted.received.s + WHOLE_S < answer.sent.s + wait_s - READING_S:
            waited_s = admitted.received.s - answer.sent.s
            yield "retry-after-untrue", f"Retry-After: {wait_s}, but {waited_s:.2f} s later a request was admitted"


def _limit(lab: Lab, found: Found, told: Sequence[Told]) -> Iterator[tuple[str, str]]:
    """Judge Limit by what was admitted, and Remaining by its going down one by one."""
    quota, limits = found.values["quota"], {one.limit for one in told if one.limit is not None}
    how = found.confidence.get("quota", {}).get("how")
    if how == "proved" and limits and limits != {quota}:
        yield "limit-untrue", f"the limit is said to be {', '.join(map(str, sorted(limits)))}, {quota} are admitted"
    admitted = [
        one.remaining
        for one, answer in zip(told, lab.records[0].answers, strict=True)
        if lab.looks and lab.looks.admitted(answer) and one.remaining is not None
    ]
    first = admitted[: quota or 0]
    if lab.replicas == 1 and found.values["refill_per_s"] is None:
        for sooner, later in pairwise(first):
            if found.values["anchor"] != FIRST_REQUEST and sooner <= later == (quota or 0) - 1:
                return  # a window ended meanwhile: the rest is of another one
            if later != sooner - 1 and not (later == sooner == 0):
                yield "remaining-untrue", f"what remains is said to be {sooner}, then {later}"
                return
        if first and first[-1] != 0 and len(first) == quota:
            yield "remaining-untrue", f"{first[-1]} are said to remain before a refusal"


def _reset(lab: Lab, fit: Fit | None) -> Iterator[tuple[str, str]]:
    """Judge Reset where it can only be a window's end: quota of a fixed window comes back then."""
    if fit is None or fit.algorithm in OTHER or not fit.recovered:
        return
    for refusals, admitted in _waits(lab):
        for answer in refusals:
            wait_s = read_told(answer).reset_s
            if wait_s is None:
                continue
            late = refusals[-1].sent.s > answer.received.s + wait_s + 2 * WHOLE_S + READING_S
            early = admitted.received.s + 2 * WHOLE_S < answer.sent.s + wait_s - READING_S
            if late or early:
                when_s = (admitted if early else refusals[-1]).sent.s - answer.sent.s
                yield "reset-untrue", f"Reset is {wait_s:.1f} s ahead, the window ends {when_s:.2f} s later"
