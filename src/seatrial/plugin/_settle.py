"""What a session works with, settled in one place: configuration file, then the options of the run."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.campaign import UP, Options, check_patch, load_fault, with_patch_base
from seatrial.config import Settings, find_config, find_line, load_settings
from seatrial.core import UsageError, name_nearest
from seatrial.gate import baseline_file, check_rules, read_baseline, read_comparisons
from seatrial.openapi.diff import check_drift
from seatrial.plugin._aggregates import aim, asks_for_coverage
from seatrial.stack import read_state

CONTRACT = "contract"


def settle(config: pytest.Config) -> tuple[Settings, Options]:
    """Return settings and options of a pytest session; raises UsageError."""
    settings = settings_of(config.option, config.invocation_params.dir)
    if not asks_for_coverage(config.option):
        return settings, _options(config, settings)
    aim(config.option, settings)
    return settings, _measured(config)


def settings_of(option: Namespace, folder: Path) -> Settings:
    """Return the settings that a session in a folder uses; raises UsageError."""
    return load_settings(Path(option.seatrial_config) if option.seatrial_config else find_config(folder))


def _options(config: pytest.Config, settings: Settings) -> Options:
    if text := config.option.seatrial_options:
        return Options.from_json(text)
    state = read_state(settings.root)
    if state is None:
        return Options(command="pytest")
    # Plain pytest uses the stack that is up: that is what somebody who writes a check has it for.
    return Options(stack=UP, profile=state["profile"], command="pytest")


def _measured(config: pytest.Config) -> Options:
    """Return the options of a session that measures: only a stack of its own ends, and hands in what it executed."""
    text = config.option.seatrial_options
    options = Options.from_json(text) if text else Options(command="pytest")
    if options.stack == UP or "://" in options.stack:
        raise UsageError(
            "--cov needs a stack that this session starts and stops",
            slug="coverage-attached",
            where=f"--stack {options.stack}",
            remedy="leave the stack out, or --cov",
        )
    return replace(options, cover=True)


def check_settings(settings: Settings, options: Options) -> None:
    """Refuse, before anything starts, what could only fail later; raises UsageError."""
    settings = with_patch_base(settings, options)
    check_patch(settings, options)
    check_rules(settings)
    if any(rule.baseline for rule in settings.gate.parsed):
        read_baseline(baseline_file(settings))
    read_comparisons(settings)
    if not options.only or CONTRACT in options.only:  # reading what was published takes a while: only for who needs it
        check_drift(settings)
    if options.fault:
        load_fault(options.fault)


def check_waivers(settings: Settings, slugs: Iterable[str]) -> None:
    """Refuse a waiver of a check that does not exist: it would be thought to hold; raises UsageError."""
    known = sorted({*slugs})
    for number, waiver in enumerate(settings.waivers):
        if waiver.check not in known:
            file = settings.root / settings.config_file
            above = ["tool", "seatrial"] if settings.config_file == "pyproject.toml" else []
            line = find_line(file.read_text(encoding="utf-8"), [*above, "waivers", number, "check"])
            raise UsageError(
                f"a waiver is about {waiver.check!r}, and there is no such check",
                slug="waiver-unknown",
                where=f"{file}:{line}",
                remedy=name_nearest(waiver.check, known, called="checks"),
            )
