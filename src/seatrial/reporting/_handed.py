"""What instruments left in the run's directory for the reports, read by its published schema."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs

from seatrial.core import content


def read_handed(file: Path, schema: str) -> dict[str, Any]:
    """Return what was left, by the schema of this name; nothing of what another version wrote, or that was cut."""
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if _validator(schema).is_valid(found) else {}


@functools.cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    text = (content("reports") / "schema" / f"{schema}.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))
