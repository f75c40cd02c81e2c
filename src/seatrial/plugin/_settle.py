"""What a session works with, settled in one place: configuration file, then the options of the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.campaign import UP, Options, load_fault
from seatrial.config import Settings, find_config, load_settings
from seatrial.gate import check_rules
from seatrial.openapi.diff import check_drift
from seatrial.stack import read_state

CONTRACT = "contract"


def settle(config: pytest.Config) -> tuple[Settings, Options]:
    """Return settings and options of a pytest session; raises UsageError."""
    named = config.getoption("--seatrial-config")
    settings = load_settings(Path(named) if named else find_config(config.invocation_params.dir))
    if text := config.getoption("--seatrial-options"):
        return settings, Options.from_json(text)
    state = read_state(settings.root)
    if state is None:
        return settings, Options(command="pytest")
    # Plain pytest uses the stack that is up: that is what somebody who writes a check has it for.
    return settings, Options(stack=UP, profile=state["profile"], command="pytest")


def check_settings(settings: Settings, options: Options) -> None:
    """Refuse, before anything starts, what could only fail later; raises UsageError."""
    check_rules(settings)
    if not options.only or CONTRACT in options.only:  # reading what was published takes a while: only for who needs it
        check_drift(settings)
    if options.fault:
        load_fault(options.fault)
