"""`seatrial limits prove --plan`: the schedule of every limit, as the proof will follow it; nothing is started."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, TypedDict

import click

from seatrial.campaign import (
    Options,
    Planned,
    check_address_pool,
    choose,
    plan_deep_limits,
    plan_limits,
    sends_apart,
    variables_ahead,
    why_unminted,
)
from seatrial.cli._proving import settle_proof
from seatrial.config import Profile, Settings
from seatrial.stack import Choice
from seatrial.throttle import Schedule, as_json, deep_schedule, lines, schedule

Scheduled = tuple[Planned, Schedule]


class Circumstances(TypedDict):
    """What plans are made from, before there is a stack."""

    profile: Profile
    environment: Mapping[str, str]
    addresses: int
    unsigned: str
    disturbs: bool


def show_schedule(*, config: str, as_json: bool, **options: Any) -> int:
    """Print the schedule of every limit, and start nothing."""
    _, settings, settled = settle_proof(config, options)
    attached, choice = choose(settings, settled)
    check_address_pool(settled, choice)
    given = _circumstances(settings, settled, attached, choice)
    stages = {"proof": [(planned, schedule(*planned)) for planned in plan_limits(settings, **given)]}
    if settled.deep:
        planned = plan_deep_limits(settings, abilities=_abilities(choice), **given)
        stages["deep"] = [(each, deep_schedule(*each)) for each in planned]
    click.echo(_object(stages, choice) if as_json else "\n".join(_text(stages, choice, settled)))
    return 0


def _circumstances(
    settings: Settings, options: Options, attached: Mapping[str, Any] | None, choice: Choice
) -> Circumstances:
    addresses = 2 if sends_apart(options, choice) else 0
    return {
        "profile": options.depth,
        "environment": variables_ahead(settings, options, attached, choice, suites=options.only),
        "addresses": addresses,
        "unsigned": why_unminted(settings, choice),
        "disturbs": options.disturbs,
    }


def _abilities(choice: Choice) -> Collection[str]:
    """Return what a stack of this driver will be able to do for the deep stage."""
    return () if choice.driver == "remote" else ("memory", "control")


def _text(stages: Mapping[str, list[Scheduled]], choice: Choice, options: Options) -> list[str]:
    told = [f"stack    {choice.url or choice.driver}: {choice.why}", f"profile  {options.profile}"]
    for stage, found in stages.items():
        told += ["", f"{stage}"]
        told += [line for (policy, plan), made in found for line in lines(policy, plan, made, deep=stage == "deep")]
    return told


def _object(stages: Mapping[str, list[Scheduled]], choice: Choice) -> str:
    found = {
        stage: [as_json(policy, plan, made, deep=stage == "deep") for (policy, plan), made in each]
        for stage, each in stages.items()
    }
    return json.dumps({"stack": choice.url or choice.driver, **found})
