"""`seatrial load --plan`: what would be sent, how often, and as whom; nothing is started."""

from __future__ import annotations

import json
from typing import Any

import click

from seatrial.campaign import choose, variables_ahead
from seatrial.cli._loading import settle_load
from seatrial.swarm import Order, prepare


def show_load(*, config: str, as_json: bool, **options: Any) -> int:
    """Print every scenario as it would be sent, and start nothing; raises UsageError for one that cannot be."""
    _, settings, settled = settle_load(config, options)
    attached, choice = choose(settings, settled)
    given: Any = {"profile": settled.profile, "root": settings.root, "limits": settings.limits}
    given["environment"] = variables_ahead(settings, settled, attached, choice, suites=settled.only)
    due = {name: one for name, one in settings.load.items() if settled.profile in one.duration_s}
    orders = [prepare(name, one, **given) for name, one in due.items()]
    left = [name for name in settings.load if name not in due]
    stack = choice.url or choice.driver
    if as_json:
        planned = {"stack": stack, "profile": settled.profile, "load": list(map(_facts, orders)), "not_tested": left}
        click.echo(json.dumps(planned))
        return 0
    click.echo(f"stack    {stack}: {choice.why}\nprofile  {settled.profile}")
    for line in [line for order in orders for line in _lines(order)]:
        click.echo(line)
    for name in left:
        click.echo(f"\n{name}: not tested, as it declares no duration for the profile {settled.profile}")
    return 0


def _facts(order: Order) -> dict[str, Any]:
    scenario = order.scenario
    return {
        "scenario": order.name,
        "rate_per_s": scenario.rate_per_s,
        "duration_s": order.duration_s,
        "arrivals": round(scenario.rate_per_s * order.duration_s),
        "spacing": scenario.arrivals,
        "user": scenario.user,
        "file": order.file,
        "paths": scenario.paths,
        "identities": order.identities,
        "deadline_s": scenario.deadline_s,
        "objectives": {metric: f"{rule.operator} {rule.threshold:g}" for metric, rule in order.objectives.items()},
    }


def _lines(order: Order) -> list[str]:
    facts, scenario = _facts(order), order.scenario
    what = f"{scenario.user} of {order.file}" if scenario.user else f"GET {' '.join(scenario.paths)}"
    musts = [f"{metric} {text}" for metric, text in scenario.objectives.items()]
    return [
        "",
        f"{order.name}: {scenario.rate_per_s:g}/s for {order.duration_s:g} s, {facts['arrivals']:,} arrivals",
        f"  spaced     {scenario.arrivals}, each answered within {scenario.deadline_s:g} s or failed",
        f"  sends      {what}",
        f"  as         {f'{order.identities:,} users' if order.identities else 'nobody'}",
        f"  must hold  {', '.join(musts) or 'nothing'}",
    ]
