"""Print what the relay costs by which clients have an address of their own on compose.

    python tests/benchmarks/relay_cost.py [--starts 3] [--requests 1000]

The reference stack is started with and without it, in turn; the seconds of each start are printed. Then requests go to
`/api/v1/health/liveness` by the published port and by the relay in turn, each way over one connection that is kept; the
median and the 95th percentile of their latencies are printed, and the same for a connection each.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from seatrial.campaign import Options, Run, Stacks, open_run
from seatrial.config import load_settings
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
PATH = "/api/v1/health/liveness"
WITH, WITHOUT = ("ratelimit",), ("health",)
"""A suite that wants such clients, and one that does not."""


@contextmanager
def opened(suites: tuple[str, ...]) -> Iterator[Run]:
    """Open a run of these suites, and remove what it started."""
    with tempfile.TemporaryDirectory() as out:
        run = open_run(load_settings(ROOT / "seatrial.toml"), Options(stack="compose", out=out), suites=suites)
        try:
            yield run
        finally:
            run.close()


def start(run: Run) -> tuple[Stack, Stacks, float]:
    """Start the clean variant, and return how long that took."""
    stacks, began_s = Stacks(run, collector=None), time.monotonic()
    stack = stacks.get("clean")
    return stack, stacks, time.monotonic() - began_s


def latency(client: httpx.Client) -> float:
    """Return the milliseconds of one request."""
    began_s = time.perf_counter()
    client.get(PATH).raise_for_status()
    return 1000 * (time.perf_counter() - began_s)


def open_client(url: str) -> httpx.Client:
    """Return a client of an address of its own."""
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address="127.77.0.1"), trust_env=False)


def compare(stack: Stack, requests: int, *, keep: bool) -> None:
    """Print the latencies of both ways, taken in turn."""
    found: dict[str, list[float]] = {"published port": [], "relay": []}
    urls = dict(zip(found, (stack.url(), stack.by_address), strict=True))
    clients = {way: open_client(url) for way, url in urls.items()}
    for _ in range(requests):
        for way, client in clients.items():
            if not keep:
                client.close()
                clients[way] = client = open_client(urls[way])  # noqa: PLW2901 - another connection
            found[way].append(latency(client))
    kind = "one connection, kept" if keep else "a connection each"
    for way, times in found.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{kind:<21} {way:<15} median {statistics.median(times):.2f} ms, p95 {p95:.2f} ms")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=3)
    parser.add_argument("--requests", type=int, default=1000)
    chosen = parser.parse_args()
    for number in range(chosen.starts):
        for what, suites in (("without", WITHOUT), ("with", WITH)):
            with opened(suites) as run:
                stack, stacks, seconds = start(run)
                print(f"start {number + 1}, {what:<7} a relay: {seconds:.2f} s", flush=True)
                if what == "with" and number == chosen.starts - 1:
                    compare(stack, chosen.requests, keep=True)
                    compare(stack, chosen.requests // 4, keep=False)
                began_s = time.monotonic()
                stacks.stop_all()
                print(f"         stopped in {time.monotonic() - began_s:.2f} s", flush=True)


if __name__ == "__main__":
    main()
