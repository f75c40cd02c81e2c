"""From the limiters that explain everything to the fields of a policy, and what its headers are worth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from seatrial.throttle._shapes import NO_ANSWER
from seatrial.throttle._wire import Answer
from seatrial.throttle.infer._fit import Fit
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._headers import judge_told
from seatrial.throttle.infer._lab import Lab, Record
from seatrial.throttle.infer._seen import ended_by_chance, simplest
from seatrial.throttle.infer._told import read_told

TOO_MANY = 429
LITTLE = frozenset({"token-bucket", "sliding-counter"})
"""They give quota back little by little."""

LIKELY = 0.5
"""From such a chance on that windows ended while each client's quota was counted, little is made of that number."""

TURN = 3
"""The first request, the last that was admitted, the first that was refused."""


def conclude(  # noqa: PLR0913, PLR0917 - what was seen, and what headers told
    lab: Lab, found: Found, fits: Sequence[Fit], quota: int, told: Sequence[float], sure: Sequence[float]
) -> None:
    """Fill the fields in; what several limiters explain alike stays open, with their names."""
    shown = f"{len(lab.segments())} clients, {sum(len(record.answers) for record in lab.records)} requests"
    slow = lab.replicas == 1 and ended_by_chance(lab.segments(), [fit.window[0] for fit in fits]) > LIKELY
    # Of a quota that is too large, who is free enough explains everything all the same.
    fits = [fit for fit in fits if not (slow and _free(fit))]
    _algorithm(found, fits, shown)
    if lab.refilled:
        lab.replicas = max(lab.replicas, _instances(found))
    fit = fits[0] if fits else None
    if slow and not fit:
        found.leave_open("quota", f"answers took so long that a window may have ended while {quota} were admitted")
    else:
        _quota(lab, found, fit, quota)
    _window(found, fits, [*sure, *told], sure, shown)
    _refused(lab, found, fits)
    judge_told(lab, found, fit)
    _show(lab, found)


def _free(fit: Fit) -> bool:
    """Return whether it explains another quota than was counted, or most of what a larger one does."""
    return fit.refused_count or fit.algorithm in LITTLE


def _show(lab: Lab, found: Found) -> None:
    """Note which requests show each field: of models all turns of all clients, of a quota those of the first."""
    records = [record for record in lab.records if not record.left_out]
    first, every = _turns(lab, records[0])[:TURN], [turn for record in records for turn in _turns(lab, record)]
    refused = [answer for answer in every if lab.looks and lab.looks.refused(answer)]
    found.show("quota", first)
    found.show("replicas", first)
    found.show("headers", first)
    found.show("status", refused[:1])
    for name in ("algorithm", "anchor", "window_s", "burst", "refill_per_s", "rejected_count"):
        found.show(name, every)


def _turns(lab: Lab, record: Record) -> list[Answer]:
    """Return the first answer and the last, and those between which a client began to be refused or admitted."""
    answers = sorted(record.answers, key=lambda answer: answer.sent.s)
    kinds = [bool(lab.looks and lab.looks.admitted(answer)) for answer in answers]
    ends = {0, len(answers) - 1}
    turns = {number + step for number, pair in enumerate(pairwise(kinds)) if pair[0] != pair[1] for step in (0, 1)}
    return [answers[number] for number in sorted(ends | turns)] if answers else []


def _algorithm(found: Found, fits: Sequence[Fit], shown: str) -> None:
    names = sorted({fit.algorithm for fit in fits})
    anchors = sorted({fit.anchor or "" for fit in fits} - {""})
    if not all(fit.complete for fit in fits):
        found.leave_open("algorithm", f"{' and '.join(names)} would do, but others could not be tried in the time")
        found.leave_open("anchor", "the algorithm is open")
        return
    if len(names) == 1:
        found.learn("algorithm", names[0], "fitted", proof=f"no other limiter explains {shown}")
    elif names:
        found.leave_open("algorithm", f"{' and '.join(names)} explain every answer alike")
    else:
        found.leave_open("algorithm", "no limiter that is known here explains every answer")
    if len(names) == 1 and any(fit.accidental for fit in fits):
        chance = max(fit.chance for fit in fits)
        found.leave_open("anchor", f"phases of each key's own would look like one clock in {chance:.1%} of such cases")
    elif len(names) == 1 and len(anchors) == 1:
        found.learn("anchor", anchors[0], "fitted", proof=shown)
    elif len(anchors) > 1:
        found.leave_open("anchor", f"{' and '.join(anchors)} explain every answer alike")
    elif len(names) == 1:
        found.learn("anchor", None, "fitted", proof=f"a {names[0]} has no anchor")
    else:
        found.leave_open("anchor", "the algorithm is open")


def _instances(found: Found) -> int:
    """Return how many instances admitted something after refusals: one where one limiter explains it, else several."""
    if name := found.values["algorithm"]:
        found.learn("replicas", 1, "fitted", proof=f"one {name} explains what was admitted after refusals")
        return 1
    found.leave_open("replicas", "some were admitted after refusals, and no header tells how many instances count")
    return 2


def _quota(lab: Lab, found: Found, fit: Fit | None, quota: int) -> None:
    first = lab.records[0]
    proof = f"{quota} admitted of {first.client.name}, one by one, then refused"
    limit = read_told(first.answers[0]).limit
    if lab.replicas > 1:
        if limit:
            found.learn("quota", limit, "told", proof=f"{quota} in all of {lab.replicas} instances")
        else:
            found.leave_open("quota", f"{quota} are admitted in all, by instances whose number is open")
        return
    size = fit.quota if fit and fit.algorithm == "token-bucket" else quota
    found.learn("quota", size, "proved", proof=proof)


def _window(found: Found, fits: Sequence[Fit], told: Sequence[float], sure: Sequence[float], shown: str) -> None:
    fit = fits[0] if fits else None
    if fit is None:
        found.leave_open("window_s", "no limiter that is known here explains every answer")
        return
    low, high = fit.window
    if not fit.recovered:
        said = f"; headers say {max(told):g} s" if told else ""
        reason = f"quota did not come back within {low:.3g} s{said}: no shorter look can prove more (--max-seconds)"
        found.leave_open("window_s", reason)
        return
    if len({(one.algorithm, one.refused_count) for one in fits}) > 1 or not fit.precise(sure):
        low, high = min(one.window[0] for one in fits), max(one.window[1] for one in fits)
        found.leave_open("window_s", f"between {low:.3g} and {high:.3g} s, all of which would do")
        return
    number = simplest(low, high, told)
    shown += f"; headers tell of {number:g} s" if number in told else ""
    window_s = int(number) if number == int(number) else round(number, 6)
    found.learn("window_s", window_s, "fitted" if fit.close else "told", between=(low, high), proof=shown)
    if fit.rates:
        found.learn("burst", fit.quota, "fitted", proof=shown)
        found.learn("refill_per_s", round(fit.quota / window_s, 6), "fitted", between=fit.rates, proof=shown)
    else:
        for name in ("burst", "refill_per_s"):
            found.learn(name, None, "fitted", proof="only a bucket has them")


def _refused(lab: Lab, found: Found, fits: Sequence[Fit]) -> None:
    """Note status, and whether refused requests count."""
    counted = {fit.refused_count for fit in fits if fit.recovered and fit.complete}
    if len(counted) == 1:
        (value,) = counted
        found.learn("rejected_count", value, "fitted", proof="a client that was refused often, beside one left alone")
        if value:
            found.blame("rejected-count", "a client that goes on asking gets its quota back later than a silent one")
    else:
        found.leave_open(
            "rejected_count", "both explain every answer" if counted else "quota was not seen to come back"
        )
    refusals = [
        answer for record in lab.records for answer in record.answers if lab.looks and lab.looks.refused(answer)
    ]
    _status(found, refusals)


def _status(found: Found, refusals: Sequence[Answer]) -> None:
    if not refusals:
        return
    status = refusals[0].status
    found.retry_after = all(answer.values("Retry-After") for answer in refusals)
    if status == NO_ANSWER:
        found.learn("status", None, "proved", proof="the connection ends without an answer")
        found.blame("connection-reset", "a refused request gets no answer")
        return
    found.learn("status", status, "proved", proof=f"{len(refusals)} refusals")
    if status != TOO_MANY:
        found.blame(f"status-{status}", f"a refusal has status {status}")
