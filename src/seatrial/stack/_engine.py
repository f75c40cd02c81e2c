"""The Docker engine that the docker command uses too, and what is not obvious about its containers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import docker
import docker.errors
import requests.exceptions
from docker.context import ContextAPI
from docker.models.containers import Container
from docker.types import Mount
from docker.utils import parse_host

from seatrial.core import EnvironmentFailure

ENGINE = (docker.errors.DockerException, requests.exceptions.RequestException)
"""What goes wrong when an engine is asked."""

NOT_OF_COMPOSE = {"com.docker.compose.project": "", "com.docker.compose.service": ""}
"""An image that compose built has these, and a container would inherit them."""

NEVER = ["/never"]
"""The program of a container that is not started: whatever is in its image will do."""


def connect() -> docker.DockerClient:
    """Return a client of the engine that DOCKER_HOST or docker's context names; raises EnvironmentFailure."""
    try:
        return docker.from_env(timeout=60, use_ssh_client=True)
    except ENGINE as error:
        raise EnvironmentFailure(
            f"no Docker engine answers: {error}",
            slug="docker-unreachable",
            where=os.environ.get("DOCKER_HOST", "the default Docker socket"),
            remedy="start the engine (systemctl start docker), or use --stack local",
        ) from error


def engine_host() -> str:
    """Return the host that DOCKER_HOST or docker's context names; empty for a socket, and for what names no engine."""
    try:
        url = os.environ.get("DOCKER_HOST") or ContextAPI.kwargs_from_context().get("base_url")
        parts = urlsplit(parse_host(url))
    except docker.errors.DockerException:  # `connect` says so
        return ""
    return parts.hostname or "" if parts.scheme in {"http", "https", "ssh"} else ""


def idle_container(
    client: docker.DockerClient, image: str, *, mounts: Sequence[Mount], labels: Mapping[str, str], name: str = ""
) -> Container:
    """Create a container through which files are read and written, and which never starts; raises what ENGINE has."""
    return client.containers.create(
        image,
        NEVER,
        entrypoint=NEVER,
        mounts=[*mounts],
        labels={**NOT_OF_COMPOSE, **labels},
        network_mode="none",
        name=name or None,
    )
