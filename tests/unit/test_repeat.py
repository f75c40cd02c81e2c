"""The line that repeats a run is all that it takes: in the same folder, the same is asked of the same target."""

from __future__ import annotations

import shlex

import click
import pytest

from seatrial.campaign import Options
from seatrial.cli._load import send_command
from seatrial.cli._run import run_command

URL, TARGET, FILE = "https://api.test:8443", "api.test:8443", "my api/limits.toml"


@pytest.mark.parametrize(("load", "command"), [(False, run_command), (True, send_command)])
def test_a_configuration_and_a_target_that_were_named_are_named_again(command: click.Command, *, load: bool) -> None:
    """Without them it would be another configuration, or a target that may not be asked."""
    assert "--config" not in Options(load=load).repeat(seed=3, driver="local")
    line = Options(load=load, config=FILE, allow_target=TARGET).repeat(seed=3, driver=URL)
    program, name, *words = shlex.split(line)
    assert (program, name) == ("seatrial", "load" if load else "run")
    read = command.make_context(name, words).params
    assert (read["config"], read["allow_target"], read["stack"]) == (FILE, TARGET, URL)
