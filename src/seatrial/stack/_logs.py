"""What services wrote, as it is kept: redacted, since nobody knows what a service logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

Redact = Callable[[str], str]
"""Returns a text without the secrets of a run; `str` where there are none."""


def keep_logs(logs: Mapping[str, str], folder: Path, redact: Redact) -> None:
    """Write what each service wrote to `<service>.log`."""
    folder.mkdir(parents=True, exist_ok=True)
    for service, text in logs.items():
        (folder / f"{service}.log").write_text(redact(text), encoding="utf-8")
