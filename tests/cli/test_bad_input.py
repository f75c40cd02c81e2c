"""Bad input: each is a message that says what, where and what to do, exit 2 or 3, no traceback, nothing left."""

from __future__ import annotations

import contextlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

from seatrial.core import Outcome, content
from seatrial.record import CheckFinished, RunStarted, read_events

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
LOCAL = f"""
[stack]
entry = "app:8000"
ready = "/"
start_timeout_s = 3
[stack.local.services.app]
command = [{sys.executable!r}, "-c", "COMMAND"]
"""
OBJECTIVES = """[load.a]
rate_per_s = 1
[load.a.duration_s]
quick = 1
[load.a.objectives]
"""
LIMIT = """[[limits]]
quota = 1
window_s = 1
anonymous_by = "address"
path = "/a"
"""
Product = Callable[..., subprocess.CompletedProcess[str]]


def refuses(
    done: subprocess.CompletedProcess[str], *, code: int, slug: str, says: str = "", crash: bool = False
) -> None:
    """Assert that a command ended with one understandable message (and a service's own crash, where it had one)."""
    output = done.stdout + done.stderr
    assert done.returncode == code, output
    assert f"[{slug}]" in output
    assert "to do:" in output
    assert says in output
    assert crash or "Traceback" not in output


def project(folder: Path, text: str) -> Path:
    """Write a configuration and return its folder."""
    (folder / "seatrial.toml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "slug", "says"),
    [
        ('[stack]\ncompse = ["a.yml"]\n', "config-invalid", "did you mean 'compose'?"),
        ('\n[stack]\ncompse = ["a.yml"]\n', "config-invalid", "seatrial.toml:3"),
        ("[stack]\n\nentry = 8000\n", "config-invalid", "seatrial.toml:3"),
        ('[gate]\nrules = ["checks.failed = 0"]\n', "gate-rule", "METRIC OPERATOR NUMBER"),
        ('[gate]\nrules = ["checks.faild == 0"]\n', "gate-metric", "did you mean 'checks.failed'?"),
        (OBJECTIVES + 'p99 = "<= fast"\n', "gate-rule", "seatrial.toml:6"),
        (OBJECTIVES + 'p50 = "<= 1 s"\np99 = "250 ms"\n', "gate-rule", "seatrial.toml:7"),
        (OBJECTIVES + 'error_ratio = "<= 250 kg"\n', "gate-rule", "seatrial.toml:6"),
        (OBJECTIVES + 'error_rate = "<= 0"\n', "config-invalid", "did you mean 'error_ratio'?"),
        (OBJECTIVES.replace("= 1\n[", "= 0\n["), "config-invalid", "seatrial.toml:2"),
        (OBJECTIVES.replace("= 1\n[", "= nan\n["), "config-invalid", "seatrial.toml:2"),
        (OBJECTIVES.replace(".a", ".compare"), "config-invalid", "cannot be called 'compare'"),
        ("[stack\n", "config-syntax", "seatrial.toml"),
        (LIMIT + 'exempt = ["/a"]\n', "limits-contradictory", "seatrial.toml:6"),
        (LIMIT + LIMIT, "limits-contradictory", "two limits are called default"),
    ],
)
def test_wrong_configuration(product: Product, tmp_path: Path, text: str, slug: str, says: str) -> None:
    """A key, type, threshold or syntax that is wrong is named with its line or the nearest valid one."""
    refuses(product("run", cwd=project(tmp_path, text)), code=2, slug=slug, says=says)


@pytest.mark.parametrize(
    ("compose", "slug", "says"),
    [
        (None, "compose-missing", "docker-compose.yml"),
        ("services: [\n", "compose-invalid", "docker-compose.yml"),
        ("services: {web: {image: a}}\n", "compose-unknown-service", "did you mean 'web'?"),
    ],
)
def test_wrong_compose_file(product: Product, tmp_path: Path, compose: str | None, slug: str, says: str) -> None:
    """A compose file that is missing, does not parse or lacks a service is named; no engine is needed to say so."""
    if compose is not None:
        (tmp_path / "docker-compose.yml").write_text(compose)
    text = '[stack]\ncompose = ["docker-compose.yml"]\nservices = ["wbe"]\nentry = "web:80"\n'
    folder = project(tmp_path, text + LOCAL[LOCAL.index("[stack.local") :])
    refuses(product("run", "--stack", "local", "--only", "posture", cwd=folder), code=2, slug=slug, says=says)


@pytest.mark.parametrize(
    ("arguments", "slug", "says"),
    [
        (("run", "--only", "helth"), "suite-unknown", "did you mean 'health'?"),
        (("run", "--fault", "ratelimit-off-by-on"), "fault-unknown", "did you mean 'ratelimit-off-by-one'?"),
        (("run", "--stack", "kubernetes"), "driver-unknown", "compose, local, up"),
        (("run", "-n", "foo"), "arguments-invalid", "write auto, or a whole number from 0"),
        (("run", "-n", "-1"), "arguments-invalid", "'-1' is no number of workers"),
        (("run", "-n", "1.5"), "arguments-invalid", "seatrial run --help"),
        (("run", "--timeout", "soon"), "arguments-invalid", "write 90, 90s, 5m or 1h"),
        (("up", "--stack", "up"), "arguments-invalid", "'local'"),
        (("rnu",), "arguments-invalid", "'rnu'"),
        (("run", "--stack", "http://192.0.2.1:80"), "target-not-allowed", "[targets]"),
        (("checks", "explain", "health.livenes-answers"), "check-unknown", "health.liveness-answers"),
        (("run", "--config", "nowhere.toml"), "config-unreadable", "nowhere.toml"),
    ],
)
def test_wrong_arguments(product: Product, arguments: tuple[str, ...], slug: str, says: str) -> None:
    """A name that does not exist is answered with the nearest one, or with all."""
    refuses(product(*arguments, cwd=ROOT), code=2, slug=slug, says=says)


def test_doctor_refuses_a_wrong_configuration(product: Product, tmp_path: Path) -> None:
    """A configuration that `run` would refuse is no pass for the doctor either."""
    done = product("doctor", cwd=project(tmp_path, '[stack]\ncompse = ["a.yml"]\n'))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "did you mean 'compose'?" in done.stdout
    assert "seatrial run would use: nothing: stack.compse" in done.stdout


def test_doctor_says_what_a_run_would_use(product: Product, tmp_path: Path) -> None:
    """Without a compose file a run uses local processes, whether or not an engine answers."""
    done = product("doctor", cwd=project(tmp_path, LOCAL))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seatrial run would use: local: compose cannot be used here (no compose file is configured)" in done.stdout


def test_time_is_up_before_the_run_opens(product: Product, tmp_path: Path) -> None:
    """A time limit that ends while checks are still being collected is a failure of the environment, not Ctrl-C."""
    done = product("run", "--stack", "local", "--timeout", "0.01", cwd=project(tmp_path, LOCAL))
    refuses(done, code=3, slug="run-timeout", says="--timeout")


def test_no_record_to_report(product: Product, tmp_path: Path) -> None:
    """A run that never was is wrong usage, and named; that there was none yet is told by where it would be."""
    folder = project(tmp_path, "")
    refuses(product("report", "nothing", cwd=folder), code=2, slug="run-unknown", says="nothing")
    refuses(product("report", cwd=folder), code=3, slug="record-missing", says="latest")


def test_unwritable_out(product: Product, tmp_path: Path) -> None:
    """A file in the way of `--out` is named; nothing was started."""
    (tmp_path / "file").write_text("")
    done = product("run", "--stack", "local", "--only", "health", "--out", str(tmp_path / "file" / "run"), cwd=ROOT)
    refuses(done, code=3, slug="record-unwritable", says="--out")


@pytest.fixture
def small_disk(
    request: pytest.FixtureRequest, tmp_path: Path, require: Callable[[str], str], lacks: Callable[[str, str], NoReturn]
) -> Iterator[Path]:
    """Mount a disk of so many megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        [require("mount"), "-t", "tmpfs", "-o", f"size={request.param}m", "tmpfs", place],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        lacks("mount", "mounting a small disk is not permitted")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("small_disk", [1], indirect=True)
def test_full_disk(product: Product, small_disk: Path) -> None:
    """A disk without room for a run is told before anything is started."""
    done = product("run", "--stack", "local", "--only", "health", "--out", str(small_disk / "run"), cwd=ROOT)
    refuses(done, code=3, slug="disk-full", says="--out")


FILLS = """
import os
from pathlib import Path

def test_answers(client):
    \"""The service answers.\"""
    assert client.get("/").status_code == 200

def test_fills(client):
    \"""Somebody else fills the disk.\"""
    with open(os.environ["FILL"], "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    assert client.get("/").status_code == 200

def test_comes_later(client):
    \"""It still answers.\"""
    assert client.get("/").status_code == 200
"""


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("small_disk", [60], indirect=True)
def test_disk_that_fills_up(product: Product, small_disk: Path, tmp_path: Path, workers: str) -> None:
    """A disk that is full in the middle of a run ends it with one message; what was written before can be read."""
    serves = "import http.server as h; h.test(h.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    folder = project(tmp_path, 'suites = ["suites"]\n' + LOCAL.replace("COMMAND", serves))
    (folder / "suites").mkdir()
    (folder / "suites" / "pytest.ini").write_text((content("suites") / "pytest.ini").read_text())
    (folder / "suites" / "test_own.py").write_text(FILLS)
    out = small_disk / "run"
    done = product(
        "run", "--stack", "local", "--out", str(out), "-n", workers, cwd=folder, FILL=str(small_disk / "filler")
    )
    # The last block of the record may have had room for all that was left to say: then the reports are what fails.
    slug = "report-unwritable" if "[report-unwritable]" in done.stderr else "record-unwritable"
    refuses(done, code=3, slug=slug, says="No space left")
    events = list(read_events(out))
    assert isinstance(events[0], RunStarted)
    finished = [event.result for event in events if isinstance(event, CheckFinished)]
    passed = {result.check for result in finished if result.outcome is Outcome.PASSED}
    assert passed, events  # which of them: two workers may come to any first


def test_service_that_never_answers(product: Product, tmp_path: Path) -> None:
    """A service that does not become ready is shown with its last log lines."""
    command = "print('I wait for a miracle', flush=True); import time; time.sleep(60)"
    folder = project(tmp_path, LOCAL.replace("COMMAND", command))
    refuses(
        product("run", "--stack", "local", "--only", "health", cwd=folder),
        code=3,
        slug="service-unready",
        says="a miracle",
    )


def test_service_that_ends(product: Product, tmp_path: Path) -> None:
    """A service that ends while it starts is shown with its exit code and last log lines."""
    command = "import sys; sys.exit('BOOM: missing SECRET')"
    folder = project(tmp_path, LOCAL.replace("COMMAND", command))
    refuses(
        product("run", "--stack", "local", "--only", "health", cwd=folder), code=3, slug="service-exited", says="BOOM"
    )


@pytest.mark.parametrize("command", [("run", "--stack", "local", "--only", "health"), ("up", "--stack", "local")])
def test_service_that_ends_with_a_secret_on_its_lips(product: Product, tmp_path: Path, command: Sequence[str]) -> None:
    """What a failed start shows of a log names secrets, and does not tell them."""
    code = "import os, sys; sys.exit('BOOM: ' + os.environ['PASSPHRASE'])"
    text = LOCAL.replace("COMMAND", code) + '[stack.environment]\nPASSPHRASE = "{random}"\n'
    ended = product(*command, cwd=project(tmp_path, text))
    refuses(ended, code=3, slug="service-exited", says="BOOM: {{secret:PASSPHRASE}}")


def test_taken_port(product: Product, tmp_path: Path) -> None:
    """A port that somebody else listens on is named."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as taken:
        command = f"import http.server as h; h.HTTPServer(('127.0.0.1', {taken.server_port}), h.BaseHTTPRequestHandler)"
        folder = project(tmp_path, LOCAL.replace("COMMAND", command))
        done = product("run", "--stack", "local", "--only", "health", cwd=folder)
    refuses(done, code=3, slug="port-taken", says="in use", crash=True)


def test_docker_absent(product: Product, tmp_path: Path) -> None:
    """Without a docker program, compose says what to install and what to use instead."""
    refuses(
        product("run", "--stack", "compose", cwd=ROOT, PATH=str(tmp_path)), code=3, slug="docker-missing", says="local"
    )


def test_docker_without_permission(product: Product, tmp_path: Path) -> None:
    """Docker's own words about its socket become advice; root has every permission, so a program speaks them here."""
    fake = tmp_path / "docker"
    fake.write_text(
        "#!/bin/sh\necho 'permission denied while trying to connect to the Docker daemon socket' >&2\nexit 1\n"
    )
    fake.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    refuses(product("run", "--stack", "compose", cwd=ROOT, PATH=path), code=3, slug="docker-permission", says="group")


class Serves(http.server.BaseHTTPRequestHandler):
    """Answer every path with the server's text."""

    def do_GET(self) -> None:
        """Answer one request."""
        body = self.server.text.encode() if self.path == "/openapi.json" else b"{}"  # type: ignore[attr-defined]  # set below
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def serving(text: str) -> Iterator[str]:
    """Serve a text as the OpenAPI document."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Serves) as server:
        server.text = text  # type: ignore[attr-defined]  # what the handler answers
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("text", "code", "slug"),
    [
        ("", 3, "contract-unreachable"),
        ("<html>", 2, "contract-unreadable"),
        ('{"title": "no document"}', 2, "contract-not-openapi"),
    ],
)
def test_wrong_document(product: Product, tmp_path: Path, text: str, code: int, slug: str) -> None:
    """A document that is unreachable, not JSON or not OpenAPI ends the run with its URL."""
    folder = project(tmp_path, "[contract]\n")
    with serving(text) as url:
        done = product("run", "--stack", url, "--only", "contract", cwd=folder)
    refuses(done, code=code, slug=slug, says="/openapi.json")


@pytest.mark.parametrize("words", [(), ("--plan",), ("-n", "2")])
def test_waiver_of_no_check(product: Product, tmp_path: Path, words: tuple[str, ...]) -> None:
    """A waiver with a slug that is spelt wrong would be thought to hold: nothing starts, and the nearest is named."""
    text = '[[waivers]]\ncheck = "health.readiness-answer"\nreason = "r"\nowner = "o"\nexpires = "2999-12-31"\n'
    folder = project(tmp_path, text)
    done = product("run", *words, "--stack", "http://127.0.0.1:9", cwd=folder)
    refuses(done, code=2, slug="waiver-unknown", says="did you mean 'health.readiness-answers'")
    assert not (folder / ".seatrial").exists()
    listed = product("checks", "list", cwd=folder)
    assert listed.returncode == 0, listed.stderr
