"""What nginx answers itself, in front of the scaled reference stack, has the api's form: envelope and trace id."""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "fixtures" / "stack" / "nginx" / "nginx.conf"
IMAGE = "nginx:1.28"
PATIENCE_S = 20
AGAIN = {502, 503, 504}
HANGS = ["perl", "-MIO::Socket::INET", "-e", "my $s = IO::Socket::INET->new(Listen => 9, LocalPort => 8000); sleep 600"]
"""Takes connections and says nothing; the image of nginx has perl."""

REST = b"Host: localhost\r\nConnection: close\r\n\r\n"
OWN = {
    "no request line": (b"nonsense\r\n\r\n", 400),
    "NUL in a header": (b"GET / HTTP/1.1\r\nX-Odd: \x00\r\n" + REST, 400),
    "a length that is no number": (b"POST / HTTP/1.1\r\nContent-Length: many\r\n" + REST, 400),
    "a method that it forbids": (b"TRACE / HTTP/1.1\r\n" + REST, 405),
    "too large a body": (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n" + REST, 413),
    "too long an address": (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n" + REST, 414),
    "too long a header": (b"GET / HTTP/1.1\r\nX-Odd: " + b"a" * 40_000 + b"\r\n" + REST, 431),
    "an odd encoding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: odd\r\n" + REST, 501),
    "no api behind it": (b"GET /api/v1/health?secret=1 HTTP/1.1\r\n" + REST, 502),
}


def docker(*arguments: str) -> str:
    """Run a command of the engine and return what it says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=120, check=True)
    return (done.stdout + done.stderr).strip()


@pytest.fixture(scope="module")
def nginx(engine: None) -> Iterator[tuple[str, int]]:
    """Run nginx as the stack does, with nothing behind it; yield the container and its port."""
    del engine
    name = f"seatrial-nginx-{secrets.token_hex(4)}"
    docker("network", "create", name)
    mount = ["--volume", f"{CONFIG}:/etc/nginx/nginx.conf:ro", "--read-only", "--tmpfs", "/tmp", "--user", "nginx"]  # noqa: S108 - inside the container
    docker("run", "--detach", "--name", name, "--network", name, "--publish", "127.0.0.1:0:8080", *mount, IMAGE)
    try:
        port = int(docker("port", name, "8080").splitlines()[0].rpartition(":")[2])
        await_ready(port)
        yield name, port
    finally:
        docker("rm", "--force", name)
        docker("network", "rm", name)


def await_ready(port: int) -> None:
    """Return when nginx answers."""
    until_s = time.monotonic() + PATIENCE_S
    while b" 204 " not in answer(port, b"GET /nginx-health HTTP/1.1\r\n" + REST):
        assert time.monotonic() < until_s, "nginx does not answer"
        time.sleep(0.1)


def answer(port: int, request: bytes) -> bytes:
    """Send bytes and return what comes back until the connection ends; nothing where it cannot be reached."""
    received = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection:
            connection.sendall(request)
            while part := connection.recv(65_536):
                received += part
    except ConnectionError:
        pass
    return received


@pytest.mark.parametrize(("request_", "status"), OWN.values(), ids=OWN)
def test_errors_are_enveloped(nginx: tuple[str, int], request_: bytes, status: int) -> None:
    """Each has its status, a trace id in header and body, and the headers that browsers need."""
    head, _, body = answer(nginx[1], request_).decode().partition("\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:])
    error = json.loads(body)["error"]
    assert int(head.split()[1]) == status
    assert error["code"] == HTTPStatus(status).name.lower()
    assert re.fullmatch("[0-9a-f]{32}", error["trace_id"])
    assert headers["x-trace-id"] == error["trace_id"]
    assert (headers["content-type"], headers["cache-control"]) == ("application/json", "no-store")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers.get("retry-after") == ("1" if status in AGAIN else None)


def test_trace_id_is_taken_over_and_logged(nginx: tuple[str, int]) -> None:
    """A caller's well-formed id stands in the answer and, with the path without its query, in the log."""
    name, port = nginx
    asked = b"POST /api/v1/analysis?secret=1 HTTP/1.1\r\nContent-Length: 0\r\nX-Trace-ID: %b\r\n" + REST
    assert b'"trace_id":"sea-trial-0001"' in answer(port, asked % b"sea-trial-0001")
    assert b"<script>" not in answer(port, asked % b"<script>1234")
    (line,) = [json.loads(line) for line in docker("logs", name).splitlines() if "sea-trial-0001" in line]
    assert (line["method"], line["path"], line["status_code"]) == ("POST", "/api/v1/analysis", 502)


@pytest.fixture
def hanging(nginx: tuple[str, int]) -> Iterator[int]:
    """Put an instance behind nginx that takes requests and never answers; return nginx' port."""
    name, port = nginx
    docker("run", "--detach", "--name", f"{name}-api", "--network", name, "--network-alias", "api", IMAGE, *HANGS)
    try:
        yield port
    finally:
        docker("rm", "--force", f"{name}-api")


def test_an_instance_that_hangs_holds_nobody(hanging: int) -> None:
    """After ten seconds the answer is 504, and says when to come again."""
    until_s = time.monotonic() + PATIENCE_S
    head, seconds = "502", 0.0
    while "502" in head.splitlines()[0] and time.monotonic() < until_s:  # until nginx has found the instance
        time.sleep(0.1)
        began_s = time.monotonic()
        head, _, body = answer(hanging, b"GET /api/v1/health HTTP/1.1\r\n" + REST).decode().partition("\r\n\r\n")
        seconds = time.monotonic() - began_s
    assert "504" in head.splitlines()[0]
    assert 9 < seconds < PATIENCE_S
    assert "retry-after: 1" in head.lower()
    assert json.loads(body)["error"]["code"] == "gateway_timeout"
