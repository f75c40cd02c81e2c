"""Was the load really sent? If not, the figures describe the generator and nothing is judged by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from signal import Signals

from seatrial.config import Rule
from seatrial.swarm._percentile import nearest_rank
from seatrial.swarm._plan import Ledger
from seatrial.swarm._process import Ending
from seatrial.swarm._rows import Row, agrees, lags_ms

STARTED_PERCENT = 99
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
    latencies = [rule.threshold for metric, rule in objectives.items() if metric.startswith("p")]
    return max(LAG_MS, LAG_SHARE * min(latencies)) if latencies else LAG_MS


def find_doubt(ending: Ending, ledger: Ledger, rows: Sequence[Row], *, lag_limit_ms: float) -> Doubt | None:
    """Return the first reason not to trust the generator, or None."""
    if ending.report is None or ending.exit_code or ending.overdue:
        return Doubt(reason=f"the load process {how_it_ended(ending)}")
    if not agrees(ledger, list(rows)) or ending.report["rows"] != len(rows):
        return Doubt(reason=f"its books do not add up: {ledger}, {len(rows)} of {ending.report['rows']} rows")
    if not any(row.is_request and row.arrival >= 0 for row in rows):
        return Doubt(reason=f"not one request was sent ({ledger.due} arrivals were due)")
    return _slow(ledger, lags_ms(list(rows)), lag_limit_ms)


def _slow(ledger: Ledger, lags: Sequence[float], lag_limit_ms: float) -> Doubt | None:
    if ledger.started * 100 < ledger.due * STARTED_PERCENT:
        return Doubt(reason=f"only {ledger.started} of {ledger.due} due arrivals were started", transient=True)
    lag_ms = nearest_rank(lags, 99)
    if lag_ms > lag_limit_ms:
        text = f"99 % of the arrivals began up to {lag_ms:.1f} ms late, more than {lag_limit_ms:g} ms"
        return Doubt(reason=text, transient=True)
    return None


def how_it_ended(ending: Ending) -> str:
    """Return how the load process ended, as the rest of a sentence."""
    if ending.overdue:
        return "did not end in time and was killed"
    if ending.exit_code < 0:
        return f"was killed by {Signals(-ending.exit_code).name} before it reported"
    report = "after" if ending.report else "before"
    return f"ended with exit code {ending.exit_code} {report} its report; locust.log says more"
