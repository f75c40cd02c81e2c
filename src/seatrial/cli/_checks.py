"""`seatrial checks`: what is verified, and which fault proves each check."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seatrial.cli._options import config_option
from seatrial.core import UsageError

if TYPE_CHECKING:
    from seatrial.core import Check


@click.group("checks", epilog="\b\nExamples:\n  seatrial checks list\n  seatrial checks explain ratelimit.quota-exact")
def checks_command() -> None:
    """List or explain the checks."""


def _collect(config: str) -> list[Check]:
    from seatrial.campaign import Options  # noqa: PLC0415 - heavy
    from seatrial.cli._session import collect_checks  # noqa: PLC0415 - heavy
    from seatrial.config import Settings, find_config, load_settings  # noqa: PLC0415 - heavy

    try:
        path = Path(config) if config else find_config(Path.cwd())
    except UsageError:  # outside a project the shipped checks are listed
        return collect_checks(Settings(root=Path.cwd()), None, Options())
    return collect_checks(load_settings(path), path.resolve(), Options())


@checks_command.command("list", epilog="\b\nExample:\n  seatrial checks list")
@config_option
def list_command(config: str) -> int:
    """List every check with its severity and title."""
    for check in _collect(config):
        click.echo(f"{check.slug:<36} {check.severity:<8} {check.title}")
    return 0


@checks_command.command("explain", epilog="\b\nExample:\n  seatrial checks explain ratelimit.quota-exact")
@click.argument("slug")
@config_option
def explain_command(slug: str, config: str) -> int:
    """Say what a check claims, why it matters, and which fault proves it."""
    from seatrial.campaign import fault_files, load_fault  # noqa: PLC0415 - heavy

    checks = {check.slug: check for check in _collect(config)}
    if slug not in checks:
        near = difflib.get_close_matches(slug, checks, n=3)
        remedy = f"did you mean {' or '.join(near)}?" if near else "seatrial checks list shows them all"
        raise UsageError(f"there is no check {slug!r}", slug="check-unknown", where="seatrial checks", remedy=remedy)
    check = checks[slug]
    faults = [load_fault(name) for name in fault_files()]
    proofs = [f"{fault.slug}: {fault.title}" for fault in faults if fault.trips == slug]
    for line in describe(check, proofs):
        click.echo(line)
    return 0


def describe(check: Check, proofs: list[str]) -> list[str]:
    """Return a check in words."""
    lines = [f"{check.slug} ({check.severity}, suite {check.suite})", "", f"  {check.title}", f"  {check.claim}", ""]
    lines += [f"  presupposes  {', '.join(check.presupposes)}"] if check.presupposes else []
    lines += [f"  needs        {', '.join(check.needs)}"] if check.needs else []
    lines += ["  safe         part of the profile smoke: it changes nothing"] if check.safe else []
    references = [*(f"CWE-{number}" for number in check.cwe), *check.owasp]
    lines += [f"  see          {', '.join(references)}"] if references else []
    shown = proofs or ["none yet: nothing has shown that this check can fail"]
    return [*lines, *(f"  proved by    {proof}" for proof in shown)]
