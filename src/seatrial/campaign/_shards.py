"""A run in several parts, on machines that know nothing of each other: which suites each of them has.

checks by suite --divide--> shares, the same wherever that is done --one each--> runs --seatrial merge--> one verdict
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace

from seatrial.campaign._options import Options
from seatrial.campaign._suites import in_suite_order, suite_named
from seatrial.config import Settings
from seatrial.core import UsageError
from seatrial.record import Shard
from seatrial.stack import commit_of, repository_of

COVERAGE = "coverage"
"""The suite that goes with every share which it measures: what is covered is the union."""


def read_shard(text: str) -> tuple[int, int]:
    """Return the number of a shard (from 1) and how many there are, of `I/N`; raises UsageError."""
    found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
    if found is None or int(found[1]) > int(found[2]):
        raise UsageError(
            f"{text!r} is no shard",
            slug="shard-invalid",
            where="--shard",
            remedy="write I/N, the number of the shard and of all shards: 1/3, 2/3 and 3/3",
        )
    return int(found[1]), int(found[2])


def divide(checks: Mapping[str, int], count: int) -> tuple[str, ...]:
    """Return the suites of each of so many shares, in one line each, from how many checks the suites have.

    The largest suite first goes to whoever has the fewest checks: that depends on nothing but the suites. A suite is
    never divided, since its checks share what its instrument measured. Raises UsageError for more shares than suites.
    """
    apart = [suite for suite in in_suite_order(checks) if suite != COVERAGE] or list(checks)
    if count > len(apart):
        raise UsageError(
            f"{len(apart)} suites cannot be divided among {count} shards",
            slug="shard-invalid",
            where="--shard",
            remedy=f"a shard has whole suites: write at most --shard I/{len(apart)}",
        )
    shares: list[list[str]] = [[] for _ in range(count)]
    for suite in sorted(apart, key=lambda suite: -checks[suite]):
        min(shares, key=lambda share: (sum(checks[each] for each in share), len(share))).append(suite)
    return tuple(" ".join(_whole(share, checks)) for share in shares)


def _whole(share: list[str], checks: Mapping[str, int]) -> list[str]:
    """Return a share in the order in which it runs, with coverage where there is something to measure."""
    measured = any(suite_named(suite).needs == "instrumented" for suite in share)
    return in_suite_order([*share, *([COVERAGE] if measured and COVERAGE in checks else [])])


def as_shard(options: Options, text: str, checks: Mapping[str, int]) -> Options:
    """Return the options of a shard, from those of the whole run; raises UsageError."""
    number, count = read_shard(text)
    shares = divide(checks, count)
    return replace(options, only=tuple(shares[number - 1].split()), asked=options.only, shard=number, shares=shares)


def shard_of(settings: Settings, options: Options, *, seed: int, driver: str) -> Shard | None:
    """Return what a shard says of itself, None for a run that is none."""
    if not options.shard:
        return None
    return Shard(
        number=options.shard,
        shares=options.shares,
        commit=commit_here(settings),
        configuration=digest_of(settings),
        repeat=replace(options, only=options.asked).repeat(seed=seed, driver=driver),
        patch_base=options.patch_base,
    )


def commit_here(settings: Settings) -> str:
    """Return the commit of the project's folder, empty where it lies in no repository."""
    try:
        return commit_of(repository_of(settings.root), "HEAD")
    except UsageError:
        return ""


def digest_of(settings: Settings) -> str:
    """Return what is the same for settings that say the same, wherever the project's folder is."""
    said = json.dumps(settings.model_dump(mode="json", exclude={"root"}), sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def note_left_out(suites: tuple[str, ...], shard: Shard | None, known: tuple[str, ...]) -> str:
    """Return what is said of suites that are not selected; empty where all are."""
    others = set(shard.suites) - set(suites) if shard else set[str]()
    missing = [name for name in known if name not in suites and name not in others]
    said = [f"left to other shards: {', '.join(in_suite_order(others))}"] if others else []
    said += [f"not selected in this run: {', '.join(missing)}"] if missing else []
    return "; ".join(said)
