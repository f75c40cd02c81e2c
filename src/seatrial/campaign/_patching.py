"""Against which git base a run measures patch coverage, and whether it can."""

from __future__ import annotations

from seatrial.campaign._options import Options
from seatrial.campaign._run import UP
from seatrial.config import Settings
from seatrial.core import UsageError
from seatrial.cover import find_base

METRIC = "coverage.patch"
SUITE = "coverage"


def with_patch_base(settings: Settings, options: Options) -> Settings:
    """Return the settings with the git base that the options name, where they name one; raises UsageError."""
    if not options.patch_base:
        return settings
    if settings.coverage is None:
        raise UsageError(
            "a git base is named, but nothing says what to measure",
            slug="coverage-undeclared",
            where="--patch-base",
            remedy="declare [coverage], or leave the option out",
        )
    coverage = settings.coverage.model_copy(update={"patch_base": options.patch_base})
    return settings.model_copy(update={"coverage": coverage})


def check_patch(settings: Settings, options: Options) -> None:
    """Refuse, before anything starts, a rule without a git base, and a base that is not there; raises UsageError.

    A run of other suites needs none: no rule about coverage belongs to it.
    """
    if settings.coverage is None or not _selects(options):
        return
    base = settings.coverage.patch_base
    if not base and (ruled := next((rule for rule in settings.gate.parsed if rule.metric == METRIC), None)):
        raise UsageError(
            f"the gate rule {ruled.text!r} needs a git base, from which lines count as changed",
            slug="patch-base-missing",
            where="[gate]",
            remedy='name it: [coverage] patch_base = "origin/main", or --patch-base REF',
        )
    if base and options.stack != UP and "://" not in options.stack:  # of one that is up, nothing is measured
        find_base(base, settings.root)


def _selects(options: Options) -> bool:
    return options.cover or not options.only or SUITE in options.only
