"""The engine of this machine at another address of it: what comes in there goes to its socket, byte for byte."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

BESIDE_US = "unix:///var/run/docker.sock"
AT_ONCE = 65536
POLL_S = 0.01


def bridge_address() -> str:
    """Return the address of this machine in the engine's own network: not loopback, and there without any other."""
    words = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


class Carry(socketserver.BaseRequestHandler):
    """One connection, both ways, until both have ended: attached streams end one way first."""

    def handle(self) -> None:
        """Carry it."""
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(urlsplit(os.environ.get("DOCKER_HOST", BESIDE_US)).path)
            back = threading.Thread(target=_copy, args=(engine, self.request), daemon=True)
            back.start()
            _copy(self.request, engine)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while read := source.recv(AT_ONCE):
            sink.sendall(read)
        sink.shutdown(socket.SHUT_WR)


class Relay(socketserver.ThreadingTCPServer):
    """Connections are threads that nobody waits for."""

    daemon_threads = True
    block_on_close = False


@contextmanager
def relayed(address: str) -> Iterator[str]:
    """Listen at an address until the test is done with it; yields what DOCKER_HOST has to be."""
    with Relay((address, 0), Carry) as relay:
        threading.Thread(target=relay.serve_forever, args=(POLL_S,), daemon=True).start()
        try:
            yield f"tcp://{address}:{relay.server_address[1]}"
        finally:
            relay.shutdown()
