"""What the runs were made of, and where that differs: whatever stands here may be the reason for any difference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.record import Record
from seatrial.reporting._verdict import unexplained, verdict_of

NOT_PAIRED = (
    "the runs were made at two times and are not paired: a difference in load may come from the machine, or from "
    "whatever else it did, and decides nothing; `seatrial load compare` runs both versions side by side, and can be a "
    "gate"
)


def side_of(record: Record) -> dict[str, Any]:
    """Return a run as this tells of it; `problem` says why it may not be whole."""
    started, facts = record.origin, verdict_of(record)
    return {
        **{name: facts[name] for name in ("run", "verdict", "reason", "started", "version", "project", "duration_s")},
        **{name: facts[name] for name in ("profile", "stack", "fault", "seed", "shard", "merged", "repeat")},
        "suites": list(started.suites),
        "machine": started.machine,
        "commit": record.commit,
        "directory": str(record.directory),
        "problem": _problem(record),
    }


def _problem(record: Record) -> str:
    if record.damage:
        return record.damage.partition("\n")[0]
    if record.failure:
        return f"the run broke: {record.failure.reason}"
    return "" if record.finished else unexplained(record)


TOLD = {
    "project": "project",
    "version": "seatrial",
    "commit": "commit",
    "machine": "machine",
    "stack": "stack",
    "profile": "profile",
    "suites": "suites",
    "fault": "seeded fault",
    "shard": "shard",
    "merged": "merged from",
    "seed": "seed of random choices",
}
"""What is held against each other, and what people call it."""


def conditions_between(base: dict[str, Any], candidate: dict[str, Any]) -> list[dict[str, str]]:
    """Return each condition that is not the same on both sides, as words."""
    both = [(words, _shown(base, name), _shown(candidate, name)) for name, words in TOLD.items()]
    return [{"what": what, "base": before, "candidate": now} for what, before, now in both if before != now]


def _shown(side: dict[str, Any], name: str) -> str:
    if not side["run"]:  # its beginning was lost
        return "not recorded"
    value = side[name]
    if name == "merged":  # which runs these are says nothing: how many parts there were may
        return f"{len(value)} shard{'s' * (len(value) > 1)}" if value else "no shards"
    words = " ".join(value) if isinstance(value, list) else str(value)
    return words or ("not recorded" if name in {"machine", "commit"} else "none")


def notes_of(base: dict[str, Any], candidate: dict[str, Any]) -> Iterator[str]:
    """Yield what whoever reads the differences has to know first."""
    if base["directory"] == candidate["directory"] or (base["run"] and base["run"] == candidate["run"]):
        yield "both sides are one and the same run"
    for name, side in (("base", base), ("candidate", candidate)):
        if side["problem"]:
            yield f"the {name} is not whole ({side['problem']}): what it lacks was not looked at"
        if side["run"] and not side["machine"]:
            yield f"the {name} does not say on which kind of machine it ran, as older versions did not"
    if base["seed"] != candidate["seed"] and all("contract" in side["suites"] for side in (base, candidate)):
        yield "the seeds differ: the fuzzer sent other requests, and may have found or missed a defect by chance"
