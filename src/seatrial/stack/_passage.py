"""By which way clients of a compose stack have an address of their own: two ends of a relay.

clients at 127.a.b.c --> near end (a process here) --published port--> far end (a container in the entry's network)
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from docker.types import Ulimit

from seatrial.stack._engine import ENGINE, NOT_OF_COMPOSE
from seatrial.stack._inside import passage
from seatrial.stack._ready import answers, wait_until

FAR_PORT = 61017
"""Inside the container: above the numbers that the kernel gives to outgoing connections."""

BOUNDS: Mapping[str, Any] = {
    "user": "65534:65534",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
    "read_only": True,
    "mem_limit": "64m",
    "pids_limit": 16,
    "ulimits": [Ulimit(name="nofile", soft=4096, hard=4096)],
    "healthcheck": {"test": ["NONE"]},
}
OPEN_S = 5.0
SHOWN = 200


class Passage:
    """Both ends for one stack: `url` is where such clients send to, `problem` says why there is no way."""

    def __init__(self, client: docker.DockerClient, *, stack: str, address: str) -> None:
        self.url = self.problem = ""
        self._address = address
        self._client = client
        self._name = f"{stack}-relay"
        self._starting: threading.Thread | None = None
        self._near: NearEnd | None = None

    def begin(self, entry: Container, port: int, *, images: Iterable[str], labels: Mapping[str, str]) -> None:
        """Begin to start the far end beside a container that listens on `port`, and return at once.

        It is made of the first image with a Python.
        """
        self._starting = threading.Thread(target=self._begin, args=(entry, port, images, labels), daemon=True)
        self._starting.start()

    def _begin(self, entry: Container, port: int, images: Iterable[str], labels: Mapping[str, str]) -> None:
        script = Path(passage.__file__).read_text(encoding="utf-8")
        command = ["-I", "-c", script, "far", str(FAR_PORT), str(port)]
        where: dict[str, Any] = {
            "name": self._name,
            "labels": {**NOT_OF_COMPOSE, **labels},
            "network_mode": f"container:{entry.id}",
        }
        for image in dict.fromkeys(images):
            try:
                self._client.containers.create(image, command, entrypoint=["python3"], **where, **BOUNDS).start()
            except ENGINE as error:
                self._remove()
                self.problem = f"no relay for others can run here ([stack] relay_image names an image): {_said(error)}"
            else:
                self.problem = ""
                return

    def open(self, port: int, ready: str, *, environment: Mapping[str, str]) -> None:
        """Start the near end before the published port of the far one, and see that it leads to the entry."""
        self._settle()
        if self.url or self.problem:
            return
        try:
            self._near = NearEnd(self._address, port, environment)
        except (OSError, ValueError) as error:
            self.problem = f"no relay for others can run here: {error}"
            return
        url = f"http://127.0.0.1:{self._near.port}"
        if wait_until(lambda: answers(url + ready), timeout_s=OPEN_S):
            self.url = url
        else:
            self.problem = f"the relay for others does not get through to the entry at 127.0.0.1{self._last_words()}"

    def _settle(self) -> None:
        """Wait until the far end was started, or could not be."""
        if self._starting:
            self._starting.join()

    def _last_words(self) -> str:
        try:
            lines = self._client.containers.get(self._name).logs(tail=1).decode(errors="replace").strip()
        except ENGINE:
            return ""
        return f": {lines[-SHOWN:]}" if lines else ""

    def close(self) -> None:
        """End both; safe to call twice."""
        self._settle()
        if self._near:
            self._near.close()
        self._remove()

    def _remove(self) -> None:
        try:
            self._client.containers.get(self._name).remove(force=True)
        except ENGINE:  # it is not there; or the engine is not, and whoever sweeps says so
            return


class NearEnd:
    """A process that ends when this one does, whatever ends it: it reads a pipe that nobody else holds."""

    def __init__(self, address: str, port: int, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", passage.__file__, "near", str(port), address],
            env=dict(environment),
            cwd="/",
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.close)
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        self.port = int(self._process.stdout.readline())

    def close(self) -> None:
        """End it; safe to call twice."""
        if self._process.poll() is None:
            self._process.communicate()


def _said(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)[:SHOWN]
