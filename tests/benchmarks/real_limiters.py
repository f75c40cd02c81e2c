"""Discover the policies of rate limiters that this project did not write, prove them, and explain every finding.

    python tests/benchmarks/real_limiters.py [NAME ...]

`seatrial limits discover` is asked for each, and `seatrial limits prove` with the block that it prints. Each defect and
each refuted claim has its reason here; one without, and one that is expected and not found, make it end with 1.

Python ones are installed into an environment of their own, Node ones into a folder of the cache (npm), both once. nginx
and haproxy are used where they are installed (Debian: nginx-light, haproxy); what is not here is said.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seatrial.stack import ensure_environment
from seatrial.stack._folders import cache_root
from seatrial.stack._ports import pick_ports

HERE = Path(__file__).parent / "limiters"
PACKAGES = ("express@5", "express-rate-limit@8.7.5", "rate-limiter-flexible@11.4.0")
POOL = ("--address-pool", "127.40.0.0/16", "--path-template", "/items/{i}")
PROVERS = ("--address-pool", "127.41.0.0/16")
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
    """One limiter: how it is started, what it is known to do, and why it does what `discover` and `prove` object to.

    What is found `sometimes` goes by the moment, or by how it is told apart; so do the fields that `may_stay_open`.
    """

    name: str
    expected: Mapping[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)
    refuted: Mapping[str, str] = field(default_factory=dict)
    sometimes: Mapping[str, str] = field(default_factory=dict)
    may_stay_open: frozenset[str] = frozenset()
    arguments: Sequence[str] = field(default=POOL)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found of one limiter: its block, the fields, defects, refuted claims by their reason, and the cost."""

    block: str
    fields: Mapping[str, Any]
    defects: frozenset[str]
    refuted: Mapping[str, str]
    undecided: Mapping[str, str]
    cost: str


def kind(algorithm: str, anchor: str | None = None, window_s: float = WINDOW_S, **more: Any) -> dict[str, Any]:
    """Return what is expected of a limiter of ten requests."""
    usual = {"algorithm": algorithm, "anchor": anchor, "quota": QUOTA, "window_s": window_s, "status": 429}
    return {**usual, **more}


FRACTION = "its README sets Retry-After to msBeforeNext / 1000, a fraction; RFC 9110 has whole seconds"
ONE_TICK = "its MemoryStore hands out the object that it counts in, so that requests of one tick all see its last count"
FORWARDED = "it takes X-Forwarded-For for the client, whoever sends it, unless NUM_PROXIES is set"
CUT = "it cuts Retry-After to whole seconds instead of rounding it up"
UNAVAILABLE = "limit_req_status is 503 unless it is configured"
BY_URL = "its default key_style is the URL: each resource has a quota of its own, and a space makes it another one"
EPOCH = "it sets X-RateLimit-Reset to a fraction of seconds"
DENIED = "its exception is a PermissionDenied, which Django answers with 403 where no handler says 429"
BY_ITSELF = (
    "Flask answers OPTIONS by itself, and its decorator limits the view alone, which such a request never reaches"
)
DELAYED = "limit_req without nodelay makes requests wait that are too many, up to its burst"
TRACKED = "http_req_rate counts every request that is tracked, before it is denied"

TARGETS = (
    Target("FixedWindowRateLimiter", kind("fixed-window", "first-request")),
    Target("MovingWindowRateLimiter", kind("sliding-log")),
    Target("SlidingWindowCounterRateLimiter", kind("sliding-counter", "clock")),
    Target(
        "slowapi",
        kind("fixed-window", "first-request"),
        {"path-parameter-in-key": BY_URL, "reset-malformed": EPOCH},
        {"headers-truthful": EPOCH},
        {"path-spelling": BY_URL},
    ),
    Target(
        "flask-limiter",
        kind("sliding-log"),
        {"retry-after-untrue": CUT},
        sometimes={"retry-after-honoured": CUT, "method": BY_ITSELF},
    ),
    Target("drf", kind("sliding-log"), {"x-forwarded-for": FORWARDED}, {"forwarded-for-ignored": FORWARDED}),
    Target(
        "django-ratelimit",
        kind("fixed-window", "per-key", status=403),
        {"status-403": DENIED},
    ),
    Target(
        "express-rate-limit",
        kind("fixed-window", "first-request"),
        {"same-tick-over-reject": ONE_TICK},
        {"quota-exact": ONE_TICK},
    ),
    Target(
        "rate-limiter-flexible",
        kind("fixed-window", "first-request"),
        {"retry-after-malformed": FRACTION},
        {"retry-after-honoured": FRACTION},
    ),
    Target("nginx-nodelay", kind("token-bucket", None, 2, status=503), {"status-503": UNAVAILABLE}),
    Target(
        "nginx-delay", kind("leaky-queue", None, 2, status=503), {"status-503": UNAVAILABLE}, {"quota-exact": DELAYED}
    ),
    # In some runs a log would explain as well what a client saw that goes on asking.
    Target(
        "haproxy",
        kind("sliding-counter", "clock", rejected_count=True),
        sometimes={"rejected-count": TRACKED},
        may_stay_open=frozenset({"algorithm", "anchor", "window_s", "rejected_count"}),
    ),
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


def examine(target: Target) -> tuple[Seen, list[str]]:
    """Discover a limiter's policy and prove it, and return what was found with what nobody explains."""
    with serving(target) as url:
        seen = _discover(target, url)
        if seen.block:
            seen = _prove(seen, url)
    left = target.may_stay_open & seen.undecided.keys()
    other = [key for key, value in target.expected.items() if not _same(seen, key, value) and key not in left]
    wrong = [f"{key}: {seen.fields.get(key)!r}" for key in other]
    wrong += unexplained("defect", target.reasons, seen.defects - target.sometimes.keys())
    wrong += unexplained("refuted", target.refuted, seen.refuted.keys() - target.sometimes.keys())
    return seen, wrong


def unexplained(kind: str, reasons: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return what was found and has no reason, and what has one and was not found."""
    known, seen = set(reasons), set(found)
    missing = [f"{kind} not found: {word}" for word in sorted(known - seen)]
    return [*missing, *(f"{kind} without a reason: {word}" for word in sorted(seen - known))]


def _run(*words: str) -> str:
    line = [sys.executable, "-m", "seatrial", "limits", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})
    return done.stdout or done.stderr


def _discover(target: Target, url: str) -> Seen:
    """Infer a policy; what people read has the block, and as much as the JSON object has."""
    told = _run("discover", url, *target.arguments)
    fields = {name: json.loads(value) for name, value in re.findall(r"^(\w+) +(.+?)  \(\w+[,:]", told, re.MULTILINE)}
    defects = frozenset(re.findall(r"^defect (.+?): ", told, re.MULTILINE))
    block = told[: told.index("\n\n")] if told.startswith("[[limits]]") else ""
    left = dict(re.findall(r"^inconclusive (\w+): (.*)", told, re.MULTILINE))
    cost = next(iter(re.findall(r"^\d+ requests in .*", told, re.MULTILINE)), told[-300:])
    return Seen(block, fields, defects, {}, left, cost)


def _prove(seen: Seen, url: str) -> Seen:
    """Prove the block as it is."""
    parts = urlsplit(url)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "seatrial.toml")
        config.write_text(f'[stack]\nready = "{parts.path}"\n\n{seen.block}\n')
        words = (
            "--address-pool",
            "127.41.0.0/16",
            "--config",
            str(config),
            "--out",
            str(Path(folder, "run")),
            "--json",
        )
        told = json.loads(_run("prove", f"http://{parts.netloc}", *words))
    by_word: dict[str, dict[str, str]] = {"REFUTED": {}, "INCONCLUSIVE": {}}
    for row in told["claims"]:
        by_word.get(row["verdict"], {})[row["claim"].partition(".")[2]] = row["reason"]
    return replace(seen, refuted=by_word["REFUTED"], undecided={**seen.undecided, **by_word["INCONCLUSIVE"]})


def _same(seen: Seen, key: str, expected: Any) -> bool:
    found = seen.fields.get(key)
    if isinstance(expected, int) and isinstance(found, (int, float)) and not isinstance(expected, bool):
        return bool(abs(found - expected) <= 0.15 * expected)
    return bool(found == expected)


def main() -> int:
    """Print what was found of each limiter, and why; ends with 1 when something is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    names = parser.parse_args().names
    failed = 0
    for target in TARGETS:
        if names and target.name not in names:
            continue
        try:
            seen, wrong = examine(target)
        except RuntimeError as error:
            print(f"{target.name:<32} not tried: {error}", flush=True)
            continue
        print("\n".join(rows(target, seen, wrong)), flush=True)
        failed += bool(wrong)
    return int(failed > 0)


def rows(target: Target, seen: Seen, wrong: Sequence[str]) -> Iterator[str]:
    """Yield what was found of a limiter: a line, and one for each finding."""
    policy = " ".join(str(seen.fields.get(key)) for key in ("algorithm", "anchor", "quota", "window_s", "status"))
    yield f"{target.name:<32} {policy}; {seen.cost}; {'NOT EXPLAINED' if wrong else 'explained'}"
    yield from (
        f"    defect {word}: {target.reasons.get(word) or target.sometimes.get(word, '?')}"
        for word in sorted(seen.defects)
    )
    for claim, title in seen.refuted.items():
        yield f"    refuted {claim}: {title}: {target.refuted.get(claim) or target.sometimes.get(claim, '?')}"
    yield from (f"    open {name}: {reason}" for name, reason in seen.undecided.items())
    yield from (f"    NOT EXPLAINED {each}" for each in wrong)


if __name__ == "__main__":
    sys.exit(main())
