"""`seatrial load --plan`: what would be sent, how often, and as whom; nothing is started."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from seatrial.campaign import Foreseen, choose, variables_ahead
from seatrial.cli._loading import look_ahead, settle_load
from seatrial.cli._say import say
from seatrial.config import Profile, Rule, Settings
from seatrial.stack import Choice
from seatrial.swarm import Order, most_bursts, prepare


def show_load(*, config: str, as_json: bool, **options: Any) -> int:
    """Print every scenario as it would be sent, and start nothing; raises UsageError for one that cannot be."""
    _, settings, settled = settle_load(config, options)
    attached, choice = choose(settings, settled)
    environment = variables_ahead(settings, settled, attached, choice, suites=settled.only)
    orders = _orders(settings, settled.depth, environment)
    seen = look_ahead(settings, settled)
    left = [name for name in settings.load if name not in orders]
    told = _object if as_json else _text
    say(told(choice, settled.depth, orders, seen, left))
    return 0


def _orders(settings: Settings, profile: Profile, environment: Mapping[str, str]) -> dict[str, Order]:
    """Return what is due in a profile, ready to be sent."""
    return {
        name: prepare(
            name, one, profile=profile, root=settings.root, limits=settings.limits, environment=environment
        )
        for name, one in settings.load.items()
        if profile in one.duration_s
    }  # fmt: skip


def _object(
    choice: Choice, profile: Profile, orders: Mapping[str, Order], seen: Mapping[str, Foreseen], left: Sequence[str]
) -> str:
    load = [_facts(order, seen.get(name)) for name, order in orders.items()]
    return json.dumps({"stack": choice.url or choice.driver, "profile": profile, "load": load, "not_tested": left})


def _text(
    choice: Choice, profile: Profile, orders: Mapping[str, Order], seen: Mapping[str, Foreseen], left: Sequence[str]
) -> str:
    told = [f"stack    {choice.url or choice.driver}: {choice.why}", f"profile  {profile}"]
    told += [line for name, order in orders.items() for line in _lines(order, seen.get(name))]
    told += [f"\n{name}: not tested, as it declares no duration for the profile {profile}" for name in left]
    return "\n".join(told)


def _facts(order: Order, seen: Foreseen | None) -> dict[str, Any]:
    scenario = order.scenario
    return {
        "scenario": order.name,
        "rate_per_s": scenario.rate_per_s,
        "duration_s": order.duration_s,
        "arrivals": round(order.arrivals),
        "spacing": scenario.arrivals,
        "knots": order.knots,
        "search": _search(order),
        "flood": order.flood.model_dump(include={"in_flight", "rate_per_s"}) if order.flood else None,
        "processes": scenario.processes,
        "user": scenario.user,
        "file": order.file,
        "paths": scenario.paths,
        "traffic": scenario.har or scenario.traffic,
        "sent": dict(seen.mix) if seen else None,
        "left_out": seen.left_out if seen else (),
        "identities": order.identities,
        "deadline_s": scenario.deadline_s,
        "objectives": _told({**order.objectives, **order.resources}),
        "operations": {operation: _told(rules) for operation, rules in order.operations.items()},
    }


def _search(order: Order) -> dict[str, Any] | None:
    """Return up to which rate is searched, and how many bursts that may take; null where nothing is."""
    scenario, asked = order.scenario, order.scenario.search
    if asked is None:
        return None
    most = most_bursts(times=asked.times, within=asked.within)
    return {"up_to_per_s": scenario.rate_per_s * asked.times, "within": asked.within, "most_bursts": most}


def _told(rules: Mapping[str, Rule]) -> dict[str, str]:
    return {metric: f"{rule.operator} {rule.threshold:g}" for metric, rule in rules.items()}


def _lines(order: Order, seen: Foreseen | None) -> list[str]:
    facts, scenario = _facts(order, seen), order.scenario
    many = f", by {scenario.processes} processes" if scenario.processes > 1 else ""
    musts = [f"{metric} {text}" for metric, text in scenario.objectives.items()]
    musts += [f"{metric} {text} of {name}" for name, of in scenario.operations.items() for metric, text in of.items()]
    shape = f", with a {scenario.shapes[0]} up to {order.rate.highest(order.duration_s):g}/s" if order.knots else ""
    return [
        "",
        f"{order.name}: {scenario.rate_per_s:g}/s for {order.duration_s:g} s{shape}, {facts['arrivals']:,} arrivals",
        *_searches(order),
        *_floods(order),
        f"  spaced     {scenario.arrivals}, each answered within {scenario.deadline_s:g} s or failed",
        f"  sends      {_what(order, seen)}{many}",
        *(f"  not sent   {line}" for line in facts["left_out"]),
        f"  as         {f'{order.identities:,} users' if order.identities else 'nobody'}",
        f"  must hold  {', '.join(musts) or 'nothing'}",
    ]


def _what(order: Order, seen: Foreseen | None) -> str:
    scenario = order.scenario
    if scenario.user:
        return f"{scenario.user} of {order.file}"
    if scenario.paths:
        return f"GET {' '.join(scenario.paths)}"
    source = f"the recording {scenario.har}" if scenario.har else "the contract"
    if seen is None:
        return f"{', '.join(scenario.only) or 'operations'} of {source}: known once the stack runs"
    names = (f"{name} ({count} times)" if count > 1 else name for name, count in seen.mix.items())
    return f"{', '.join(names)}: of {source}"


def _floods(order: Order) -> list[str]:
    flood = order.flood
    return [f"  beside     {flood.in_flight} further requests under way at all times, as nobody"] if flood else []


def _searches(order: Order) -> list[str]:
    found = _search(order)
    if found is None:
        return []
    most, seconds = found["most_bursts"], f"{order.duration_s:g} s"
    return [f"  searches   up to {found['up_to_per_s']:g}/s, by at most {most} bursts of {seconds}"]
