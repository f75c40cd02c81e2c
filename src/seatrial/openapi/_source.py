"""The OpenAPI document that a service serves, or that lies in a file: read, made whole, and found to be valid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from seatrial.config import ContractSettings, Settings
from seatrial.core import UsageError
from seatrial.openapi._bundle import bundle
from seatrial.openapi._operations import operations_of
from seatrial.openapi._parse import parse
from seatrial.openapi._paths import settle_paths
from seatrial.openapi._read import read_source
from seatrial.openapi._valid import REMEDY, check_document


def fetch_document(source: str, prefix: str | None = None) -> dict[str, Any]:
    """Return the document at a URL or in a file, in one piece and with full paths.

    `prefix` stands before each path in place of what the document says. Raises EnvironmentFailure (unreachable) or
    UsageError (not a valid OpenAPI document).
    """
    try:
        document = settle_paths(bundle(check_document(_data(source), source), source, _data), source, prefix)
        check_document(document, source)  # once more: it holds now what stood in other files
        operations_of(document)
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError) as error:
        raise UsageError(
            f"this is no valid OpenAPI document: {error}", slug="contract-not-openapi", where=source, remedy=REMEDY
        ) from error
    return document


def served_document(settings: Settings, url: str) -> dict[str, Any]:
    """Return the document of a service at a URL, wherever the settings say that it is; raises as `fetch_document`."""
    contract = settings.contract or ContractSettings()
    return fetch_document(contract.source(url, settings.root), contract.prefix)


def canonical(document: Mapping[str, Any]) -> str:
    """Return a document as it is published: sorted and indented, so that a change is a few lines of a diff."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _data(source: str) -> Any:
    return parse(read_source(source), source)
