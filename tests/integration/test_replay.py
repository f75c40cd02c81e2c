"""A recorded finding is sent again to a real service: there it is still, or it is gone, or nothing can be said."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from contract_process import contract_service

from seatrial.cli._main import run_command_line
from seatrial.core import CheckResult, Exchange, Finding, Outcome, Request, Response, Severity
from seatrial.fuzz import replay
from seatrial.http import SigningKey
from seatrial.record import CheckFinished, ExchangeRecorded, Recorder, RunStarted, StackReady

KEY = SigningKey.generate()
THEN = "http://127.0.0.1:1"
"""Where the service of the record was: nobody is there now."""

CONFIG = """
[auth]
public_key_variable = "K"
private_key_file = "private.pem"
claims = { sub = "{user}", org = "{organisation}" }
[contract]
"""
MINE = (("Authorization", "{{secret:user-1}}"), ("Content-Type", "application/json"))
MADE = '{"id": "item-00000077", "name": "a"}'
READ = ("GET", "/items/item-00000077", "")
LIFE = [("POST", "/items", '{"name": "a"}', 201, MADE)]
Step = tuple[str, str, str, int, str]

FINDINGS: dict[str, tuple[str, str, str, list[Step]]] = {
    # the defect that shows it: check, operation, cause, and method, path, body, status, answer of each request
    "crash": (
        "no-server-error",
        "POST /crash",
        "server-error/500/oops",
        [("POST", "/crash", f'{{"name": "{"a" * 13}"}}', 500, "")],
    ),
    "drop": ("no-server-error", "POST /drop", "no-answer", [("POST", "/drop", f'{{"name": "{"a" * 13}"}}', 0, "")]),
    "status": ("status-documented", "GET /status", "undocumented/203", [("GET", "/status", "", 203, '{"ok": true}')]),
    "media": ("content-type-documented", "GET /media", "undocumented", [("GET", "/media", "", 200, '{"ok": true}')]),
    "headers": ("headers-documented", "GET /headers", "missing", [("GET", "/headers", "", 200, '{"ok": true}')]),
    "schema": (
        "response-schema",
        "GET /items/{id}",
        "response-violates-schema/200/properties/name/type",
        [*LIFE, (*READ, 200, '{"id": "item-00000077", "name": 7}')],
    ),
    "lenient": ("invalid-input-refused", "POST /lenient", "accepted", [("POST", "/lenient", "[]", 200, "")]),
    "strict": (
        "valid-input-accepted",
        "POST /strict",
        "rejected/422",
        [("POST", "/strict", f'{{"name": "{"a" * 13}"}}', 422, "")],
    ),
    "method": ("method-not-allowed", "GET /method", "wrong", [("PUT", "/method", "", 200, "")]),
    "undead": (
        "resource-lifecycle",
        "GET /items/{id}",
        "deleted-resource-still-available",
        [*LIFE, ("DELETE", READ[1], "", 200, ""), (*READ, 200, MADE)],
    ),
    "vanish": ("resource-lifecycle", "GET /items/{id}", "created-resource-not-found", [*LIFE, (*READ, 404, "")]),
    "shared": ("tenants-apart", "GET /items/{id}", "read-across", [*LIFE, (*READ, 200, MADE)]),
    "bogus": ("authentication-enforced", "GET /bogus", "open-to-impostor", [("GET", "/bogus", "", 200, "")]),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a project whose tokens can be signed."""
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    KEY.save(tmp_path / "private.pem")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def exchange(number: int, operation: str, step: Step, headers: tuple[tuple[str, str], ...] = MINE) -> Exchange:
    """Return a request as the record keeps it."""
    method, path, body, status, answer = step
    request = Request(method=method, url=THEN + path, headers=headers, body=body)
    response = Response(status=status, body=answer) if status else None
    who = "user-1" if headers is MINE else ""
    return Exchange(
        id=f"x-{number}", operation=operation, identity=who, request=request, response=response, sent_s=0, received_s=1
    )


def recorded(folder: Path, defect: str) -> str:
    """Write the record of a run that found a defect, and return the finding's fingerprint."""
    name, operation, cause, steps = FINDINGS[defect]
    headers = (("Authorization", "Bearer made-up"),) if defect == "bogus" else MINE
    labels = ["POST /items" if path == "/items" else operation for _, path, *_ in steps]
    exchanges = [exchange(number, labels[number], step, headers) for number, step in enumerate(steps)]
    ids = tuple(each.id for each in exchanges)
    check = f"contract.{name}"
    finding = Finding(
        check=check, severity=Severity.HIGH, title="t", cause=cause, operation=operation, evidence=ids, steps=ids
    )
    recorder = Recorder(folder / "run")
    recorder.emit(RunStarted(run="r", version="0", started="", stack="local", why_stack="", profile="quick", seed=1))
    recorder.emit(StackReady(variant="instrumented", driver="local", url=THEN, duration_s=1))
    for each in exchanges:
        recorder.emit(ExchangeRecorded(exchange=each))
    recorder.emit(
        CheckFinished(result=CheckResult(check=check, outcome=Outcome.FAILED, reason="r", findings=(finding,)))
    )
    recorder.close()
    return finding.fingerprint


@pytest.mark.parametrize("defect", FINDINGS)
def test_a_finding_is_there_until_its_defect_is_mended(
    defect: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sent to the service with the defect it is found once more, with exit code 1; without it, it is gone: 0."""
    fingerprint = recorded(project, defect)
    codes = []
    for defects in ((defect,), ()):
        with contract_service(project, KEY, *defects) as target:
            codes.append(run_command_line(["replay", fingerprint[:8], "--run", "run", "--stack", target.url]))
    told = capsys.readouterr().out
    assert codes == [1, 0], told
    assert "replay:  still there: " in told
    assert "replay:  gone: " in told


def test_what_cannot_be_set_up_again_is_undecided(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a request that leads to it ends otherwise, or nobody is there, nothing is said of the finding."""
    fingerprint = recorded(project, "schema")
    (project / "seatrial.toml").write_text(CONFIG.replace("org =", "team ="))  # whose tokens the service takes for none
    with contract_service(project, KEY, "schema", "locked") as target:
        assert run_command_line(
            ["replay", fingerprint, "--run", "run", "--stack", target.url.replace("127.0.0.1", "127.0.0.2")]
        )
        codes = [run_command_line(["replay", fingerprint, "--run", "run", "--stack", THEN])]
    assert codes == [3]
    assert "replay:  undecided: POST /items: no answer, then it was 201" in capsys.readouterr().out


class Slow(http.server.BaseHTTPRequestHandler):
    """A thing can be read at its second look, and is broken by its third one."""

    looks: list[str]

    def do_POST(self) -> None:
        """Make a thing."""
        self.say(201, {"id": "new"})

    def do_GET(self) -> None:
        """Say how far a thing is."""
        self.looks.append(self.path)
        self.say(404 if len(self.looks) == 1 else 500 if len(self.looks) > 2 else 200, {})

    def say(self, status: int, body: object) -> None:
        """Answer with JSON."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.mark.parametrize(
    ("check", "status", "expected", "looks"),
    [
        ("no-server-error", 500, True, 3),
        ("resource-lifecycle", 404, False, 2),
        ("no-server-error", 0, True, 3),
    ],
)
def test_what_takes_a_moment_is_waited_for(check: str, status: int, *, expected: bool, looks: int) -> None:
    """What fails when it is done is looked at until it is; what is merely late is not missing."""
    finding = Finding(check=f"contract.{check}", severity=Severity.HIGH, title="t", cause="c", operation="GET /a/{id}")
    seen: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Fresh", (Slow,), {"looks": seen})) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        base = f"http://127.0.0.1:{running.server_port}"
        steps = [
            exchange(0, "POST /a", ("POST", "/a", "{}", 201, '{"id": "old"}'), ()),
            exchange(1, "GET /a/{id}", ("GET", "/a/old", "", status, ""), ()),
        ]
        moved = [
            replace(step, request=replace(step.request, url=step.request.url.replace(THEN, base))) for step in steps
        ]
        replayed = replay(finding, moved, secrets={}, document=dict)
        running.shutdown()
    assert (replayed.still, seen) == (expected, ["/a/new"] * looks)
    assert len(replayed.exchanges) == 1 + looks


def test_lines_of_a_replay_run_as_they_stand(
    project: Path, capsys: pytest.CaptureFixture[str], require: Callable[[str], str]
) -> None:
    """`--curl` prints lines with new tokens, sends nothing, and a shell that runs them shows the defect."""
    require("curl")
    fingerprint = recorded(project, "undead")
    with contract_service(project, KEY, "undead") as target:
        assert run_command_line(["replay", fingerprint, "--run", "run", "--stack", target.url, "--curl"]) == 0
        lines = capsys.readouterr().out
        done = subprocess.run(["sh", "-ec", lines], capture_output=True, text=True, timeout=30, check=True)
    assert lines.startswith("SEATRIAL_TOKEN_ORG_A=eyJ")
    assert '"id": "item-00000001", "name": "a"' in done.stdout.splitlines()[-1]
    assert "item-00000077" not in done.stdout


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        (["0000"], "finding-unknown"),
        ([""], "finding-unknown"),
        (["FOUND"], "replay-nowhere"),
        (["FOUND", "--stack", "local"], "replay-nowhere"),
        (["FOUND", "--stack", "http://127.0.0.1:9", "--run", "nowhere"], "run-unknown"),
    ],
)
def test_what_cannot_be_replayed_is_a_usage_error(
    words: list[str], slug: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding that nobody knows, and a service that is nowhere, are named with what to do."""
    fingerprint = recorded(project, "crash")
    arguments = [fingerprint if word == "FOUND" else word for word in words]
    code = run_command_line(["replay", "--run", "run", *arguments])
    assert (code, f"[{slug}]" in capsys.readouterr().err) == (2, True)
