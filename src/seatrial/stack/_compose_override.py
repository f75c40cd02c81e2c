"""The one generated file: what a run needs of the user's services, and nothing that the user wrote is touched.

Random ports on one address, labels by which the run is found, short health-check intervals, the profile's environment,
and what instruments add.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from seatrial.stack._base import StackPlan
from seatrial.stack._compose_model import Model, image_name
from seatrial.stack._passage import FAR_PORT
from seatrial.stack._sweep import run_labels

SHARE = "/seatrial"
AWAITED, USUAL = "1s", "2s"
"""How often health checks are asked: the first time comes after one interval, and somebody may wait for it.

Each time costs a new process in the container, and the engine as much again: asked more often, all else is slower.
Those that nobody waits for are asked early, once the entry answers (`_early`); that one fails is told after retries.
"""

GRACE = "15s"


class _Override(list[str]):
    """A list that takes the place of the user's (compose appends otherwise)."""


class _Reset:
    """A value that the user's file has and this run must not."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(_Override, lambda dumper, data: dumper.represent_sequence("!override", data))
_Dumper.add_representer(_Reset, lambda dumper, _: dumper.represent_scalar("!reset", "null"))


def write_override(plan: StackPlan, model: Model, path: Path, *, volume: str = "") -> None:
    """Write the override of a plan to a file that only this user can read.

    A volume of the engine takes the place of the share's folder, if one is named.
    """
    labels = dict(run_labels(plan.run, keep=plan.keep))
    awaited = _awaited(model)
    document = {
        "services": {
            name: {
                **_service(name, service, plan, labels),
                **_share(name, plan, volume),
                **_health(service, AWAITED if name in awaited else USUAL),
                **_image(name, service, plan, model),
            }
            for name, service in model["services"].items()
        },
        "networks": {name: {"labels": labels} for name in _own(model, "networks") | {"default"}},
        "volumes": {
            **{name: {"labels": labels} for name in _own(model, "volumes")},
            **({volume: {"name": volume, "external": True}} if volume else {}),
        },
    }
    text = yaml.dump({key: value for key, value in document.items() if value}, Dumper=_Dumper, sort_keys=False)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _own(model: Model, kind: str) -> set[str]:
    return {name for name, facts in (model.get(kind) or {}).items() if not (facts or {}).get("external")}


def _service(name: str, service: Mapping[str, Any], plan: StackPlan, labels: Mapping[str, str]) -> dict[str, Any]:
    override: dict[str, Any] = {"labels": dict(labels)}
    if ports := _ports(name, service, plan):
        override["ports"] = _Override(f"{plan.address}::{port}" for port in ports)
    if service.get("container_name"):
        override["container_name"] = _Reset()
    if environment := _environment(name, service, plan):
        override["environment"] = {key: value.replace("$", "$$") for key, value in environment.items()}
    if name in plan.replicas:
        override["scale"] = plan.replicas[name]
    return override


def _share(name: str, plan: StackPlan, volume: str) -> dict[str, Any]:
    """Return what a service with an addition needs of the share, and to hand in what it wrote there."""
    if name not in plan.additions:
        return {}
    return {"volumes": [f"{volume or plan.share}:{SHARE}"], "stop_grace_period": GRACE}


def images_of(plan: StackPlan, model: Model, services: Iterable[str]) -> dict[str, str]:
    """Return by which name the image of each service goes."""
    facts = {name: model["services"][name] for name in services}
    return {name: _image(name, one, plan, model).get("image") or one["image"] for name, one in facts.items()}


def _awaited(model: Model) -> set[str]:
    """Return the services for whose health others wait before they start."""
    needs = [needed for service in model["services"].values() for needed in (service.get("depends_on") or {}).items()]
    return {name for name, how in needs if how["condition"] == "service_healthy"}


def _health(service: Mapping[str, Any], interval: str) -> dict[str, Any]:
    """Return how often a service's health check is asked, where it has one."""
    healthcheck = service.get("healthcheck") or {}
    asked = healthcheck.get("test") and not healthcheck.get("disable")
    return {"healthcheck": {"interval": interval}} if asked else {}


def _image(name: str, service: Mapping[str, Any], plan: StackPlan, model: Model) -> dict[str, Any]:
    """Return the image of a service, where it is another than its file says."""
    if name in plan.images:
        return {"image": plan.images[name], **({"build": _Reset()} if service.get("build") else {})}
    named = service.get("image", "")
    if service.get("build") and not named:
        return {"image": image_name(plan.root, name, plan.tag)}
    builders = [
        other for other, facts in model["services"].items() if facts.get("build") and facts.get("image") == named
    ]
    return {"image": image_name(plan.root, builders[0], plan.tag)} if builders and plan.tag else {}


def _ports(name: str, service: Mapping[str, Any], plan: StackPlan) -> list[int]:
    entry, _, port = plan.settings.stack.entry.partition(":")
    targets = [int(published["target"]) for published in service.get("ports") or ()]
    wanted = [int(port), *([FAR_PORT] if plan.addresses else [])]
    return list(dict.fromkeys([*targets, *(wanted if name == entry else [])]))


def _environment(name: str, service: Mapping[str, Any], plan: StackPlan) -> dict[str, str]:
    """Return the variables of a service: of the plan's what its file hands over, knobs, the fault's, and instruments'.

    A variable that the file forgets to hand over stays forgotten: injecting it would hide a broken deployment.
    """
    has = {key: value or "" for key, value in (service.get("environment") or {}).items()}
    wanted: dict[str, str] = {}
    if service.get("build"):
        wanted |= plan.settings.stack.knobs(plan.profile)
        wanted |= {key: value for key, value in plan.environment.items() if key in has or key in wanted}
    wanted |= plan.service_environment.get(name, {})
    addition = plan.additions.get(name)
    if addition:
        wanted |= {key: value.replace("{share}", SHARE) for key, value in addition.environment.items()}
        paths = [path for path in (wanted.get("PYTHONPATH"), has.get("PYTHONPATH")) if path]
        wanted |= {"PYTHONPATH": ":".join(paths)} if paths else {}
    return wanted
