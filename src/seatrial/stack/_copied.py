"""A share whose files are copied: the engine does not see this machine's.

folder --copy in--> volume (mounted into the services) --copy out--> folder

The volume is reached through a container that has it mounted and never starts: what services do to themselves, or a
test to them, does not touch it. Both carry the labels of their run, so whoever sweeps finds them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

import docker
from docker.types import Mount

from seatrial.core import EnvironmentFailure
from seatrial.stack._compose_override import SHARE
from seatrial.stack._engine import ENGINE, idle_container
from seatrial.stack._share import Seen

IN_MEMORY = 4 << 20
END = bytes(2 * tarfile.BLOCKSIZE)
SHOWN = 300


class Copied:
    """A share in a volume of the engine; implements `Share`."""

    def __init__(
        self, client: docker.DockerClient, folder: Path, *, name: str, image: str, labels: Mapping[str, str]
    ) -> None:
        """Share a folder by a volume, and a container of an image that the engine has, which are called by `name`."""
        self.folder = folder
        self.problem = ""
        self.name = name
        self._client = client
        self._image = image
        self._labels = dict(labels)
        self._one_at_a_time = threading.Lock()

    def open(self) -> None:
        """Make the volume, and hand in all that is in the folder; raises EnvironmentFailure."""
        with self._asking("make"):
            self._client.volumes.create(self.name, labels=self._labels)
            mounts = [Mount(SHARE, self.name)]
            idle_container(self._client, self._image, mounts=mounts, labels=self._labels, name=self.name)
        self.hand_in(".")

    def hand_in(self, name: str) -> None:
        """Copy a file or folder of the share in, with its permissions; raises EnvironmentFailure."""
        with self._asking("copy into"), tempfile.SpooledTemporaryFile(IN_MEMORY) as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                tar.add(self.folder / name, arcname=name, filter=_as_root)
            archive.seek(0)
            self._client.api.put_archive(self.name, SHARE, archive)

    def look(self, name: str) -> Sequence[Seen]:
        """Return the files of a folder of the volume; raises EnvironmentFailure."""
        with self._asking("read"), contextlib.suppress(tarfile.TarError), self._archive(name) as tar:
            return list(_seen(tar))
        return ()  # a file grew while it was read: nothing is known until the next look

    def bring_back(self, name: str) -> None:
        """Copy a folder of the volume out; what goes wrong is the `problem` of this share."""
        try:
            with self._asking("copy out of"), self._archive(name) as tar:
                _unpack(tar, self.folder)
        except EnvironmentFailure as error:
            self.problem = f"{error.what}: {error.details}"

    def close(self) -> None:
        """Remove container and volume; safe to call twice, and what stays is found by its labels."""
        with contextlib.suppress(*ENGINE):
            self._client.api.remove_container(self.name, v=True, force=True)
        with contextlib.suppress(*ENGINE):
            self._client.api.remove_volume(self.name, force=True)

    @contextlib.contextmanager
    def _archive(self, name: str) -> Iterator[tarfile.TarFile]:
        parts, _ = self._client.api.get_archive(self.name, f"{SHARE}/{name}")
        with tempfile.SpooledTemporaryFile(IN_MEMORY) as archive:
            for part in parts:
                archive.write(part)
            _check_end(archive)
            with tarfile.open(fileobj=archive) as tar:
                yield tar

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            with self._one_at_a_time:
                yield
        except (*ENGINE, OSError, tarfile.TarError) as error:
            raise EnvironmentFailure(
                f"cannot {what} the volume that takes the place of our files",
                slug="share-unreachable",
                where=self.name,
                remedy="see whether the engine still answers (docker volume ls), and whether its disk or ours is full",
                details=str(getattr(error, "explanation", None) or error)[:SHOWN],
            ) from error


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a file as whoever starts a container owns it: our user's number means nothing there."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _check_end(archive: IO[bytes]) -> None:
    """Go to the beginning of a whole archive; raises TarError: one that breaks off reads like a shorter one."""
    archive.seek(-min(len(END), archive.tell()), os.SEEK_CUR)
    if archive.read() != END:
        raise tarfile.ReadError("the engine's archive breaks off")
    archive.seek(0)


def _seen(tar: tarfile.TarFile) -> Iterator[Seen]:
    for member in tar:
        name = PurePosixPath(member.name).name
        if (content := _content(tar, member)) and not name.startswith("."):
            yield Seen(name=name, written_s=member.mtime, text=content.read().decode(errors="replace"))


def _unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Write the files of an archive below a folder, and nothing else: services wrote it, links may lead anywhere."""
    for member in tar:
        path = PurePosixPath(member.name)
        if (content := _content(tar, member)) and not path.is_absolute() and ".." not in path.parts:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            os.utime(target, (member.mtime, member.mtime))  # when a process was last heard


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    return tar.extractfile(member) if member.isfile() else None
