"""Print what `GET /api/v1/health` costs, beside a bare FastAPI route under uvicorn with its default access log.

    python tests/benchmarks/health_cost.py [--rounds 15] [--seconds 1]

Both run side by side, in the environment of the stack's own requirements and without instrumentation, and are measured
in turn. The cost is the CPU time of the server's process (`/proc/<pid>/stat`, user and system) divided by the requests
that it answered; wrk sends them over 4 connections, for a second each round. The goal is a ratio of 1.3 at the most.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from seatrial.stack import ServerPool, ensure_environment
from seatrial.stack._ports import pick_ports

STACK = Path(__file__).parents[2] / "fixtures" / "stack"
GOAL = 1.3
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
BARE = """
from fastapi import FastAPI

app = FastAPI()


@app.get("/api/v1/health")
async def health():
    return {"status": "ok"}
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers at `url`."""

    url: str
    pid: int


@contextmanager
def serving(command: list[str], port: int, folder: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run uvicorn, its log going to a file as it would to a container's engine."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            url = f"http://127.0.0.1:{port}/api/v1/health"
            wait_for(url)
            yield Server(url, process.pid)
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    """Return once a server answers; raises after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        try:
            httpx.get(url, timeout=1, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process so far, in seconds: user and system (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def cost_us(server: Server, seconds: int) -> float:
    """Send requests and return the CPU time of one of them, in microseconds."""
    before = cpu_s(server.pid)
    wrk = ["wrk", "--threads", "1", "--connections", "4", "--duration", f"{seconds}s", server.url]
    told = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    answered = re.search(r"(\d+) requests in", told)
    assert answered, told
    assert "Non-2xx" not in told, told
    return (cpu_s(server.pid) - before) / int(answered[1]) * 1e6


@contextmanager
def both(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Run the bare application and ours, each with one process."""
    (folder / "bare.py").write_text(BARE)
    uvicorn = str(ensure_environment(STACK / "requirements.txt", marks={}, progress=print) / "bin" / "uvicorn")
    bare_port, port = pick_ports(2)
    ours = [uvicorn, "app.main:create_app", "--factory", "--http", "app.protocol:Protocol"]
    ours += ["--no-proxy-headers", "--no-access-log"]
    with ExitStack() as running:
        environment = running.enter_context(configured())
        yield (
            running.enter_context(serving([uvicorn, "bare:app"], bare_port, folder, {})),
            running.enter_context(serving(ours, port, STACK, environment)),
        )


@contextmanager
def configured() -> Iterator[Mapping[str, str]]:
    """Start the servers that ours starts with, and return its production configuration."""
    pool = ServerPool.start()
    try:
        lease = pool.lease_database()
        postgres = pool.postgres.url(
            database=lease.name, role=lease.name, password=lease.password, port=pool.postgres.port
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
        yield {
            "DATABASE_URL": postgres,
            "REDIS_URL": pool.valkey.url(number=pool.lease_number(), port=pool.valkey.port),
            "APP_ENV": "production",
            "JWT_PUBLIC_KEY": key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            "JWT_ISSUER": "https://issuer.example",
            "JWT_AUDIENCE": "benchmark",
            "JWT_SECRET_KEY": secrets.token_hex(32),
            "ENCRYPTION_KEY": secrets.token_hex(32),
        }
    finally:
        pool.stop()


def main() -> int:
    """Measure in turn, print medians and their ratio; ends with 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, both(Path(folder)) as servers:
        for server in servers:
            cost_us(server, chosen.seconds)  # warm
        rounds = [[cost_us(server, chosen.seconds) for server in servers] for _ in range(chosen.rounds)]
    bare, ours = (statistics.median(figures) for figures in zip(*rounds, strict=True))
    ratios = sorted(ours_us / bare_us for bare_us, ours_us in rounds)
    print(f"bare FastAPI route {bare:7.1f} us of CPU a request (median of {chosen.rounds})")
    print(f"GET /api/v1/health {ours:7.1f} us")
    ratio = statistics.median(ratios)
    print(f"ratio {ratio:.2f} (pairwise median; min {ratios[0]:.2f}, max {ratios[-1]:.2f}; goal <= {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
