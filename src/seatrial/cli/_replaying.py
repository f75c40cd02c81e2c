"""What `seatrial replay` does: find it, set the stage, send, and say what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from seatrial.campaign import find_finding, replay_finding, set_stage
from seatrial.cli._options import config_path, run_directory
from seatrial.cli._say import say
from seatrial.config import load_settings
from seatrial.core.scripts import roles, script_for
from seatrial.record import read_record

if TYPE_CHECKING:
    from seatrial.campaign import Stage
    from seatrial.core import Finding
    from seatrial.fuzz import Replayed

ENDS = {True: ("still there", 1), False: ("gone", 0), None: ("undecided", 3)}


def replay_session(named: str, *, run: str, config: str, curl: bool, **where: Any) -> int:
    """Replay a finding, or print how, and return the exit code."""
    settings = load_settings(config_path(config).resolve())
    record = read_record(run_directory(run, config))
    finding = find_finding(record, named)
    stage = set_stage(settings, record, finding, **where)
    if curl:
        click.echo("\n".join(_lines(stage)))  # for a shell: to the letter
        return 0
    replayed = replay_finding(settings, finding, stage)
    for line in _told(finding, replayed):
        say(line)
    return ENDS[replayed.still][1]


def _lines(stage: Stage) -> Iterator[str]:
    """Yield lines that run as they stand: tokens are new ones, or those of who is declared."""
    for name, variable in roles(stage.steps).items():
        somebody = stage.secrets.get(name)
        secret = somebody.secret if somebody else ""
        yield f"{variable}={shlex.quote(quote(secret, safe='') if somebody and somebody.query else secret)}"
    yield script_for(stage.steps)


def _told(finding: Finding, replayed: Replayed) -> Iterator[str]:
    yield f"finding: {finding.check}: {finding.operation}: {finding.title}"
    for exchange in replayed.exchanges:
        answer = exchange.response.status if exchange.response else "no answer"
        yield f"sent:    {exchange.request.method} {exchange.request.url}: {answer}"
    yield f"replay:  {ENDS[replayed.still][0]}: {replayed.reason}"
