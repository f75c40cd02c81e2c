"""Which load a run sends: the declared scenarios, some of them, or a GET of paths that the command line names."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.campaign._options import Options
from seatrial.config import Profile, ScenarioSettings, Settings
from seatrial.core import UsageError, name_nearest

PATHS = "paths"
"""The name of the scenario that the command line makes of paths."""

PATHS_PER_S, PATHS_S = 50.0, 10.0
PATHS_OBJECTIVES: Mapping[str, str] = {"error_ratio": "<= 0.01"}
"""What must hold where nobody said what must: a service that answers nothing, or errors, is no pass."""


def choose_load(settings: Settings, options: Options) -> Settings:
    """Return the settings with the chosen load alone, and without gates on what was not chosen; raises UsageError."""
    chosen = _of_paths(options) if options.paths else _declared(settings, options)
    changed = {name: _changed(scenario, options) for name, scenario in chosen.items()}
    kept = [rule for rule in settings.gate.parsed if _belongs(rule.metric, changed)]
    rules = tuple(rule.text for rule in kept if not rule.informational)
    told = tuple(rule.text for rule in kept if rule.informational)
    gate = settings.gate.model_copy(update={"rules": rules, "informational": told})
    return settings.model_copy(update={"load": changed, "gate": gate})


def _of_paths(options: Options) -> dict[str, ScenarioSettings]:
    if options.scenarios:
        raise UsageError(
            "both scenarios and paths are given",
            slug="arguments-invalid",
            where="seatrial load",
            remedy="paths stand in place of scenarios: leave out --scenario or --path",
        )
    for path in options.paths:
        _check_path(path)
    seconds: dict[Profile, float] = {options.profile: PATHS_S}
    made = ScenarioSettings.model_validate({
        "paths": options.paths, "rate_per_s": PATHS_PER_S, "duration_s": seconds, "objectives": PATHS_OBJECTIVES,
    })  # fmt: skip
    return {PATHS: made}


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
            remedy="name what to GET with --path /PATH (repeatable), or write a [load.NAME]: docs/how-to/send-load.md",
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
        changes["duration_s"] = {**scenario.duration_s, options.profile: options.duration_s}
    return scenario.model_copy(update=changes)


def _belongs(metric: str, chosen: Mapping[str, ScenarioSettings]) -> bool:
    area, _, rest = metric.partition(".")
    return area != "load" or rest.partition(".")[0] in chosen
