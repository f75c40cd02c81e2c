"""What leaves for somebody else's server: nothing, unless the operator says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seatrial.config import PostureSettings, Settings
from seatrial.plugin import Defects, check, not_applicable
from seatrial.stack import read_compose


def variables_of(document: Any) -> Iterator[tuple[str, str, str]]:
    """Yield service, name and value (as written) of every variable of a compose file."""
    for service, body in document["services"].items():
        given = (body or {}).get("environment") or {}
        entries = given if isinstance(given, list) else [f"{name}={given[name] or ''}" for name in given]
        for entry in entries:
            name, _, value = str(entry).partition("=")
            yield service, name, value


def is_open(name: str, value: str) -> bool:
    """Return whether a value is empty, or the operator's own variable without a default."""
    return not value or bool(re.fullmatch(rf"\$\{{?{re.escape(name)}(?::?-)?\}}?", value))


@check(
    "posture.reporting-off-by-default",
    title="nothing is reported to others unless an operator says so",
    severity="medium",
    cwe=(359, 1188),
)
def test_reporting_off_by_default(settings: Settings, posture: PostureSettings, tree: Path, defects: Defects) -> None:
    """No compose file gives a reporting variable a value of its own: errors and traces may hold what tenants sent."""
    if not posture.reporting or not settings.stack.compose:
        not_applicable("[posture] reporting or [stack] compose is not declared")
    found = [(file, entry) for file in settings.stack.compose for entry in variables_of(read_compose(tree / file))]
    for name in posture.reporting:
        given = [(file, service, value) for file, (service, known, value) in found if known == name]
        if not given:
            defects.add(f"no service is given {name}: it cannot be switched on", cause=f"not-handed-{name}")
        for file, service, value in given:
            if not is_open(name, value):
                defects.add(f"{service} has {name} set by default", cause=f"default-{name}-{service}", location=file)
    defects.none()
