"""Print what a proof of rate limits costs, and what its raw client can do; nothing here judges them.

    python tests/benchmarks/proof.py [--runs 1] [--stack local] [--profile full] [--seconds 3]

The client is measured against a server that does nothing but answer, on this machine: requests in a second, one after
the other and over many connections; and how late a request is. The send-time error is how long after `sent` was read
the server has a request (both read the same steady clock): an upper bound, as it includes the way there. What an
interval from `sent` to `received` says of a server's time holds whatever it is, since `sent` is read first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from seatrial.throttle import Wire

ROOT = Path(__file__).parents[2]
CONNECTIONS = 32
LATE = 200


class Clock(asyncio.Protocol):
    """Answer each read with the time at which it came."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request of one read."""
        body = f"{time.monotonic():.9f}"
        answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        self.transport.write(answer * data.count(b"\r\n\r\n"))  # type: ignore[attr-defined]  # a stream's


def serve(pipe: Connection) -> None:
    """Serve until the process is ended."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Clock, "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def rate(url: str, connections: int, seconds: float) -> tuple[float, list[float]]:
    """Return requests in a second over so many connections, and the send-time errors in seconds."""
    wires = [await Wire(url, name="client", headers={}).open() for _ in range(connections)]
    until_s, errors = time.monotonic() + seconds, []

    async def ask(wire: Wire) -> int:
        count = 0
        while time.monotonic() < until_s:
            answer = await wire.send("GET", "/")
            errors.append(float(answer.body) - answer.sent.s)
            count += 1
        return count

    began_s = time.monotonic()
    counts = await asyncio.gather(*(ask(wire) for wire in wires))
    spent_s = time.monotonic() - began_s
    await asyncio.gather(*(wire.close() for wire in wires))
    return sum(counts) / spent_s, errors


async def lateness(url: str) -> list[float]:
    """Return how long after the moment for which they were due requests reached the server."""
    wire, late = await Wire(url, name="client", headers={}).open(), []
    for number in range(LATE):
        due_s = time.monotonic() + 0.005 + number % 7 * 0.001
        await asyncio.sleep(due_s - time.monotonic())
        answer = await wire.send("GET", "/")
        late.append(float(answer.body) - due_s)
    await wire.close()
    return late


def show(name: str, seconds: Sequence[float]) -> None:
    """Print a distribution in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    spread = f"median {cuts[49] * 1e3:.3f}  p99 {cuts[98] * 1e3:.3f}  max {max(seconds) * 1e3:.3f}"
    print(f"{name:<52} {spread} ms  n={len(seconds)}", flush=True)


def measure_client(seconds: float) -> None:
    """Print what the raw client can do."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    for connections in (1, CONNECTIONS):
        found, errors = asyncio.run(rate(url, connections, seconds))
        print(f"{f'raw client, {connections} connections':<52} {found:,.0f} requests in a second", flush=True)
        show(f"  send-time error, {connections} connections", errors)
    show("  how late a request arrives that waited for its time", asyncio.run(lateness(url)))
    server.terminate()


def measure_proof(stack: str, profile: str) -> None:
    """Print what one proof of the reference stack costs."""
    with tempfile.TemporaryDirectory() as out:
        words = ["limits", "prove", "--stack", stack, "--profile", profile, "--json", "--out", out]
        done = subprocess.run([sys.executable, "-m", "seatrial", *words], cwd=ROOT, capture_output=True, check=False)
        told = json.loads(done.stdout)
    for name, figures in told["limits"].items():
        ratio = f"{figures['window_ratio']:.4f} windows to the next one's first answer"
        cost = f"{figures['requests']:,.0f} requests in {figures['seconds']:.2f} s"
        print(f"{f'proof of {name}, {stack}, {profile}':<52} {cost}; {ratio}; {told['verdict']}", flush=True)
    print(f"{'  in all':<52} {sum(f['requests'] for f in told['limits'].values()):,.0f} requests", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--stack", default="local", choices=["local", "compose"])
    parser.add_argument("--profile", default="full", choices=["quick", "full"])
    parser.add_argument("--seconds", type=float, default=3.0)
    chosen = parser.parse_args()
    measure_client(chosen.seconds)
    for _ in range(chosen.runs):
        measure_proof(chosen.stack, chosen.profile)


if __name__ == "__main__":
    main()
