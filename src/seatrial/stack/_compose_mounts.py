"""The project's own files that services mount: an engine that does not see them would mount empty folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker

from seatrial.core import EnvironmentFailure
from seatrial.stack._base import StackPlan
from seatrial.stack._compose_model import Model, compose_files
from seatrial.stack._compose_override import images_of
from seatrial.stack._compose_project import Project
from seatrial.stack._compose_share import present_image
from seatrial.stack._sweep import run_labels
from seatrial.stack._visible import sees


def check_mounts(client: docker.DockerClient, project: Project, plan: StackPlan, model: Model) -> None:
    """Raise EnvironmentFailure where a service mounts files of the project which the engine does not see.

    Images have to be built. Raises CommandFailed when none of the project can be pulled.
    """
    names = plan.settings.stack.services
    mounted = {name: list(project_files(model, name, plan.root)) for name in names}
    users = {name: files[0] for name, files in mounted.items() if files}
    if not users:
        return
    image = present_image(client, project, images_of(plan, model, names))
    file = compose_files(plan.settings.stack, plan.root)[0]
    if not sees(client, file, image=image, labels=run_labels(plan.run, keep=plan.keep)):
        raise _unseen(users, file)


def project_files(model: Model, service: str, root: Path) -> Iterator[Path]:
    """Yield what a service mounts of the project: bind mounts, and the files of its secrets and configs."""
    for source in _sources(model, model["services"][service]):
        path = Path(source)
        if path.exists() and path.resolve().is_relative_to(root.resolve()):
            yield path


def _sources(model: Model, facts: Mapping[str, Any]) -> Iterator[str]:
    yield from (each["source"] for each in facts.get("volumes") or () if each["type"] == "bind")
    for kind in ("secrets", "configs"):
        known = model.get(kind) or {}
        files = (known.get(each["source"], {}).get("file") for each in facts.get(kind) or ())
        yield from filter(None, files)


def _unseen(users: Mapping[str, Path], file: Path) -> EnvironmentFailure:
    shown = ", ".join(f"{service} mounts {path}" for service, path in users.items())
    return EnvironmentFailure(
        f"the Docker engine does not see the project's files: {shown}",
        slug="mounts-unseen",
        where=str(file),
        remedy="copy them into the image, or let the engine's machine have the project's folder at the same path",
    )
