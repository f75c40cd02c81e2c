"""The images which the project's files name keep the public images' contracts, stand-ins or not."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

PYTHON, POSTGRES, VALKEY, NODE = "python:3.13-slim", "postgres:17", "valkey/valkey:8", "node:24-slim"
PIP_SETTINGS = Path(__file__).parents[2] / ".ci" / "images" / "pip-settings.awk"


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run docker, bounded in time, and return what it said."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=90, check=False)


def printed(*arguments: str) -> str:
    """Run docker and return what it printed; fail with its own words."""
    done = docker(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def network(engine: None, lacks: Callable[[str, str], NoReturn]) -> Iterator[str]:
    """Make a network, and remove it with every container that joined it."""
    del engine
    absent = [image for image in (PYTHON, POSTGRES, VALKEY, NODE) if docker("image", "inspect", image).returncode]
    if absent:
        lacks("docker", f"not there: {', '.join(absent)}; .ci/engine makes them")
    name = f"seatrial-test-{uuid.uuid4().hex[:12]}"
    printed("network", "create", name)
    yield name
    if left := printed("ps", "-aq", "--filter", f"network={name}").split():
        printed("rm", "--force", "--volumes", *left)
    printed("network", "rm", name)


def once(network: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one command in a container of its own that joins the network."""
    return docker("run", "--rm", "--network", network, *command)


def wait_for(network: str, *probe: str) -> None:
    """Repeat a probe until it succeeds; fail with its last words after 60 s."""
    until = time.monotonic() + 60
    while (done := once(network, *probe)).returncode:
        assert time.monotonic() < until, done.stderr
        time.sleep(0.1)


@pytest.fixture(scope="module")
def database(network: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Start PostgreSQL with a script for its first start and an option on its command line; return its name."""
    script = tmp_path_factory.mktemp("initdb") / "10-harbour.sql"
    script.write_text("CREATE TABLE harbour AS SELECT 'Turku' AS name;\n", encoding="utf-8")
    script.chmod(0o644)
    name = f"{network}-db"
    settings = {"POSTGRES_USER": "pilot", "POSTGRES_PASSWORD": "an 'odd' one", "POSTGRES_DB": "sea"}
    words = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
    printed("create", "--name", name, "--network", network, *words, POSTGRES, "postgres", "-c", "max_connections=17")
    printed("cp", str(script), f"{name}:/docker-entrypoint-initdb.d/")
    printed("start", name)
    wait_for(network, POSTGRES, "pg_isready", "-q", "-h", name)
    return name


def query(network: str, database: str, password: str, statement: str) -> subprocess.CompletedProcess[str]:
    """Send a statement from another container, over TCP."""
    command = (POSTGRES, "psql", "-h", database, "-U", "pilot", "-d", "sea", "-Atwc", statement)
    return once(network, "--env", f"PGPASSWORD={password}", *command)


def test_postgres_takes_the_password_that_it_was_given(network: str, database: str) -> None:
    """A login over TCP needs the password of POSTGRES_PASSWORD; any other is refused."""
    assert query(network, database, "an 'odd' one", "SELECT 1").stdout.strip() == "1"
    assert "password authentication failed" in query(network, database, "wrong", "SELECT 1").stderr


def test_postgres_runs_the_scripts_of_the_first_start(network: str, database: str) -> None:
    """A script in /docker-entrypoint-initdb.d ran as the user, in the database, before the first login."""
    found = query(network, database, "an 'odd' one", "SELECT name, current_user, current_database() FROM harbour")
    assert found.stdout.strip() == "Turku|pilot|sea"


def test_postgres_takes_options_and_stays_durable(network: str, database: str) -> None:
    """Arguments of the command reach the server, and fsync is on as in the public image."""
    answers = [query(network, database, "an 'odd' one", f"SHOW {name}") for name in ("max_connections", "fsync")]
    assert [answer.stdout.strip() for answer in answers] == ["17", "on"]


def test_postgres_keeps_its_data_over_a_restart(network: str, database: str) -> None:
    """The second start finds the cluster, and does not run the scripts again."""
    printed("restart", database)
    wait_for(network, POSTGRES, "pg_isready", "-q", "-h", database)
    assert query(network, database, "an 'odd' one", "SELECT count(*) FROM harbour").stdout.strip() == "1"


def test_postgres_does_not_start_without_a_password(network: str) -> None:
    """Neither POSTGRES_PASSWORD nor trust: it says so, and ends."""
    done = once(network, POSTGRES)
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD" in done.stderr


def test_valkey_answers_other_containers(network: str) -> None:
    """Options alone start the server; it answers PING over the network without a password, unprivileged."""
    name = f"{network}-kv"
    printed("run", "--detach", "--name", name, "--network", network, VALKEY, "--save", "")
    wait_for(network, VALKEY, "valkey-cli", "-h", name, "ping")
    assert once(network, VALKEY, "redis-cli", "-h", name, "ping").stdout.strip() == "PONG"
    owner = printed("exec", name, "stat", "-c", "%U", "/proc/1")
    assert owner == "valkey"


def test_python_has_pip_and_no_curl(network: str) -> None:
    """Python 3.13 and pip are where the public image has them; curl is not there, so a health check cannot use it."""
    found = once(
        network, PYTHON, "sh", "-c", "python -V; for tool in python pip curl; do command -v $tool || echo none; done"
    )
    version, *places = found.stdout.split("\n")
    assert version.startswith("Python 3.13.")
    assert places[:3] == ["/usr/local/bin/python", "/usr/local/bin/pip", "none"]


MAKE_WHEEL = """
import zipfile
with zipfile.ZipFile("/tmp/buoy-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("buoy.py", "")
    wheel.writestr("buoy-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: buoy\\nVersion: 1\\n")
    wheel.writestr("buoy-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("buoy-1.dist-info/RECORD", "")
"""
LAND = "-m pip install -q --no-index {flags} /tmp/*.whl && cd / && {python} -c 'import buoy; print(buoy.__file__)'"


def script(python: str, flags: str = "", prepare: str = "true") -> str:
    """Return shell lines that make a wheel, install it, and print where it went."""
    return f'{prepare} && python -c "$MAKE_WHEEL" && {python} {LAND.format(python=python, flags=flags)}'


@pytest.mark.parametrize(
    ("user", "lines", "prefix"),
    [
        pytest.param("0", script("python"), "/usr/local", id="root"),
        pytest.param("1234", script("python", "--user"), "/berth/.local", id="user"),
        pytest.param("1234", script("/berth/v/bin/python", prepare="python -m venv /berth/v"), "/berth/v", id="venv"),
    ],
)
def test_python_installs(network: str, user: str, lines: str, prefix: str) -> None:
    """Pip puts a wheel where the public image's pip does: as root, for one user, and in an environment."""
    words = (
        "--user",
        user,
        "--tmpfs",
        "/berth:mode=1777,exec",
        "--env",
        "HOME=/berth",
        "--env",
        f"MAKE_WHEEL={MAKE_WHEEL}",
    )
    done = once(network, *words, PYTHON, "sh", "-c", lines)
    assert done.stdout.strip() == f"{prefix}/lib/python3.13/site-packages/buoy.py", done.stderr


def test_an_image_is_told_only_what_holds_in_a_container(require: Callable[[str], str]) -> None:
    """Of pip's configuration the index goes in, also on a second line; a folder of this machine does not."""
    settings = "[global]\nextra-index-url = file:///here\n  https://a.invalid/simple\nfind-links = /here\nindex-url =\n"
    words = [require("awk"), "-f", str(PIP_SETTINGS)]
    done = subprocess.run(words, input=settings, capture_output=True, text=True, check=True)
    assert done.stdout == "extra-index-url = https://a.invalid/simple\n"


def test_node_has_npm_and_its_unprivileged_user(network: str) -> None:
    """The version is that of the tag, npm runs on it, and there is the user `node`."""
    said = once(network, NODE, "sh", "-c", "node --version && npm --version && id -un 1000").stdout.split()
    assert said[0].startswith("v24.")
    assert int(said[1].partition(".")[0]) >= 11
    assert said[2] == "node"
