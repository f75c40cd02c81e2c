"""How the services of a compose project see the share: as it is here, or by a volume where the engine does not."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import docker
import docker.errors

from seatrial.stack._base import StackPlan
from seatrial.stack._compose_model import Model
from seatrial.stack._compose_override import images_of
from seatrial.stack._compose_project import Project
from seatrial.stack._copied import Copied
from seatrial.stack._sweep import run_labels
from seatrial.stack._visible import is_visible


def copied_share(client: docker.DockerClient, project: Project, plan: StackPlan, model: Model) -> Copied | None:
    """Return a share by a volume, not open yet, where the engine does not see the folder; None where it does.

    Images have to be built. Raises CommandFailed when none of the project can be pulled.
    """
    if not plan.additions:
        return None
    image, labels = (
        present_image(client, project, images_of(plan, model, plan.additions)),
        run_labels(plan.run, keep=plan.keep),
    )
    if is_visible(client, plan.share, image=image, labels=labels):
        return None
    return Copied(client, plan.share, name=f"{project.name}-share", image=image, labels=labels)


def present_image(client: docker.DockerClient, project: Project, images: Mapping[str, str]) -> str:
    """Return one of the services' images, which the engine has: what a container of it is made for is not in it.

    Raises CommandFailed when there is none, and none can be pulled.
    """
    for image in images.values():
        with contextlib.suppress(docker.errors.ImageNotFound):
            client.images.get(image)
            return image
    service, image = next(iter(images.items()))
    project.pull_image(service)
    return image
