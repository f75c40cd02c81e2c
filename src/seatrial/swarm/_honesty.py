"""Was the load really sent? If not, the figures describe the generator and nothing is judged by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from signal import Signals

from seatrial.config import Rule
from seatrial.swarm._account import Account
from seatrial.swarm._crew import APART_MS
from seatrial.swarm._objectives import find_broken, find_certain
from seatrial.swarm._percentile import POINTS, nearest_rank
from seatrial.swarm._plan import LATE, Ledger
from seatrial.swarm._process import Ending, Message
from seatrial.swarm._statistics import least_of, total_of

STARTED_PERCENT = 99
"""Of all due arrivals."""

BUSY_PERCENT, BUSY_LAG_MS = 95, 5.0
"""Of one processor, and at p99: a generator that takes more and is later than that reads answers late as well.

One that is on time may take all of a processor: with less to do at once, it does more for each request.
"""

LAG_MS = 50.0
LAG_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why the generator is not to be trusted; `transient`: another attempt may do better."""

    reason: str
    transient: bool = False


def lag_bound_ms(objectives: Mapping[str, Rule]) -> float:
    """Return what p99 of the start lag may be: 50 ms, or a tenth of the tightest latency objective if that is more.

    Lag counts as latency (which is from the due time), so it never turns a bad latency into a good one.
    """
    latencies = [rule.threshold for metric, rule in objectives.items() if metric in POINTS]
    return max(LAG_MS, LAG_SHARE * min(latencies)) if latencies else LAG_MS


def find_doubt(ending: Ending, ledger: Ledger, account: Account, *, lag_limit_ms: float) -> Doubt | None:
    """Return the first reason not to trust the generator, or None."""
    if ending.lost:
        return Doubt(reason=ending.lost)
    if ending.report is None or ending.exit_code or ending.overdue:
        return Doubt(reason=f"the load process {how_it_ended(ending)}")
    counted = sum(kind["count"] for kind in ending.report["recorded"])
    sent = account.sent
    if not account.agrees(ledger) or (ending.report["rows"], counted) != (account.rows, sent):
        told = f"{account.rows} of {ending.report['rows']} rows, {counted} times for {sent} of them"
        return Doubt(reason=f"its books do not add up: {ledger}, {told}")
    if not account.count(lambda kind: kind.is_request):
        return Doubt(reason=f"not one request was sent ({ledger.due} arrivals were due)")
    late_ms = nearest_rank(account.lags_ms, 99)
    reason = _slow(ledger, account, late_ms, lag_limit_ms) or _busy(ending.report, late_ms) or _apart(ending.report)
    cpu_s = ending.report["cpu_s"] / ending.report.get("workers", 1)
    return Doubt(reason=reason + _means(ledger, cpu_s), transient=True) if reason else None


def find_gap(rules: Mapping[str, Rule], ledger: Ledger, account: Account, *, duration_s: float) -> Doubt | None:
    """Return what an orderly generator leaves open: whether the service or the generator broke an objective.

    Arrivals that were turned away, since so many were unanswered, leave nothing open where the others break one alone.
    """
    values = total_of(account, duration_s=duration_s).values
    least = least_of(account.groups, account.total, duration_s=duration_s).values
    broken = find_broken(rules, values)
    if find_certain(rules, values, least) or not account.count(lambda kind: kind.good):
        return None
    if ledger.started * 100 < ledger.due * STARTED_PERCENT:
        return Doubt(reason=f"only {ledger.started} of {ledger.due} due arrivals were started", transient=True)
    if broken:
        best = f"{least[broken[0].metric]:.6g} without what the generator was late by or turned away"
        return Doubt(reason=f"{broken[0].title}, but it may be {best}", transient=True)
    return None


def _slow(ledger: Ledger, account: Account, lag_ms: float, lag_limit_ms: float) -> str:
    late = account.count(lambda kind: kind.outcome == LATE)
    if late * 100 > ledger.due * (100 - STARTED_PERCENT):
        return f"{late} of {ledger.due} due arrivals could not be started in time"
    if lag_ms > lag_limit_ms:
        return f"99 % of the arrivals began up to {lag_ms:.1f} ms late, more than {lag_limit_ms:g} ms"
    return ""


def _busy(report: Message, lag_ms: float) -> str:
    share = 100 * report.get("busiest", report["cpu_s"] / report["wall_s"])
    if share <= BUSY_PERCENT or lag_ms <= BUSY_LAG_MS:
        return ""
    return f"it took {share:.0f} % of a processor, more than {BUSY_PERCENT} %, and was late"


def _apart(report: Message) -> str:
    apart_ms = report.get("apart_ms", 0.0)
    told = f"its workers may have begun up to {apart_ms:.1f} ms apart, more than {APART_MS:g} ms"
    return told if apart_ms > APART_MS else ""


def _means(ledger: Ledger, cpu_s: float) -> str:
    """Return what this machine can send at most, by the processor time that the arrivals took."""
    return f" (by its processor time it can send {ledger.started / cpu_s:.3g}/s at most)" if cpu_s else ""


def how_it_ended(ending: Ending) -> str:
    """Return how the load process ended, as the rest of a sentence."""
    if ending.overdue:
        return "did not end in time and was killed"
    if ending.exit_code < 0:
        return f"was killed by {Signals(-ending.exit_code).name} before it reported"
    report = "after" if ending.report else "before"
    return f"ended with exit code {ending.exit_code} {report} its report; locust.log says more"
