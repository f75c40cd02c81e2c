"""What the user's compose files say, as compose itself reads them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from seatrial.config import Settings, StackSettings
from seatrial.core import UsageError, name_nearest

Model = Mapping[str, Any]
MISSING_VARIABLE = re.compile(r"required variable (\S+) is missing")
NO_COMPOSE = re.compile("unknown command|unknown shorthand|unknown flag|permission denied|Cannot connect")
"""What a docker says that has no compose plugin, or may not be used: nothing about the files."""

PATIENCE_S = 30.0


def compose_files(stack: StackSettings, root: Path) -> list[Path]:
    """Return the compose files; raises UsageError for one that is not there."""
    files = [root / name for name in stack.compose]
    for file in files:
        if not file.is_file():
            raise UsageError(
                "no such compose file",
                slug="compose-missing",
                where=str(file),
                remedy="correct [stack] compose: its paths are relative to seatrial.toml",
            )
    return files


def read_model(stack: StackSettings, root: Path, environment: Mapping[str, str], *options: str) -> Model:
    """Return what `docker compose config` makes of the files; raises UsageError with compose's own message."""
    files = compose_files(stack, root)
    command = ["docker", "compose", *(word for file in files for word in ("-f", str(file)))]
    command += ["--env-file", str(root / stack.env_file)] if stack.env_file else []
    done = subprocess.run(
        [*command, "--profile", "*", "config", "--format", "json", *options],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode:
        raise _refused(done.stderr.strip(), files)
    model: Model = json.loads(done.stdout)
    return model


def _refused(message: str, files: Sequence[Path]) -> UsageError:
    where = ", ".join(map(str, files))
    if missing := MISSING_VARIABLE.search(message):
        return UsageError(
            f"the compose file needs the variable {missing[1]}",
            slug="compose-variable-missing",
            where=where,
            remedy=f'add {missing[1]} = "..." to [stack.environment] ("{{random}}" makes a fresh secret)',
        )
    return UsageError(
        "docker compose cannot read the compose file",
        slug="compose-invalid",
        where=where,
        remedy="mend what compose complains about: docker compose config shows it too",
        details=message[-1500:],
    )


def check_services(model: Model, stack: StackSettings) -> None:
    """Raise UsageError for a service that the configuration names and the file lacks."""
    known = model["services"]
    for name in (*stack.services, stack.entry.partition(":")[0]):
        if name not in known:
            raise UsageError(
                f"the compose file has no service {name!r}",
                slug="compose-unknown-service",
                where="[stack] services and entry",
                remedy=name_nearest(name, known, called="it has"),
            )


def compose_model(settings: Settings, root: Path) -> Model:
    """Return the files' own words: variables not filled in, no engine needed. Raises UsageError.

    Without a docker program the files are read as YAML and merged service by service; `extends` and `include` are not
    followed then.
    """
    files = compose_files(settings.stack, root)
    documents = [_parse(file) for file in files]
    try:
        environment = {"PATH": _path(), "HOME": str(Path.home())}
        model = read_model(settings.stack, root, environment, "--no-interpolate", "--no-normalize")
    except (OSError, subprocess.TimeoutExpired):
        model = {"services": _merge(documents)}
    except UsageError as error:
        if not NO_COMPOSE.search(error.details):
            raise
        model = {"services": _merge(documents)}
    check_services(model, settings.stack)
    return model


def image_name(root: Path, service: str, tag: str = "") -> str:
    """Return a name that all runs of one project share, so that its build cache and image serve them all.

    With a tag, it is that of one run alone.
    """
    name = f"seatrial-{sha256(str(root).encode()).hexdigest()[:10]}-{service}"
    return f"{name}:{tag}" if tag else name


def handed_over(model: Model) -> dict[str, frozenset[str]]:
    """Return the names of the variables that the files hand to each service; one with `env_file` may get any."""
    services = {name: service or {} for name, service in model["services"].items()}
    return {name: _names(service) for name, service in services.items() if not service.get("env_file")}


def _names(service: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of `environment`, which may be a mapping or a list of `NAME=value`."""
    return frozenset(str(entry).partition("=")[0] for entry in service.get("environment") or ())


def _path() -> str:
    import os  # noqa: PLC0415 - one variable

    return os.environ.get("PATH", os.defpath)


class _Loader(yaml.SafeLoader):
    """Reads compose's own tags: what is reset is nothing, what overrides is itself."""


def _override(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return str(node.value)


_Loader.add_constructor("!reset", lambda _loader, _node: None)
_Loader.add_constructor("!override", _override)


def read_compose(file: Path) -> Any:
    """Return a compose file as it is written, with compose's own tags understood; raises yaml.YAMLError."""
    return yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader with two tags more


def _parse(file: Path) -> Model:
    try:
        document = read_compose(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(
            "the compose file is not valid YAML",
            slug="compose-invalid",
            where=str(file),
            remedy="mend the line that is named",
            details=str(error),
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("services"), dict):
        raise UsageError(
            "the compose file has no services", slug="compose-invalid", where=str(file), remedy="add `services:`"
        )
    return document


def _merge(documents: Sequence[Model]) -> dict[str, Any]:
    services: dict[str, Any] = {}
    for document in documents:
        for name, service in document["services"].items():
            services[name] = {**services.get(name, {}), **(service or {})}
    return services


def service_lines(file: Path) -> dict[str, int]:
    """Return the line (from 1) on which each service of a compose file begins."""
    node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    services = next((value for key, value in node.value if key.value == "services"), None)
    pairs = services.value if isinstance(services, yaml.MappingNode) else []
    return {key.value: key.start_mark.line + 1 for key, _ in pairs}


def context_of(service: Mapping[str, Any], settings: Settings, root: Path) -> Path | None:
    """Return the folder that a service is built from; None where it is not built."""
    build = service.get("build")
    if not build:
        return None
    context = build.get("context", ".") if isinstance(build, Mapping) else build
    return (root / settings.stack.compose[0]).parent / str(context)


def dockerfile_of(service: Mapping[str, Any], settings: Settings, root: Path) -> Path | None:
    """Return the Dockerfile that a service is built from; None where it is not built, or not from a file here."""
    context, build = context_of(service, settings, root), service.get("build")
    if context is None:
        return None
    file = context / (str(build.get("dockerfile", "Dockerfile")) if isinstance(build, Mapping) else "Dockerfile")
    return file if file.is_file() else None
