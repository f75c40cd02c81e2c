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
    """Return whether what is in a folder here is there in a container that has it mounted.

    A file of chance content is looked for, since the engine's machine may have another folder of that name. The
    container, of an image that the engine has, never starts.
    """
    word = secrets.token_hex(16).encode()
    file = folder / ".visible"
    file.write_bytes(word)
    try:
        return _read(client, folder, file.name, image=image, labels=labels) == word
    finally:
        file.unlink()


def _read(
    client: docker.DockerClient, folder: Path, name: str, *, image: str, labels: Mapping[str, str]
) -> bytes | None:
    """Return a file of a mounted folder as the engine sees it; None where there is no such folder, or no such file."""
    mount = Mount(THERE, str(folder), type="bind", read_only=True)  # of this kind, it makes no folder that is missing
    with contextlib.suppress(*ENGINE):
        container = idle_container(client, image, mounts=[mount], labels=labels)
        try:
            parts, _ = container.get_archive(f"{THERE}/{name}")
            with tarfile.open(fileobj=io.BytesIO(b"".join(parts))) as tar:
                found = tar.extractfile(tar.next() or name)
                return found.read() if found else None
        finally:
            container.remove(v=True, force=True)
    return None
