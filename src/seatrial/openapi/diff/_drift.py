"""What became of the document that a project published: the baseline against what is served."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seatrial.config import ContractSettings, Settings
from seatrial.core import UsageError
from seatrial.openapi._parse import parse
from seatrial.openapi._read import read_source
from seatrial.openapi._source import fetch_document
from seatrial.openapi.diff._judged import check_kinds

SERVERS = {"servers", "basePath"}
ACCEPT = "seatrial contract accept takes what the service serves as the baseline"


def baseline_path(settings: Settings) -> Path | None:
    """Return where the published document is, if one is declared."""
    contract = settings.contract
    return settings.root / contract.baseline if contract and contract.baseline else None


def baseline_document(settings: Settings) -> dict[str, Any] | None:
    """Return the published document, if one is declared; raises UsageError.

    One that was accepted says nothing of servers: its paths are whole, with `[contract] prefix` before them.
    """
    path, contract = baseline_path(settings), settings.contract
    if path is None or contract is None:
        return None
    said = parse(read_source(str(path)), str(path))
    whole = isinstance(said, dict) and not SERVERS & said.keys()
    return fetch_document(str(path), None if whole else contract.prefix)


def check_drift(settings: Settings) -> None:
    """Refuse, before anything starts, what could only fail later; raises UsageError."""
    path = baseline_path(settings)
    if settings.contract:
        check_kinds(settings.contract)
    if path and not path.is_file():
        raise UsageError(
            "the contract's baseline does not exist",
            slug="contract-baseline",
            where=f"[contract] baseline: {path}",
            remedy=ACCEPT,
        )
    baseline_document(settings)  # what is wrong with it is said now


def describe_waivers(contract: ContractSettings | None) -> Iterator[str]:
    """Yield one sentence for each waiver of a change, for everybody who reads the report."""
    for waiver in contract.waivers if contract else ():
        what = f"{waiver.kind}{' in ' if waiver.place else ''}{waiver.place}"
        if dt.date.fromisoformat(waiver.expires) >= today():
            yield f"{what} is waived until {waiver.expires} by {waiver.owner}: {waiver.reason}"
        else:
            yield f"the waiver of {what} by {waiver.owner} expired on {waiver.expires} and counts no more"


def today() -> dt.date:
    """Return the day that waivers are held against."""
    return dt.datetime.now(dt.UTC).date()
