"""Whether an engine sees this machine's files: asked, for its address does not tell (docker in docker, a proxy)."""

from __future__ import annotations

import contextlib
import io
import secrets
import tarfile
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.types import Mount

from seatrial.stack._engine import ENGINE, idle_container

THERE = "/seatrial"


def is_visible(client: docker.DockerClient, folder: Path, *, image: str, labels: Mapping[str, str]) -> bool:
    """Return whether the engine sees a folder of ours: it looks for a file of chance content in it."""
    file = folder / ".visible"
    file.write_bytes(secrets.token_hex(16).encode())
    try:
        return sees(client, file, image=image, labels=labels)
    finally:
        file.unlink()


def sees(client: docker.DockerClient, file: Path, *, image: str, labels: Mapping[str, str]) -> bool:
    """Return whether an engine sees a file as it is here: its machine may have another one of that name.

    The container that has its folder mounted is of an image that the engine has, and never starts.
    """
    # Of this kind, a mount makes no folder on the engine's machine where there is none.
    mount = Mount(THERE, str(file.parent), type="bind", read_only=True)
    with contextlib.suppress(*ENGINE):
        container = idle_container(client, image, mounts=[mount], labels=labels)
        try:
            parts, _ = container.get_archive(f"{THERE}/{file.name}")
            return _only_file(b"".join(parts)) == file.read_bytes()
        finally:
            container.remove(v=True, force=True)
    return False


def _only_file(archive: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = tar.extractfile(tar.getmembers()[0])
        return found.read() if found else None
