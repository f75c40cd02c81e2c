"""What the reference stack's README says of backup and restore, line by line, on containers."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from seatrial.campaign import Options, Run, Stacks, open_run
from seatrial.config import load_settings
from seatrial.stack import Stack

ROOT = Path(__file__).parents[2]
STACK = ROOT / "fixtures" / "stack"
COMPOSE = "docker compose --env-file .env.production -f docker-compose.prod.yml"
DROP = 'psql -U postgres -v ON_ERROR_STOP=1 platform -c "DROP TABLE analyses, organisations, alembic_version"'
PATIENCE_S = 60.0


@pytest.fixture
def up(engine: None, tmp_path: Path) -> Iterator[tuple[Run, Stack]]:
    """Start the stack in containers, and end it."""
    del engine
    options = Options(stack="compose", out=str(tmp_path / "run"), command="test")
    run = open_run(load_settings(ROOT / "seatrial.data.toml"), options)
    stacks = Stacks(run, collector=None)
    try:
        yield run, stacks.get("clean")
        stacks.stop_all()
    finally:
        run.close()


def commands() -> list[str]:
    """Return the commands of the section."""
    section = re.split(r"^## ", (STACK / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith("Back up and restore")]
    return [line.strip() for line in found.splitlines() if line.startswith("    ")]


def await_done(client: httpx.Client, path: str) -> httpx.Response:
    """Return the answer of an analysis that is done."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        try:
            answer = client.get(path)
        except httpx.TransportError:  # the api is just starting
            answer = httpx.Response(503)
        if answer.is_success and answer.json()["status"] == "completed":
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{path} is not there")


@pytest.mark.long
def test_the_commands_of_the_page_bring_everything_back(up: tuple[Run, Stack], tmp_path: Path) -> None:
    """Backed up while it runs, dropped, and restored: an analysis reads as before; the file is its owner's alone."""
    run, stack = up
    words = commands()
    backup, rest = words[: words.index(next(word for word in words if " stop " in word))], words[len(words) - 3 :]
    project = f"docker compose -p {stack.state()['project']} -f {STACK}/docker-compose.prod.yml"

    def do(*lines: str) -> str:
        script = "\n".join(["set -e", f"ln -sfn {STACK}/ops ops", *lines]).replace(COMPOSE, project)
        environment = {**os.environ, **run.environment}
        done = subprocess.run(
            ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    headers = dict(run.identities.lease(1)[0].headers)
    with httpx.Client(base_url=stack.url(), headers=headers) as client:
        path = client.post("/api/v1/analysis", json={"title": "Kept", "text": "A document."}).headers["Location"]
        before = await_done(client, path)
        do(*backup)
        assert (tmp_path / "platform.dump").stat().st_mode & 0o077 == 0
        do(f"{COMPOSE} exec -T db {DROP}", *rest)
    address = do(f"{COMPOSE} port api 8000").split()[-1]  # another one, as a container that starts gets a new one
    with httpx.Client(base_url=f"http://{address}", headers=headers) as client:
        assert await_done(client, path).json() == before.json()
