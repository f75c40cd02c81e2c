"""Which load a run sends: the declared scenarios, some of them, or what the command line names in their place."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.campaign._options import Options
from seatrial.config import COMPARED, Profile, Rule, ScenarioSettings, Settings
from seatrial.core import UsageError, name_nearest

MADE_PER_S, MADE_S = 50.0, 10.0
MADE_USERS = 10
"""As how many users the contract is asked, where it is known how they are made."""

MADE_OBJECTIVES: Mapping[str, str] = {"error_ratio": "<= 0.01"}
"""What must hold where nobody said what must: a service that answers nothing, or errors, is no pass."""


def choose_load(settings: Settings, options: Options) -> Settings:
    """Return the settings with the chosen load alone, and without gates on what was not chosen; raises UsageError."""
    made = _made(settings, options)
    chosen = {name: _scenario(what, options) for name, what in made.items()} or _declared(settings, options)
    changed = {name: _changed(scenario, options) for name, scenario in chosen.items()}
    kept = [rule for rule in settings.gate.parsed if _belongs(rule, changed)]
    rules = tuple(rule.text for rule in kept if not rule.informational)
    told = tuple(rule.text for rule in kept if rule.informational)
    gate = settings.gate.model_copy(update={"rules": rules, "informational": told})
    return settings.model_copy(update={"load": changed, "gate": gate})


def _made(settings: Settings, options: Options) -> dict[str, dict[str, object]]:
    """Return the scenario that the command line makes in place of declared ones, by the name of what it sends."""
    choosing = {"only": options.operations, "writes": options.writes}
    asked: dict[str, dict[str, object]] = {}
    if options.paths:
        asked["paths"] = {"paths": options.paths}
    if options.har:
        asked["har"] = {"har": options.har, "har_host": options.har_host, **choosing}
    chosen = bool(options.operations or options.writes) and not options.har
    if options.contract or chosen or not (asked or options.scenarios or settings.load or not _has(settings, options)):
        asked["contract"] = {"traffic": "contract", **choosing, "identities": MADE_USERS if settings.auth else 0}
    _check_one([*(["scenarios"] if options.scenarios else []), *asked], options)
    return asked


def _has(settings: Settings, options: Options) -> bool:
    """Return whether there is a contract: one that is declared, or what a URL serves at the usual place."""
    return settings.contract is not None or "://" in options.stack


def _check_one(asked: list[str], options: Options) -> None:
    """Refuse two kinds of traffic at once, and a path that is none."""
    if len(asked) > 1 or (options.har_host and "har" not in asked):
        what = f"both {' and '.join(asked)} are given" if len(asked) > 1 else "a recording's host is given without it"
        raise UsageError(
            what,
            slug="arguments-invalid",
            where="seatrial load",
            remedy="--path, --contract (with --only, --writes) and --har (with these and --har-host) stand in place of "
            "scenarios: leave out all but one of them and --scenario",
        )
    for path in options.paths:
        _check_path(path)


def _scenario(what: Mapping[str, object], options: Options) -> ScenarioSettings:
    seconds: dict[Profile, float] = {options.depth: MADE_S}
    often = {"rate_per_s": MADE_PER_S, "duration_s": seconds, "objectives": MADE_OBJECTIVES}
    return ScenarioSettings.model_validate({**what, **often})


def _check_path(path: str) -> None:
    if not path.startswith("/") or any(sign.isspace() for sign in path):
        raise UsageError(
            f"{path!r} is no path",
            slug="load-path-invalid",
            where="--path",
            remedy="write it as it stands in a URL behind host and port: /items?page=2",
        )


def _declared(settings: Settings, options: Options) -> dict[str, ScenarioSettings]:
    if not settings.load:
        raise UsageError(
            "no load scenario is declared",
            slug="load-missing",
            where=str(settings.root / settings.config_file),
            remedy="name what to GET with --path /PATH (repeatable) or a recording with --har FILE, send what the "
            "document documents with --contract, or write a [load.NAME]: docs/how-to/send-load.md",
        )
    for name in options.scenarios:
        _check_name(name, settings.load)
    return {name: one for name, one in settings.load.items() if name in options.scenarios or not options.scenarios}


def _check_name(name: str, known: Mapping[str, ScenarioSettings]) -> None:
    if name in known:
        return
    raise UsageError(
        f"there is no load scenario {name!r}",
        slug="scenario-unknown",
        where="--scenario",
        remedy=name_nearest(name, known, called="scenarios"),
    )


def _changed(scenario: ScenarioSettings, options: Options) -> ScenarioSettings:
    given = {"rate_per_s": options.rate_per_s, "processes": options.processes}
    changes: dict[str, object] = {name: value for name, value in given.items() if value}
    if options.duration_s:
        changes["duration_s"] = {**scenario.duration_s, options.depth: options.duration_s}
    return scenario.model_copy(update=changes)


def _belongs(rule: Rule, chosen: Mapping[str, ScenarioSettings]) -> bool:
    area, _, rest = rule.metric.partition(".")
    scenario = rule.metric.removeprefix(COMPARED) if rule.compared else rest
    return area != "load" or scenario.partition(".")[0] in chosen
