"""Fuzz services that this project did not write, and explain every finding.

    python tests/benchmarks/real_services.py [NAME ...] [--seed 1] [--keep FOLDER]

Each is installed into an environment of its own, once, and started on loopback; `seatrial contract` is run against it,
by the document that it serves. What is found has its reason here, by groups; a finding without one makes it end with 1.
`--keep` leaves the run directories in a folder.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seatrial.stack import ensure_environment
from seatrial.stack._ports import pick_ports

REQUIREMENTS = Path(__file__).parent / "services"
PATIENCE_S = 60.0
ELSEWHERE = ("XDG_", "JUPYTER_", "IPYTHON")
"""How the names of variables begin that put a user's files elsewhere than into his home."""

Whose = Literal["service", "document", "set-up"]


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with one reason: those whose `check operation cause` is a match, and whose mistake it is.

    `count` is how many there are at seed 1.
    """

    check: str
    where: str
    cause: str
    why: str
    whose: Whose
    count: int

    def explains(self, key: str) -> bool:
        """Return whether a finding is one of these."""
        check, _, rest = key.partition(" ")
        return bool(re.fullmatch(self.check, check) and re.fullmatch(f"{self.where} {self.cause}", rest))


@dataclass(frozen=True, slots=True)
class Service:
    """One service: how it is started, and why it does what is found; `command` may hold `{python}` and `{port}`."""

    name: str
    package: str
    about: str
    document: str
    command: Sequence[str]
    groups: Sequence[Group]
    settings: str = ""


KINTO = """
import sys, kinto, waitress
memory = dict((kind + "_backend", "kinto.core." + kind + ".memory") for kind in ("storage", "cache", "permission"))
app = kinto.main(dict(), userid_hmac_secret="a", bucket_create_principals="system.Everyone", **memory)
waitress.serve(app, listen="127.0.0.1:" + sys.argv[1])
"""
JUPYTER = ("--allow-root", "--no-browser", "--ServerApp.token=", "--ServerApp.disable_check_xsrf=True")

SERVICES = (
    Service(
        "glances",
        "glances 4.5.8",
        "OpenAPI 3.1, made by FastAPI",
        "/openapi.json",
        ("{python}", "-m", "glances", "-w", "-B", "127.0.0.1", "-p", "{port}", "--disable-autodiscover", "-q"),
        (
            Group(
                "no-server-error|status-documented",
                "(GET|POST) /api/4/processes/.*",
                ".*500.*",
                "its path takes any text for a process id, and its code makes a number of it without a look",
                "service",
                4,
            ),
            Group(
                "status-documented",
                "(GET|POST) /api/4/.*",
                "undocumented-status-code/40[04]",
                "it raises these statuses in its code, and FastAPI documents 200 and 422 alone unless it is told",
                "document",
                20,
            ),
            Group(
                "valid-input-accepted",
                "GET /api/4/.*",
                "schema-valid-request-rejected/400",
                "its paths take any text for plugins, items and settings, and the service knows some names only",
                "document",
                18,
            ),
            Group(
                "methods-agree",
                "GET /api/4/status",
                "allow",
                "it has a route for HEAD and one for GET, and its 405 lists the methods of the first alone",
                "service",
                1,
            ),
        ),
    ),
    Service(
        "kinto",
        "kinto 26.5.0",
        "Swagger 2.0, made by cornice",
        "/v1/__api__",
        ("{python}", "-W", "ignore", "-c", KINTO, "{port}"),
        (
            Group(
                "no-server-error",
                "POST /v1/batch",
                "server-error/500.*",
                "it looks for fields of the body before it has seen that this is an object",
                "service",
                1,
            ),
            Group(
                "no-server-error|status-documented",
                "GET /v1/__version__",
                ".*500.*",
                "it answers with a file that a deployment writes, and there was none here",
                "set-up",
                2,
            ),
            Group(
                "no-server-error",
                ".* /v1/buckets.*",
                "server-error-on-undeclared-request-content-type/500.*",
                "multipart/form-data without a boundary makes its framework break",
                "service",
                5,
            ),
            Group(
                "no-server-error",
                ".* /v1/buckets.*",
                "server-error/500.*",
                "the pattern of If-Match has no end at its `*`: what holds one is taken for a number in quotes",
                "service",
                1,
            ),
            Group(
                "response-schema",
                "POST /v1/batch",
                ".*/body/type",
                "the answer to a HEAD in a batch has an empty text as its body, where an object is documented",
                "document",
                1,
            ),
            Group(
                "invalid-input-refused",
                ".* /v1/.*",
                "schema-violating-request-accepted/20[01]",
                "its schemas take what is false in Python (0, an empty text) for what was not given",
                "service",
                12,
            ),
            Group(
                "valid-input-accepted",
                "POST /v1/batch",
                "schema-valid-request-rejected/400",
                "headers in a batch are documented as any values, and have to be texts",
                "document",
                1,
            ),
            Group(
                "valid-input-accepted",
                "(POST|PUT|PATCH) /v1/buckets.*",
                "schema-valid-request-rejected/400",
                "it refuses further fields, empty bodies and some ids, of which its document says nothing",
                "document",
                3,
            ),
            Group(
                "valid-input-accepted",
                ".* /v1/buckets.*",
                "schema-valid-request-rejected/400",
                "the pattern of If-Match allows whatever holds a `*`, and it takes that letter alone",
                "document",
                4,
            ),
            Group(
                "methods-agree",
                "GET /v1/buckets.*",
                "length",
                "it answers HEAD as if nothing were there, with the length of that",
                "service",
                1,
            ),
        ),
        settings='[stack]\nready = "/v1/__lbheartbeat__"\n',
    ),
    Service(
        "jupyter-server",
        "jupyter-server 2.21.1",
        "Swagger 2.0, written by hand, in YAML",
        "/api/spec.yaml",
        ("{python}", "-m", "jupyter_server", "--ip=127.0.0.1", "--port={port}", *JUPYTER, "--ServerApp.root_dir=."),
        (
            Group(
                "no-server-error",
                "POST /api/sessions",
                "server-error/501.*",
                "501 is its documented answer for a kernel that is not installed, and a status of 5xx all the same",
                "document",
                1,
            ),
            Group(
                "no-server-error|status-documented",
                "POST /api/kernels.*",
                ".*500.*",
                "it breaks where no kernel is installed, and none was",
                "set-up",
                4,
            ),
            Group(
                "no-server-error|status-documented",
                ".* /api/(contents|config|sessions).*",
                ".*500.*",
                "it takes any JSON for an object, and a file that is not there for one that cannot be written",
                "service",
                15,
            ),
            Group(
                "status-documented",
                ".*",
                "undocumented-status-code/40[0459]",
                "its document names few of the errors that its handlers raise",
                "document",
                19,
            ),
            Group(
                "content-type-documented",
                ".*",
                "undocumented-content-type/text/html.*",
                "what its handlers do not know is answered with a page for browsers",
                "service",
                10,
            ),
            Group(
                "response-schema",
                ".*",
                "response-violates-schema.*",
                "it answers null where its document has a text: Swagger 2.0 knows no null",
                "document",
                9,
            ),
            Group(
                "invalid-input-refused",
                ".*",
                "schema-violating-request-accepted/20.*",
                "it does not look at inputs that it has no use for",
                "service",
                3,
            ),
            Group(
                "valid-input-accepted",
                ".*",
                "schema-valid-request-rejected/400",
                "it needs fields that its document does not require, and takes few of the values that that allows",
                "document",
                4,
            ),
            Group(
                "method-not-allowed",
                ".*",
                "wrong-response-to-undeclared-method.*",
                "it answers 405 without Allow (RFC 9110, 15.5.6)",
                "service",
                18,
            ),
            Group(
                "methods-agree",
                "GET /api/spec.yaml",
                "status",
                "its HEAD calls its GET with an argument that this does not take, and breaks",
                "service",
                1,
            ),
        ),
        settings='[stack]\nready = "/api"\n',
    ),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one service: findings by `check operation cause`, open checks with reasons, and figures."""

    exit_code: int
    findings: Mapping[str, str]
    open: Mapping[str, str]
    figures: Mapping[str, float]
    took_s: float


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """Run a service in a folder and a home of its own, and return its URL; raises RuntimeError if it does not come up.

    Whatever it started is ended with it.
    """
    requirements = REQUIREMENTS / f"{service.name}.txt"
    python = ensure_environment(requirements, marks={}, progress=print) / "bin" / "python"
    (port,) = pick_ports(1)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as home:
        words = [word.replace("{python}", str(python)).replace("{port}", str(port)) for word in service.command]
        log = Path(folder, "log")
        with (
            log.open("wb") as out,
            subprocess.Popen(
                words, stdout=out, stderr=out, cwd=folder, env=at_home(home), start_new_session=True
            ) as process,
        ):
            try:
                _await(f"http://127.0.0.1:{port}{service.document}", log)
                yield f"http://127.0.0.1:{port}"
            finally:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def at_home(home: str) -> dict[str, str]:
    """Return variables with another home, where all else that is kept for a user is then looked for."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    return {**kept, "HOME": home}


def _await(url: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url).close()  # noqa: S310 - our own
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace")[-500:])


def fuzz(service: Service, url: str, seed: int, out: Path) -> Seen:
    """Run `seatrial contract` against a service."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "seatrial.toml")
        config.write_text(f'[contract]\ndocument = "{service.document}"\n{service.settings}')
        words = ["contract", url, "--config", str(config), "--seed", str(seed), "--out", str(out)]
        began_s = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", *words], cwd=folder, capture_output=True, text=True, check=False
        )
    if not (out / "verdict.json").exists():
        raise RuntimeError(done.stderr[-500:])
    told = json.loads((out / "verdict.json").read_text())
    return _seen(told, done.returncode, time.monotonic() - began_s)


def _seen(told: Mapping[str, Any], code: int, took_s: float) -> Seen:
    findings = {f"{f['check'].partition('.')[2]} {f['operation']} {f['cause']}": f["title"] for f in told["findings"]}
    left = {
        each["check"].partition(".")[2]: each["reason"]
        for each in told["outcomes"]
        if each["check"].startswith("contract.") and each["outcome"] in {"inconclusive", "not-tested"}
    }
    figures = {each["name"].partition(".")[2]: each["value"] for each in told["measurements"]}
    return Seen(code, findings, left, figures, took_s)


def sorted_out(service: Service, findings: Mapping[str, str]) -> tuple[dict[Group, list[str]], list[str]]:
    """Return the findings of each group, and those that none explains."""
    mine: dict[Group, list[str]] = defaultdict(list)
    unexplained: list[str] = []
    for key in sorted(findings):
        group = next((group for group in service.groups if group.explains(key)), None)
        (mine[group] if group else unexplained).append(key)
    return dict(mine), unexplained


def examine(service: Service, out: Path, seed: int = 1) -> tuple[Seen, list[str]]:
    """Fuzz a service, and return what was found with what nobody explains."""
    with serving(service) as url:
        seen = fuzz(service, url, seed, out)
    return seen, sorted_out(service, seen.findings)[1]


def rows(service: Service, seen: Seen) -> Iterator[str]:
    """Yield what was found of a service: a line, one for each reason, and what has none."""
    figures = ", ".join(f"{name} {seen.figures[name]:.0f}" for name in ("cases", "operations") if name in seen.figures)
    yield f"{service.name}: exit {seen.exit_code}, {figures}, {seen.took_s:.0f} s; {len(seen.findings)} findings"
    grouped, unexplained = sorted_out(service, seen.findings)
    for group, keys in grouped.items():
        yield f"    {len(keys):3} {group.check} {group.where}: {group.why} ({group.whose})"
    yield from (f"    open {name}: {why[:200]}" for name, why in seen.open.items())
    yield from (f"    NOT EXPLAINED {key}: {seen.findings[key]}" for key in unexplained)


def main() -> int:
    """Print what was found of each service, and why; ends with 1 when something is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default="")
    chosen = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for service in SERVICES:
            if not chosen.names or service.name in chosen.names:
                seen, wrong = examine(service, Path(chosen.keep or folder, service.name), chosen.seed)
                print("\n".join(rows(service, seen)), flush=True)
                failed += bool(wrong)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
