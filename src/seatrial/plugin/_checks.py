"""From a test function to a check: the decorator, and what collection makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from seatrial.campaign import in_suite_order, part_of, suites_of
from seatrial.core import Check, Severity, UsageError, in_order

MARK = "seatrial_check"
CHECK = pytest.StashKey[Check]()
Function = TypeVar("Function", bound=Callable[..., None])


def check(  # noqa: PLR0913 - the fields of a check, all by keyword
    slug: str,
    *,
    title: str,
    severity: str,
    needs: tuple[str, ...] = (),
    presupposes: tuple[str, ...] = (),
    cwe: tuple[int, ...] = (),
    owasp: tuple[str, ...] = (),
    safe: bool = False,
) -> Callable[[Function], Function]:
    """Make a test function a check; its docstring is the claim, and why it matters.

    `{scenario}` in the slug stands for each load scenario. A `safe` one is part of the profile smoke too: it sends a
    few requests that change nothing. Functions without this decorator become checks of medium severity that are named
    for themselves.
    """
    details = {"title": title, "needs": needs, "presupposes": presupposes, "cwe": cwe, "owasp": owasp, "safe": safe}
    mark = getattr(pytest.mark, MARK)(slug, severity=severity, **details)

    def decorate(function: Function) -> Function:
        return mark(function)  # type: ignore[no-any-return]  # pytest's mark returns what it was given

    return decorate


def part(path: Path) -> str:
    """Return the part of a run that a file belongs to: its suite, or what of that runs aside."""
    return part_of(path.stem.removeprefix("test_").split("_"))


def suite_of(path: Path) -> str:
    """Return the suite of a file: `test_<suite>.py`, or `test_<suite>_<more>.py`."""
    return suites_of([part(path)])[0]


def check_of(item: pytest.Item) -> Check:
    """Return the check that an item decides; raises UsageError for a malformed slug."""
    if CHECK not in item.stash:
        item.stash[CHECK] = _describe(item)
    return item.stash[CHECK]


def _describe(item: pytest.Item) -> Check:
    suite = suite_of(item.path)
    function = getattr(item, "function", None)
    claim = " ".join((getattr(function, "__doc__", None) or "").split())
    mark = item.get_closest_marker(MARK)
    if mark is None:
        name = re.sub(r"[^a-z0-9]+", "-", item.name.lower().removeprefix("test_")).strip("-")
        slug = f"{re.sub(r'[^a-z0-9]', '', suite.lower())}.{name}"
        return Check(slug=slug, title=name.replace("-", " "), severity=Severity.MEDIUM, suite=suite, claim=claim)
    details: dict[str, Any] = dict(mark.kwargs)
    fill = _parameters(item)
    details["presupposes"] = tuple(slug.format(**fill) for slug in details["presupposes"])
    details["severity"] = Severity(details["severity"])
    return Check(slug=mark.args[0].format(**fill), suite=suite, claim=claim, **details)


def _parameters(item: pytest.Item) -> dict[str, str]:
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec else {}
    return {name: str(value).lower().replace("_", "-") or "none" for name, value in params.items()}


def sort_items(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return items in the order in which they have to run; raises UsageError for a slug that stands twice."""
    checks: dict[str, Check] = {}
    for item in items:
        described = check_of(item)
        if described.slug in checks:
            raise UsageError(
                f"two checks are called {described.slug}",
                slug="check-duplicate",
                where=item.nodeid,
                remedy="give each its own slug",
            )
        checks[described.slug] = described
    parts = in_suite_order(part(item.path) for item in items)
    place = {slug: number for number, slug in enumerate(in_order(checks))}
    return sorted(items, key=lambda item: (parts.index(part(item.path)), place[check_of(item).slug]))
