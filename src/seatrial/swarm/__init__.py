"""Load: Locust's users at an arrival rate of ours, in a process of their own, and what their latencies prove.

    ScenarioSettings --plan (stdin)--> _inside (Locust) --requests.csv, ledger--> statistics --> outcomes

Names are resolved on first use: the process under `_inside` imports this package too, and must neither wait for the
configuration library nor let it touch `ssl` before gevent has patched it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.swarm._breakpoint import find_breakpoint
    from seatrial.swarm._crew import Crew
    from seatrial.swarm._few import FewArrivals, plan_few
    from seatrial.swarm._flood import Hammer
    from seatrial.swarm._hammer import make_hammer
    from seatrial.swarm._objectives import check_objectives, check_sent
    from seatrial.swarm._order import Order, check_sizes, prepare
    from seatrial.swarm._page import NoPage, Page
    from seatrial.swarm._percentile import nearest_rank
    from seatrial.swarm._process import LoadProcess
    from seatrial.swarm._resources import Sources
    from seatrial.swarm._result import Sending, figures_sent, read_sent
    from seatrial.swarm._scenario import run_scenario, start_ahead
    from seatrial.swarm._schedule import due_times
    from seatrial.swarm._search import most_bursts
    from seatrial.swarm._workers import work_for

_HOMES = {
    "Crew": "_crew",
    "FewArrivals": "_few",
    "Hammer": "_flood",
    "LoadProcess": "_process",
    "NoPage": "_page",
    "Order": "_order",
    "Page": "_page",
    "Sending": "_result",
    "Sources": "_resources",
    "check_objectives": "_objectives",
    "check_sent": "_objectives",
    "check_sizes": "_order",
    "due_times": "_schedule",
    "find_breakpoint": "_breakpoint",
    "figures_sent": "_result",
    "make_hammer": "_hammer",
    "most_bursts": "_search",
    "nearest_rank": "_percentile",
    "plan_few": "_few",
    "prepare": "_order",
    "read_sent": "_result",
    "run_scenario": "_scenario",
    "start_ahead": "_scenario",
    "work_for": "_workers",
}

__all__ = [
    "Crew",
    "FewArrivals",
    "Hammer",
    "LoadProcess",
    "NoPage",
    "Order",
    "Page",
    "Sending",
    "Sources",
    "check_objectives",
    "check_sent",
    "check_sizes",
    "due_times",
    "figures_sent",
    "find_breakpoint",
    "make_hammer",
    "most_bursts",
    "nearest_rank",
    "plan_few",
    "prepare",
    "read_sent",
    "run_scenario",
    "start_ahead",
    "work_for",
]

__getattr__ = resolver(__name__, _HOMES)
