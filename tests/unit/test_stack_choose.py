"""Which driver is chosen, which targets are allowed, and how a stack that was left running is found again."""

from __future__ import annotations

import hashlib
import json
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
    check_kept,
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


def allowing(*targets: str) -> Settings:
    """Return the settings of a project that allows these targets."""
    return PLATFORM.model_copy(update={"targets": PLATFORM.targets.model_copy(update={"allow": targets})})


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


ELSEWHERE = [
    ("tcp://192.0.2.7:2375", "192.0.2.7"),
    ("https://192.0.2.7:2376", "192.0.2.7"),
    ("192.0.2.7:2375", "192.0.2.7"),
    ("ssh://somebody@192.0.2.7", "192.0.2.7"),
]


@pytest.mark.parametrize(("engine", "host"), ELSEWHERE)
def test_an_engine_elsewhere_has_to_be_allowed(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, engine: str, host: str
) -> None:
    """Both have to name its host, of which it publishes on the address; without that, local is what auto can use."""
    docker(ANSWERS)
    monkeypatch.setenv("DOCKER_HOST", engine)
    name = f"{host}:*"
    for allow, given in (((), ""), ((name,), ""), ((), name), ((name,), f"{host}:2375"), ((f"{host}:2375",), name)):
        with pytest.raises(UsageError, match=r"192\.0\.2\.7:\* is not this machine") as refused:
            choose_driver("compose", allowing(*allow), allow_target=given)
        assert f'add allow = ["{name}"]' in refused.value.remedy
        assert f"--allow-target '{name}'" in refused.value.remedy
        assert choose_driver("auto", allowing(*allow), allow_target=given).driver == "local"
    for wanted in ("compose", "auto"):
        choice = choose_driver(wanted, allowing("other:*", name), allow_target=name)
        assert (choice.driver, choice.address) == ("compose", host)


@pytest.mark.parametrize("engine", ["", "unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:2375"])
def test_an_engine_beside_us_publishes_on_loopback(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    """Nobody has to be asked for what is reached from this machine alone."""
    docker(ANSWERS)
    monkeypatch.setenv("DOCKER_HOST", engine)
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert choose_driver("compose", PLATFORM).address == "127.0.0.1"


def test_an_engine_of_a_docker_context_counts_too(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is the one that the docker command uses."""
    docker(ANSWERS)
    folder = tmp_path / "contexts/meta" / hashlib.sha256(b"there").hexdigest()
    folder.mkdir(parents=True)
    facts = {"Name": "there", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://192.0.2.7:2375"}}}
    (folder / "meta.json").write_text(json.dumps(facts))
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "there")
    with pytest.raises(UsageError, match=r"192\.0\.2\.7:\* is not this machine"):
        choose_driver("compose", PLATFORM)


@pytest.mark.parametrize("host", ["no-such.invalid", "0.0.0.0"])  # noqa: S104 - to be refused
def test_an_engine_without_an_address_is_told(docker: Docker, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Nothing is published on every interface of a machine, and nothing where nobody knows."""
    docker(ANSWERS)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{host}:2375")
    with pytest.raises(EnvironmentFailure, match="engine-address"):
        choose_driver("compose", allowing(f"{host}:*"), allow_target=f"{host}:*")


def test_a_stack_that_is_up_elsewhere_has_to_be_allowed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its engine, or its own; what is up on this machine never has."""
    here, there = ({"url": f"http://{each}:32768", "address": each} for each in ("127.0.0.1", "192.0.2.7"))
    name = "192.0.2.7:*"
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    check_kept(here, committed=(), allow_target="")
    for committed, given in (((), ""), ((name,), ""), ((), name)):
        with pytest.raises(UsageError, match="target-not-allowed"):
            check_kept(there, committed=committed, allow_target=given)
    check_kept(there, committed=(name,), allow_target=name)
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    with pytest.raises(UsageError, match=r"192\.0\.2\.7:32768 is not this machine"):
        check_kept(there, committed=(), allow_target="")


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
    for committed, given in (((), ""), ((target,), ""), ((), target), ((target,), "other:1"), (("other:*",), target)):
        with pytest.raises(UsageError, match="target-not-allowed"):
            check_target(url, committed=committed, allow_target=given)
    host = f"{target.rpartition(':')[0]}:*"
    for known, named in ((target, target), (host, target), (target, host), (host, host)):
        assert check_target(url, committed=(known,), allow_target=named) == url


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
