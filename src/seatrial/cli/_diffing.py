"""What `seatrial contract diff` does: two documents, every change, and whether one of them breaks something."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from seatrial.cli._options import config_path
from seatrial.cli._say import say
from seatrial.config import ContractSettings, find_config, load_settings
from seatrial.core import UsageError
from seatrial.openapi import fetch_document
from seatrial.openapi.diff import Effect, Judged, Level, counting, diff, judge_changes, summary, today

WIDTH = max(len(level) for level in Level)


def diff_documents(old: str, new: str, *, as_json: bool, config: str) -> int:
    """Print every change and return the exit code."""
    contract = contract_settings(config)
    documents = [fetch_document(source, contract.prefix) for source in (old, new)]
    judged = judge_changes(diff(*documents), contract, today=today())
    failed = does_fail(judged, contract)
    if as_json:
        found = {"old": old, "new": new, "failed": failed, "changes": [each.as_json() for each in judged]}
        say(json.dumps(found, indent=2))
    else:
        say("\n".join(lines(judged)))
    return int(failed)


def contract_settings(config: str) -> ContractSettings:
    """Return what the named or nearest configuration says of the contract; there need be none."""
    try:
        path = config_path(config) if config else find_config(Path.cwd())
    except UsageError:
        return ContractSettings()
    return load_settings(path).contract or ContractSettings()


def does_fail(judged: Sequence[Judged], contract: ContractSettings) -> bool:
    """Return whether something breaks, or is risky where that is not to be noted only."""
    risky = counting(judged, Level.RISKY) if contract.risky == "fail" else []
    return bool(counting(judged, Level.BREAKING) or risky)


def waiver(judged: Judged) -> str:
    """Return who answers for a change, or did."""
    return f"waived {judged.waived}" if judged.waived else f"its waiver is over; it held {judged.expired}"


def lines(judged: Sequence[Judged]) -> Iterator[str]:
    """Yield a line for each change but those of documentation, which are counted, and one that sums up."""
    told = [each for each in judged if each.change.effect is not Effect.METADATA or each.level is not Level.SAFE]
    for each in told:
        yield f"{each.level:{WIDTH}}  {each.title}"
        yield f"{'':{WIDTH}}  at {each.change.at}"
        if each.waived or each.expired:
            yield f"{'':{WIDTH}}  {waiver(each)}"
    words = len(judged) - len(told)
    more = f" ({words} of them changed words only and are not shown)" if words else ""
    yield f"changes: {', '.join(summary(judged))}{more}" if judged else "changes: none"
