"""Which driver is chosen, which targets are allowed, and how a stack that was left running is found again."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from servers import in_thread

from seatrial.config import Settings
from seatrial.core import EnvironmentFailure, UsageError
from seatrial.stack import (
    Choice,
    RemoteStack,
    StackPlan,
    attach,
    check_target,
    choose_driver,
    forget_state,
    open_stack,
    read_state,
    write_state,
)

LOCAL = {"local": {"services": {"api": {"command": ("true",)}}}}
PLATFORM = Settings.model_validate({"stack": {"compose": ("compose.yml",), **LOCAL}})
Docker = Callable[[str], None]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Put a program called docker on an otherwise empty PATH; its behaviour is a shell script."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def install(script: str) -> None:
        (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "docker").chmod(0o755)

    return install


ANSWERS = 'case "$1" in info) echo 28.0;; compose) echo 2.30;; esac'
ENGINES = [
    ("", "docker-missing"),
    ("echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1", "docker-permission"),
    ("echo 'Cannot connect to the Docker daemon' >&2; exit 1", "docker-unreachable"),
    ("echo 'Cannot connect to the Docker daemon' >&2; exit 0", "docker-unreachable"),
    ('case "$1" in info) echo 28.0;; *) exit 1;; esac', "compose-plugin-missing"),
    ('case "$1" in info) echo 28.0;; *) echo 1.29.2;; esac', "compose-plugin-missing"),
]


@pytest.mark.parametrize(("script", "slug"), ENGINES)
def test_an_engine_that_cannot_be_used_is_named(docker: Docker, script: str, slug: str) -> None:
    """Asked for compose, each obstacle has its own message; left to choose, the local stack is taken and says why."""
    if script:
        docker(script)
    with pytest.raises(EnvironmentFailure, match=slug):
        choose_driver("compose", PLATFORM)
    choice = choose_driver("auto", PLATFORM)
    assert choice.driver == "local"
    assert "compose cannot be used here" in choice.why


def test_an_engine_that_answers_is_used(docker: Docker) -> None:
    """Where engine and plugin answer, auto means compose."""
    docker(ANSWERS)
    assert choose_driver("auto", PLATFORM).driver == "compose"
    assert choose_driver("local", PLATFORM).driver == "local"


def test_compose_without_a_file_is_a_configuration_error(docker: Docker) -> None:
    """An engine alone is not enough; with neither file nor local services nothing can be chosen."""
    docker(ANSWERS)
    bare = Settings.model_validate({"stack": LOCAL})
    assert choose_driver("auto", bare).driver == "local"
    for wanted, settings in (("compose", bare), ("auto", Settings())):
        with pytest.raises(UsageError, match="compose-unconfigured"):
            choose_driver(wanted, settings)


def test_an_unknown_driver_lists_the_known() -> None:
    """A slip in --stack is a usage error."""
    with pytest.raises(UsageError, match=r"driver-unknown[\s\S]*compose"):
        choose_driver("podman", PLATFORM)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:1/", "http://[::1]:8000", "https://127.9.9.9"]
)
def test_loopback_is_allowed(url: str) -> None:
    """What runs on this machine may always be tested."""
    assert check_target(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:80", "https://192.0.2.1", "http://0.0.0.0:80", "http://no-such.invalid"]
)
def test_other_hosts_are_refused(url: str) -> None:
    """Another host needs both names: the committed one alone, and the command line's alone, are not enough."""
    name = url.partition("//")[2]
    target = name if ":" in name else f"{name}:{443 if url.startswith('https') else 80}"
    for committed, given in (((), ""), ((target,), ""), ((), target), ((target,), "other:1"), (("other:1",), target)):
        with pytest.raises(UsageError, match="target-not-allowed"):
            check_target(url, committed=committed, allow_target=given)
    assert check_target(url, committed=(target,), allow_target=target) == url


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "http://", "http://u:secret@127.0.0.1", "http://127.0.0.1:99999", "http://127.0.0.1?a=1"]
)
def test_urls_that_cannot_be_tested_are_refused(url: str) -> None:
    """Wrong schemes, missing hosts, user info and queries are usage errors, and no password is shown."""
    with pytest.raises(UsageError, match="target-invalid") as caught:
        check_target(url)
    assert "secret" not in str(caught.value)


class Healthy(BaseHTTPRequestHandler):
    """Answer every GET with 204."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def plan(tmp_path: Path) -> StackPlan:
    """Return a plan for a remote target."""
    settings = Settings.model_validate({"stack": {"ready": "/health", "start_timeout_s": 0.3}})
    return StackPlan(
        settings=settings, profile="quick", variant="clean", run="r", work=tmp_path, logs=tmp_path, root=tmp_path
    )


def test_a_remote_stack_answers_and_lacks_the_rest(tmp_path: Path) -> None:
    """A URL gives its address and nothing else, and is found again by its state."""
    with in_thread(Healthy) as url:
        stack = open_stack(choose_driver(f"{url}/", PLATFORM), plan(tmp_path))
        stack.start(lambda _: None)
    assert stack.url() == attach(stack.state()).url() == url
    lacking: list[Callable[[], object]] = [
        lambda: stack.log("api"),
        lambda: stack.execute("api", ["true"]),
        lambda: stack.control("stop", "api"),
        lambda: stack.inspect("api"),
        lambda: stack.url("db"),
    ]
    for call in lacking:
        with pytest.raises(EnvironmentFailure, match="ability-missing"):
            call()
    stack.stop()


def test_a_remote_stack_that_does_not_answer(tmp_path: Path) -> None:
    """Nothing behind the URL is a failure of the environment, not of the product."""
    with pytest.raises(EnvironmentFailure, match="target-unreachable"):
        RemoteStack("http://127.0.0.1:1", plan(tmp_path)).start(lambda _: None)


class Absent(Healthy):
    """Answer 404 to everything."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_error(404)


def test_a_url_is_there_if_it_answers_unless_a_path_is_declared(tmp_path: Path) -> None:
    """A service need not have a page at `/`; a path that is declared has to answer 2xx."""
    declared = plan(tmp_path)
    silent = replace(declared, settings=Settings.model_validate({"stack": {"start_timeout_s": 0.3}}))
    with in_thread(Absent) as url:
        RemoteStack(url, silent).start(lambda _: None)
        with pytest.raises(EnvironmentFailure, match="does not answer with 2xx"):
            RemoteStack(url, declared).start(lambda _: None)


def test_the_state_of_a_kept_stack_is_private(tmp_path: Path) -> None:
    """It is written with mode 0600, read back, replaced, and forgotten."""
    assert read_state(tmp_path) is None
    path = write_state(tmp_path, {"driver": "remote", "n": 1})
    write_state(tmp_path, {"driver": "remote", "n": 2})
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_state(tmp_path) == {"driver": "remote", "n": 2}
    path.write_text("{")
    with pytest.raises(EnvironmentFailure, match="state-unreadable"):
        read_state(tmp_path)
    forget_state(tmp_path)
    forget_state(tmp_path)
    assert read_state(tmp_path) is None


def test_a_choice_knows_whether_addresses_differ() -> None:
    """Only on Linux can somebody send from many; what is behind a URL is not known."""
    for driver in ("local", "compose"):
        assert Choice(driver=driver, why="").distinct_addresses is (os.uname().sysname == "Linux")
    assert not Choice(driver="remote", why="").distinct_addresses
