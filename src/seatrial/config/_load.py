"""From `seatrial.toml` (or `[tool.seatrial]` of a pyproject.toml) to validated settings."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seatrial.config._contradictions import contradictions
from seatrial.config._credentials import gaps
from seatrial.config._rules import parse_objective, parse_rule
from seatrial.config._settings import ScenarioSettings, Settings
from seatrial.core import UsageError

FILE = "seatrial.toml"
COUNTED_BY: Mapping[str, str] = {
    "queue_max": "[jobs.queue]",
    "queue_slope": "[jobs.queue]",
    "queries_per_request": "[metrics] queries",
}
"""What has to be declared for an objective on what the service uses."""


CHOOSING: Mapping[str, tuple[str, ...]] = {
    "only": ("traffic", "har"),
    "writes": ("traffic", "har"),
    "har_host": ("har",),
    "assets": ("har",),
}
"""Keys of a scenario, and what each of them chooses from."""


def find_config(start: Path) -> Path:
    """Return the nearest configuration at or above a folder; raises UsageError when there is none."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        project = folder / "pyproject.toml"
        if project.is_file() and "[tool.seatrial" in project.read_text(encoding="utf-8"):
            return project
    raise UsageError(
        f"found no {FILE}",
        slug="config-missing",
        where=f"{start} and the folders above it",
        remedy=f"name one with --config FILE, or write a {FILE}: docs/reference/configuration.md shows one",
    )


def load_settings(path: Path) -> Settings:
    """Read, validate and freeze a configuration file; raises UsageError with key, line and what is accepted."""
    text = _read(path)
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"not valid TOML: {error}", slug="config-syntax", where=str(path), remedy="mend the line that is named"
        ) from error
    table = data.get("tool", {}).get("seatrial", {}) if path.name == "pyproject.toml" else data
    try:
        # Files have lists where settings have tuples and plain strings where they have literals: JSON mode allows both.
        settings = Settings.model_validate({**_frozen(table), "root": path.resolve().parent, "config_file": path.name})
    except ValidationError as error:
        raise _invalid(path, text, error.errors()) from error
    _check_thresholds(settings, path, text)
    _check_limits(settings, path, text)
    _check_credentials(settings, path, text)
    _check_shapes(settings, path, text)
    _check_traffic(settings, path, text)
    _check_sources(settings, path, text)
    return settings


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"cannot read the configuration: {error}", slug="config-unreadable", where=str(path),
            remedy="name a readable file with --config FILE",
        ) from error  # fmt: skip


def _frozen(value: Any) -> Any:
    """Return TOML data with tuples for lists, since strict settings hold tuples."""
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def _invalid(path: Path, text: str, errors: Sequence[ErrorDetails]) -> UsageError:
    first = errors[0]
    keys = [part for part in first["loc"] if isinstance(part, (str, int))]
    line = find_line(text, keys)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return UsageError(
        f"{_dotted(keys)}: {_explain(first)}{more}",
        slug="config-invalid",
        where=f"{path}:{line}",
        remedy=_remedy(keys, first),
    )


def _dotted(keys: Sequence[str | int]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _explain(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "this key is missing"
    shown = repr(error["input"])
    return f"{error['msg']}, but it is {shown[:80]}"


def _remedy(keys: Sequence[str | int], error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        known, given = re.findall(r"'([^']*)'", error["ctx"]["expected"]), error["input"]
    elif error["type"] == "extra_forbidden":
        known, given = list(_fields_at(Settings, keys[:-1])), keys[-1]
    else:
        return "docs/reference/configuration.md lists every key with its type"
    near = difflib.get_close_matches(str(given), known, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"valid here: {', '.join(sorted(known))}"


def _fields_at(model: type[BaseModel], keys: Sequence[str | int]) -> Iterator[str]:
    """Yield the keys that the table at `keys` may have."""
    for key in keys:
        field = model.model_fields.get(str(key))
        models = _models_in(field.annotation) if field else [model]
        if models:
            model = models[0]
    yield from (name for name in model.model_fields if name not in {"root", "config_file"})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def find_line(text: str, keys: Sequence[str | int]) -> int:
    """Return the line (from 1) on which the deepest of `keys` stands; tomllib keeps no positions."""
    names = [str(key) for key in keys if isinstance(key, str)]
    wanted_item = next((key for key in keys if isinstance(key, int)), 0)
    table, best, best_depth, counts = "", 1, 0, dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?", line):
            table = header[1].replace('"', "")
            if line.lstrip().startswith("[["):
                counts[table] = counts.get(table, -1) + 1
            prefix = table.split(".")
        elif key := re.match(r"\s*([A-Za-z0-9_.\"-]+)\s*=", line):
            prefix = [*(table.split(".") if table else []), *key[1].replace('"', "").split(".")]
        else:
            continue
        depth = _shared(prefix, names)
        right_item = counts.get(table, wanted_item) == wanted_item
        if right_item and depth == len(prefix) and depth > best_depth:
            best, best_depth = number, depth
    return best


def _shared(prefix: Sequence[str], names: Sequence[str]) -> int:
    depth = 0
    for have, want in zip(prefix, names, strict=False):
        if have not in {want, "tool", "seatrial"}:
            break
        depth += 1
    return depth


def _check_thresholds(settings: Settings, path: Path, text: str) -> None:
    """Parse every threshold now, so that none can fail after an hour of load."""
    places: list[tuple[str, tuple[str, ...]]] = [(rule, ("gate", "rules")) for rule in settings.gate.rules]
    places += [(rule, ("gate", "informational")) for rule in settings.gate.informational]
    for name, scenario in settings.load.items():
        places += [
            (f"load.{name}.{metric} {threshold}", ("load", name, "objectives", metric))
            for metric, threshold in scenario.objectives.items()
        ]
        places += [
            (f"load.{name}.{metric} {threshold}", ("load", name, "operations", operation, metric))
            for operation, objectives in scenario.operations.items()
            for metric, threshold in objectives.items()
        ]
    for rule, keys in places:
        try:
            (parse_objective if keys[0] == "load" else parse_rule)(rule)
        except UsageError as error:
            where = f"{path}:{find_line(text, keys)}"
            raise UsageError(error.what, slug=error.slug, where=where, remedy=error.remedy) from error


def _check_limits(settings: Settings, path: Path, text: str) -> None:
    """Refuse a policy that cannot hold, before somebody tries to prove it."""
    for number, key, what in contradictions(settings.limits, settings.stack):
        raise UsageError(
            f"the rate limit {settings.limits[number].name!r} contradicts itself: {what}",
            slug="limits-contradictory",
            where=f"{path}:{find_line(text, ('limits', number, key))}",
            remedy="declare what the service does, or let it be inferred: seatrial limits discover URL",
        )


def _check_credentials(settings: Settings, path: Path, text: str) -> None:
    """Refuse an authentication that lacks something, before anybody is asked as nobody."""
    for keys, what in gaps(settings):
        raise UsageError(
            what,
            slug="auth-incomplete",
            where=f"{path}:{find_line(text, keys)}",
            remedy="docs/how-to/authenticate.md has an example of each kind",
        )


def _check_shapes(settings: Settings, path: Path, text: str) -> None:
    """Refuse a scenario whose rate is to change in two ways at once."""
    for name, scenario in settings.load.items():
        if len(scenario.shapes) > 1:
            raise UsageError(
                f"the scenario {name!r} has more than one shape: {', '.join(scenario.shapes)}",
                slug="load-shapes-several",
                where=f"{path}:{find_line(text, ('load', name, scenario.shapes[1]))}",
                remedy="keep one of them, or write the other one as a scenario of its own",
            )


def _check_traffic(settings: Settings, path: Path, text: str) -> None:
    """Refuse a scenario that says twice what it sends, or chooses from what it does not send."""
    for name, scenario in settings.load.items():
        key, what = _contradicting(scenario)
        if key:
            raise UsageError(
                f"the scenario {name!r} {what}",
                slug="load-traffic-contradictory",
                where=f"{path}:{find_line(text, ('load', name, key))}",
                remedy="docs/how-to/send-load.md says what a scenario can send, and what it can choose from",
            )


def _contradicting(scenario: ScenarioSettings) -> tuple[str, str]:
    """Return a key that another one stands against, and a sentence; empty where all of them go together."""
    if len(scenario.senders) > 1:
        return scenario.senders[1], f"sends only one of these: {', '.join(scenario.senders)}"
    if scenario.flood and scenario.identities:
        return "flood", "has a `flood`, whose requests go as nobody and cost less than those of its `identities`"
    for key, needs in CHOOSING.items():
        if getattr(scenario, key) and not any(getattr(scenario, one) for one in needs):
            return key, f"has `{key}`, which chooses from {' or '.join(f'`{one}`' for one in needs)}"
    return "", ""


def _check_sources(settings: Settings, path: Path, text: str) -> None:
    """Refuse an objective on what nobody was told how to count: it would never be tested."""
    told = {
        "[jobs.queue]": settings.jobs is not None and settings.jobs.queue is not None,
        "[metrics] queries": settings.metrics is not None and bool(settings.metrics.queries),
    }
    for name, metric in ((name, metric) for name, scenario in settings.load.items() for metric in scenario.objectives):
        if metric in COUNTED_BY and not told[COUNTED_BY[metric]]:
            raise UsageError(
                f"the scenario {name!r} has an objective on {metric}, and {COUNTED_BY[metric]} is not declared",
                slug="objective-source",
                where=f"{path}:{find_line(text, ('load', name, 'objectives', metric))}",
                remedy=f"declare {COUNTED_BY[metric]}, as docs/reference/configuration.md says, or leave it out",
            )


def effective(variables: Mapping[str, str], variable: str, default: float) -> float:
    """Return what a profile set a numeric knob to, or the default; raises UsageError when it is no number."""
    value = variables.get(variable) if variable else None
    if value is None:
        return default
    try:
        return float(value)
    except ValueError as error:
        raise UsageError(
            f"{variable} is {value!r}, not a number",
            slug="config-invalid",
            where="[stack.profile.*.environment]",
            remedy="set it to digits in quotes",
        ) from error
