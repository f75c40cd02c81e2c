"""What `seatrial load` does: a run of the suite `load` alone, told scenario by scenario."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.campaign import Foreseen, Options, choose, choose_load, crew_of, foresee
from seatrial.cli._options import config_path
from seatrial.cli._session import SHARED, conduct_session, settle_options, verdict_of
from seatrial.cli._unsent import SCHEMA
from seatrial.cli._view import make_view
from seatrial.config import Settings, StackSettings, load_settings
from seatrial.core import UsageError
from seatrial.swarm import Sending, figures_sent, read_sent

if TYPE_CHECKING:
    from seatrial.plugin import Conductor

ALWAYS: Mapping[str, int] = {"429": 0, "0": 0}
"""Statuses that are told also where none came."""

WORDS: Mapping[str, str] = {"0": "none"}
PATIENCE_S = 10.0
"""How long a URL of which nothing is declared may take to answer."""


def load_session(*, config: str, as_json: bool, **options: Any) -> int:
    """Send the load and return the exit code."""
    path, settings, settled = settle_load(config, options)
    look_ahead(settings, settled)
    view = make_view(quiet=as_json, follows=("load", "page"))
    return conduct_session(path, settings, settled, view=view, tell=_tell_json if as_json else _tell)


def settle_load(config: str, options: dict[str, Any]) -> tuple[Path | None, Settings, Options]:
    """Return everything that load starts from: the shipped suite, whatever others the project has."""
    options["har"] = str(Path(options["har"]).resolve()) if options["har"] else ""
    path, settings = _project(config, options)
    settled = settle_options(settings, {**options, "config": config, "only": ("load",), "load": True})
    crew_of(settled)  # an address that is none is told before anything starts
    return path, choose_load(settings, settled).model_copy(update={"suites": ()}), settled


def look_ahead(settings: Settings, settled: Options) -> dict[str, Foreseen]:
    """Return what scenarios of the contract and of recordings send to a URL, and what of them they do not.

    Raises SeatrialError for what is wrong with them; of a stack that is yet to be started nothing is known.
    """
    scenarios = {name: one for name, one in settings.load.items() if settled.profile in one.duration_s}
    due = {name: one for name, one in scenarios.items() if one.traffic or one.har}
    if not due:
        return {}
    _, choice = choose(settings, settled)
    return {name: found for name, one in due.items() if (found := foresee(settings, choice.url, name, one))}


def _project(config: str, options: Mapping[str, Any]) -> tuple[Path | None, Settings]:
    """Return the configuration; a URL needs none, and its first path has to be served where paths are given."""
    try:
        path = config_path(config).resolve()
    except UsageError:
        if options["scenarios"] or "://" not in options["stack"]:
            raise
        ready = {"ready": options["paths"][0]} if options["paths"] else {}
        return None, Settings(root=Path.cwd(), stack=StackSettings(**ready, start_timeout_s=PATIENCE_S))
    return path, load_settings(path)


def sent_by(conductor: Conductor) -> list[Sending]:
    """Return what a run sent, scenario by scenario."""
    return read_sent(conductor.run.directory / "load", conductor.settings.load) if conductor.run else []


def _tell(conductor: Conductor) -> list[str]:
    """Return the figures of each scenario, and the verdict."""
    told = [line for one in sent_by(conductor) for line in [*lines(one), *_left_out(conductor, one.name)]]
    return ["", *told, *conductor.summary()]


def _left_out(conductor: Conductor, name: str) -> list[str]:
    """Return what a scenario of the contract or of a recording did not send."""
    known = conductor.run.traffic.items() if conductor.run else ()
    return [f"  not sent   {line}" for (_, made), traffic in known if made == name for line in traffic.left_out]


def lines(one: Sending) -> list[str]:
    """Return the figures of a scenario for people."""
    found = figures_sent([one])
    ledger, generator = found["ledger"], found["generator"]
    lost = ledger["due"] - ledger["answered"]
    statuses = {**ALWAYS, **{status: group["requests"] for status, group in found["by_status"].items()}}
    answers = ", ".join(f"{count:,} x {WORDS.get(status, status)}" for status, count in statuses.items())
    busy = "not known" if generator["cpu_percent"] is None else f"{generator['cpu_percent']:.0f} %"
    return [
        f"{one.name}: {found['asked_per_s']:g}/s asked, {found['achieved_per_s']:.6g}/s achieved, {one.duration_s:g} s",
        f"  arrivals   {', '.join(f'{count:,} {fate}' for fate, count in ledger.items())}",
        f"  latency    {_times(found['latency_ms'])} (from when it was due)",
        f"  service    {_times(found['service_ms'])} (from the send)",
        f"  errors     {lost:,} of {ledger['due']:,} arrivals",
        f"  answers    {answers}",
        f"  generator  began {_times(generator['start_lag_ms'])} late, processor {busy}",
        *([f"  resources  {_used(one)} (of the service)"] if one.used else []),
        *([f"  doubt      {one.doubt}"] if one.doubt else []),
    ]


def _used(one: Sending) -> str:
    return ", ".join(f"{metric} {value:,.6g}" for metric, value in one.used.items())


def _times(points: Mapping[str, float | None]) -> str:
    known = [f"{name} {value:.2f}" for name, value in points.items() if value is not None]
    return f"{', '.join(known)} ms" if known else "nothing"


def _tell_json(conductor: Conductor) -> list[str]:
    """Return one JSON object, as reports/schema/load-1.schema.json says."""
    sent, verdict = sent_by(conductor), verdict_of(conductor)
    told = {
        "schema": SCHEMA,
        **{name: verdict[name] for name in SHARED},
        **figures_sent(sent),
        "scenarios": {one.name: _scenario(one) for one in sent},
        **{name: verdict[name] for name in ("findings", "not_verified", "repeat")},
        "directory": str(conductor.run.directory) if conductor.run else "",
    }
    return [json.dumps(told)]


def _scenario(one: Sending) -> dict[str, Any]:
    return {**figures_sent([one]), "doubt": one.doubt, "duration_s": one.duration_s, "resources": dict(one.used)}
