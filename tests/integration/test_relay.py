"""Clients with addresses of their own on compose: seen as such, by a relay that can do nothing else and never stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from leavings import await_gone, left_of

from seatrial.config import load_settings
from seatrial.core import ALIKE
from seatrial.stack import StackPlan
from seatrial.stack._compose import LOOK_ALIKE, TOLD_APART, ComposeStack

pytestmark = pytest.mark.usefixtures("engine")

PYTHON, NGINX = "python:3.13-slim", "nginx:1.28"
CONFIG = """
[stack]
compose = ["docker-compose.yml"]
services = {services}
entry = "app:{port}"
{more}
"""
ECHO = """
import http.server, socket, sys
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = self.client_address[0].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
http.server.ThreadingHTTPServer((eval(sys.argv[1]), 8000), Echo).serve_forever()
"""
ADDRESSES = [f"127.{n}.{n}.{n}" for n in range(1, 9)]
OWN = "socket.gethostbyname(socket.gethostname())"
HARNESS = """
import sys, time
from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings
from pathlib import Path
run = open_run(load_settings(Path("seatrial.toml")), Options(stack="compose", out="out"))
stack = Stacks(run, collector=None).get("clean")
print(stack.by_address, flush=True)
time.sleep(60)
"""
PATIENCE_S = 60.0
Lay = Callable[..., Path]
Start = Callable[..., ComposeStack]


def echo(address: str = "'0.0.0.0'") -> dict[str, object]:
    """Return a service that answers with the address that it sees."""
    return {"image": PYTHON, "init": True, "command": ["python", "-c", ECHO, address]}


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Return a function that lays out a project of these services."""

    def lay_out(*, port: int = 8000, more: str = "", **services: object) -> Path:
        text = CONFIG.format(services=list(services), port=port, more=more)
        (tmp_path / "seatrial.toml").write_text(text)
        (tmp_path / "docker-compose.yml").write_text(yaml.safe_dump({"services": services}))
        return tmp_path

    return lay_out


@pytest.fixture
def start(lay: Lay) -> Iterator[Start]:
    """Return a function that starts a stack of these services, stopped in the end."""
    with ExitStack() as started:

        def run(
            *, addresses: bool = True, progress: Callable[[str], None] = lambda _: None, **facts: Any
        ) -> ComposeStack:
            root = lay(**facts)
            places: dict[str, Any] = {"root": root, "work": root / "w", "logs": root / "logs"}
            settings, name = load_settings(root / "seatrial.toml"), f"test-{uuid.uuid4().hex[:12]}"
            plan = StackPlan(
                settings=settings, profile="quick", variant="clean", run=name, addresses=addresses, **places
            )
            stack = ComposeStack(plan)
            started.callback(stack.stop)
            stack.start(progress)
            return stack

        yield run


def seen(url: str, address: str | None) -> str:
    """Return the address at which the entry sees a client."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), trust_env=False) as client:
        return client.get(url).text


def docker(*arguments: str) -> str:
    """Run docker and return what it printed."""
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def test_clients_are_seen_at_their_addresses(start: Start) -> None:
    """Each at its own; who comes through the published port looks like the gateway. Another process may do the same."""
    stack = start(app=echo())
    assert stack.tell_apart() == ""
    assert [seen(stack.by_address, address) for address in ADDRESSES] == ADDRESSES
    assert not seen(stack.url(), ADDRESSES[0]).startswith("127.")
    assert "addresses" in stack.abilities
    assert stack.limitations == (TOLD_APART,)
    again = ComposeStack.attach(stack.state())
    assert (again.by_address, again.tell_apart()) == ("", "")
    assert again.by_address != stack.by_address
    assert [seen(again.by_address, address) for address in ADDRESSES] == ADDRESSES


def test_the_relay_can_do_nothing_else(start: Start) -> None:
    """It has no right, no user, no file to write and little memory, and is no service; it goes with the stack."""
    there = set(left_of(os.getpid()))
    stack = start(app=echo())
    assert stack.tell_apart() == ""
    name = f"{stack.state()['project']}-relay"
    form = "{{.Config.User}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}} {{.HostConfig.ReadonlyRootfs}}"
    form += " {{.HostConfig.Memory}} {{len .Mounts}} {{len .HostConfig.PortBindings}}"
    assert docker("inspect", "--format", form, name).strip() == "65534:65534 [ALL] false true 67108864 0 0"
    assert [service.name for service in stack.services()] == ["app"]
    assert any(name in line for line in docker("ps", "--format", "{{.Names}}").splitlines())
    assert sum("passage.py" in line for line in left_of(os.getpid()) if line not in there) == 1
    stack.stop()
    assert set(left_of(os.getpid())) == there


def test_any_image_with_python_will_do(start: Start) -> None:
    """The entry's own has none, another service's has; the entry is nginx, which listens on another port."""
    stack = start(app={"image": NGINX}, aside=echo(), port=80)
    assert stack.tell_apart() == ""
    assert httpx.get(stack.by_address, trust_env=False).status_code == 200


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"app": {"image": NGINX}, "port": 80}, 'no relay for others can run here .*"python3"'),
        (
            {"app": echo(), "more": 'relay_image = "no-such.invalid/image:1"'},
            "no relay for others can run here .*no-such.invalid",
        ),
        ({"app": echo(OWN)}, "the relay for others does not get through to the entry at 127.0.0.1"),
        ({"app": echo(), "addresses": False}, "it was started without the relay that gives them others"),
    ],
    ids=["no-python", "no-such-image", "not-on-loopback", "not-wanted"],
)
def test_a_stack_without_a_relay_works_and_says_why(start: Start, facts: dict[str, Any], why: str) -> None:
    """Nothing fails; it is known why clients are alike."""
    stack = start(**facts)
    said = stack.tell_apart()
    assert re.match(f"{ALIKE}: .*{why}", said), said
    assert stack.by_address == ""
    assert stack.limitations == (LOOK_ALIKE,)
    assert "addresses" not in stack.abilities
    assert httpx.get(stack.url(), trust_env=False).status_code == 200


def test_kill_nine_leaves_no_relay(lay: Lay) -> None:
    """A harness that is killed leaves neither end, nor anything else."""
    command = [sys.executable, "-c", HARNESS]
    with subprocess.Popen(command, cwd=lay(app=echo()), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        assert seen(url, ADDRESSES[0]) == ADDRESSES[0]
        had = [line.split()[0] for line in left_of(child.pid)]
        child.kill()
    assert had.count("container") == 2
    assert had.count("process") == 2  # the near end, and the watchdog
    assert not await_gone(child.pid, patience_s=PATIENCE_S)


def far_end() -> str:
    """Return the name of the far end that runs for this process, empty for none."""
    mine = docker("ps", "--filter", f"label=dev.seatrial.owner={os.getpid()}", "--format", "{{.Names}}")
    return next((name for name in mine.split() if name.endswith("-relay")), "")


def test_a_relay_starts_while_the_stack_is_waited_for(start: Start, tmp_path: Path) -> None:
    """An entry that listens only once the far end runs is no obstacle: begun later, it would be waited for in vain."""
    gate = tmp_path / "gate"
    gate.mkdir()

    def listen(_: str) -> None:
        if far_end():
            (gate / "open").touch()

    patient = "import os, time\nwhile not os.path.exists('/gate/open'): time.sleep(0.05)\n" + ECHO
    entry = {**echo(), "command": ["python", "-c", patient, "'0.0.0.0'"], "volumes": ["./gate:/gate:ro"]}
    stack = start(app=entry, progress=listen)
    assert far_end() == f"{stack.state()['project']}-relay"
    assert stack.tell_apart() == ""
