"""Run `seatrial limits discover` against rate limiters that this project did not write, and print what it found.

    python tests/benchmarks/real_limiters.py [NAME ...]

Python ones are installed into an environment of their own, Node ones into a folder of the cache (npm), both once. nginx
and haproxy are used where they are installed (Debian: nginx-light, haproxy); what is not here is said.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.stack import ensure_environment
from seatrial.stack._folders import cache_root
from seatrial.stack._ports import pick_ports

HERE = Path(__file__).parent / "limiters"
PACKAGES = ("express@5", "express-rate-limit@8.7.5", "rate-limiter-flexible@11.4.0")
POOL = ("--address-pool", "127.40.0.0/16", "--path-template", "/items/{i}")
QUOTA, WINDOW_S = 10, 4
NGINX = """
daemon off; user root; pid {folder}/pid; error_log /dev/null; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  limit_req_zone $binary_remote_addr zone=one:1m rate=5r/s;
  server {{
    listen 127.0.0.1:{port}; root {folder};
    location / {{ limit_req zone=one burst=9 {delay}; try_files /configuration =404; }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend limited
  bind 127.0.0.1:{port}
  stick-table type ip size 100k expire 30s store http_req_rate(4s)
  http-request track-sc0 src
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 10 }}
  http-request return status 200 content-type text/plain string ok
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One limiter: how it is started, and what it is known to do."""

    name: str
    expected: Mapping[str, Any]
    defects: tuple[str, ...] = ()
    arguments: Sequence[str] = field(default=POOL)


def kind(algorithm: str, anchor: str | None = None, window_s: float = WINDOW_S, **more: Any) -> dict[str, Any]:
    """Return what is expected of a limiter of ten requests."""
    usual = {"algorithm": algorithm, "anchor": anchor, "quota": QUOTA, "window_s": window_s, "status": 429}
    return {**usual, **more}


TARGETS = (
    Target("FixedWindowRateLimiter", kind("fixed-window", "first-request")),
    Target("MovingWindowRateLimiter", kind("sliding-log")),
    Target("SlidingWindowCounterRateLimiter", kind("sliding-counter", "clock")),
    # Its default key is the URL. uvicorn trusts X-Forwarded-For from 127.0.0.1 by default, not from 127.40.0.0/16.
    Target("slowapi", kind("fixed-window", "first-request"), ("path-parameter-in-key",)),
    # It cuts Retry-After to whole seconds instead of rounding it up.
    Target("flask-limiter", kind("sliding-log"), ("retry-after-untrue",)),
    # It reads X-Forwarded-For unless NUM_PROXIES is set.
    Target("drf", kind("sliding-log"), ("x-forwarded-for",)),
    Target("django-ratelimit", kind("fixed-window", "per-key", status=403), ("status-403",)),
    Target("express-rate-limit", kind("fixed-window", "first-request"), ("same-tick-over-reject",)),
    Target("rate-limiter-flexible", kind("fixed-window", "first-request"), ("retry-after-malformed",)),
    Target("nginx-nodelay", kind("token-bucket", None, 2, status=503), ("status-503",)),
    Target("nginx-delay", kind("leaky-queue", None, 2, status=503), ("status-503",)),
    # Its counter counts refusals, so a client that goes on asking tells little: in some runs a log would do as well.
    Target("haproxy", kind("sliding-counter", "clock", rejected_count=True), ("rejected-count",)),
)


def command(name: str, port: int, folder: Path) -> list[str] | str:
    """Return how a limiter is started, or why it cannot be."""
    if name.startswith("nginx"):
        return _configured("nginx", ["-p", str(folder), "-c"], NGINX, name, port, folder)
    if name == "haproxy":
        return _configured("haproxy", ["-db", "-f"], HAPROXY, name, port, folder)
    if name in {"express-rate-limit", "rate-limiter-flexible"}:
        return _node(name, port)
    python = ensure_environment(HERE / "requirements.txt", marks={}, progress=print) / "bin" / "python"
    return [str(python), str(HERE / "apps.py"), name, str(port)]


def _configured(  # noqa: PLR0913, PLR0917 - what a configuration is made of
    program: str, options: list[str], text: str, name: str, port: int, folder: Path
) -> list[str] | str:
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin")
    if not found:
        return f"{program} is not installed here"
    file = folder / "configuration"
    file.write_text(text.format(port=port, folder=folder, delay="" if name.endswith("-delay") else "nodelay"))
    return [found, *options, str(file)]


def _node(name: str, port: int) -> list[str] | str:
    if not (shutil.which("node") and shutil.which("npm")):
        return "node and npm are not installed here"
    modules = cache_root() / "real-limiters"
    if not (modules / "node_modules" / "rate-limiter-flexible").exists():
        modules.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--prefix", str(modules), *PACKAGES], check=True)
    return ["env", f"NODE_PATH={modules / 'node_modules'}", "node", str(HERE / "apps.js"), name, str(port)]


@contextmanager
def serving(target: Target) -> Iterator[str]:
    """Run a limiter, and return the URL of its endpoint; raises RuntimeError when it cannot be had."""
    (port,) = pick_ports(1)
    with tempfile.TemporaryDirectory() as folder:
        line = command(target.name, port, Path(folder))
        if isinstance(line, str):
            raise RuntimeError(line)  # noqa: TRY004 - not about types
        log = Path(folder, "log")
        with log.open("wb") as out, subprocess.Popen(line, stdout=out, stderr=out, cwd=HERE) as process:
            try:
                _await(port, log)
                yield f"http://127.0.0.1:{port}/items/7"
            finally:
                process.terminate()


def _await(port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(log.read_text()[-500:])


def examine(target: Target) -> tuple[dict[str, Any], list[str]]:
    """Discover a limiter's policy, and return it with what is not as expected."""
    with serving(target) as url:
        line = [sys.executable, "-m", "seatrial", "limits", "discover", url, "--json", *target.arguments]
        done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    found = json.loads(done.stdout) if done.stdout else {"inconclusive": done.stderr}
    wrong = [f"{key}: {found.get(key)!r}" for key, value in target.expected.items() if not _same(found.get(key), value)]
    defects = set(found.get("defects", ()))
    wrong += [f"not found: {word}" for word in sorted(set(target.defects) - defects)]
    wrong += [f"found too: {word}" for word in sorted(defects - set(target.defects))]
    return found, wrong


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, int) and isinstance(found, (int, float)) and not isinstance(expected, bool):
        return bool(abs(found - expected) <= 0.15 * expected)
    return bool(found == expected)


def main() -> int:
    """Print a row for each limiter; ends with 1 when something is not as expected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    failed = 0
    for target in TARGETS:
        if names and target.name not in names:
            continue
        try:
            found, wrong = examine(target)
        except RuntimeError as error:
            print(f"{target.name:<32} not tried: {error}", flush=True)
            continue
        print(row(target, found, wrong), flush=True)
        failed += bool(wrong)
    return int(failed > 0)


def row(target: Target, found: Mapping[str, Any], wrong: Sequence[str]) -> str:
    """Return what was found of a limiter in a line."""
    policy = " ".join(str(found.get(key)) for key in ("algorithm", "anchor", "quota", "window_s", "status"))
    windows = (found.get("seconds") or 0.0) / (target.expected["window_s"] or WINDOW_S)
    cost = f"{found.get('requests')} requests {windows:.2f} windows"
    defects = ",".join(found.get("defects", ())) or "none"
    return f"{target.name:<32} {policy} defects={defects} {cost} {'; '.join(wrong) or 'as expected'}"


if __name__ == "__main__":
    sys.exit(main())
