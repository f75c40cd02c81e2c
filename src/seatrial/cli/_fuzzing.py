"""What `seatrial contract fuzz` does: a run of the suite `contract` alone, of a document that may be named."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seatrial.cli._session import conduct_session, settle
from seatrial.cli._view import make_view
from seatrial.config import ContractSettings, Settings
from seatrial.core import UsageError
from seatrial.openapi import served_document
from seatrial.plugin import Conductor


def fuzz_session(source: str, *, config: str, stack: str, **options: Any) -> int:
    """Run the suite and return the exit code."""
    named, document = what_is_meant(source)
    if named and stack and not document:
        raise UsageError(
            f"both a URL and --stack {stack} are given",
            slug="arguments-invalid",
            where="seatrial contract fuzz",
            remedy="give one of them, or the URL of the document with its path",
        )
    words = {**options, "stack": stack or named or "auto", "document": document, "only": ("contract",)}
    path, settings, settled = settle(config, words)
    if document:
        settings = reading(settings, document)
        served_document(settings, "")  # what is wrong with it is said before anything is started
    return conduct_session(path, settings, settled, view=make_view(), tell=Conductor.summary)


def what_is_meant(source: str) -> tuple[str, str]:
    """Return the service and the document that a source names, each empty where it names none."""
    parts = urlsplit(source)
    if parts.scheme not in {"http", "https"}:
        return "", Path(source).resolve().as_uri() if source else ""
    if parts.path in {"", "/"}:
        return source, ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}", source


def reading(settings: Settings, document: str) -> Settings:
    """Return settings whose contract is read from a document."""
    contract = (settings.contract or ContractSettings()).model_copy(update={"document": document})
    return settings.model_copy(update={"contract": contract})
