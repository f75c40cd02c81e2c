"""An inference in words: the `[[limits]]` block, how each field is known, and which requests show it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from seatrial.throttle._conventions import CONVENTIONS
from seatrial.throttle.infer._found import FIELDS, Found
from seatrial.throttle.infer._task import Task

DECLARABLE = ("fixed-window", "sliding-log", "sliding-counter", "token-bucket")
KEYS = ("user", "organisation", "address")
ANCHORS = ("first-request", "clock", "per-key")


def lines(task: Task, found: Found) -> list[str]:
    """Return what is printed for people."""
    return [*_block(task, found), "", *_fields(found), "", *_defects(found), *_open(found), _cost(found)]


def _block(task: Task, found: Found) -> Iterator[str]:
    """Write the policy as seatrial.toml has it, with what it has no word for as comments."""
    values = found.values
    if values["quota"] is None or values["window_s"] is None:
        yield f"# no [[limits]] block: {found.values['algorithm'] or 'the policy stayed open'}"
        return
    headers = values["headers"] or {"convention": "none"}
    yield "[[limits]]"
    yield f"quota = {values['quota']}"
    yield f"window_s = {values['window_s']:g}"
    yield _word("algorithm", values["algorithm"], DECLARABLE, "any")
    if values["anchor"]:
        yield _word("anchor", values["anchor"], ANCHORS, "first-request")
    yield from _keys(task, values["scope"])
    yield f'method = "{task.method}"'
    yield f"path = {json.dumps(task.path)}"
    if task.template and "path-parameter-in-key" not in found.defects:
        yield f"path_template = {json.dumps(task.template)}"
    yield _word("headers", headers["convention"], CONVENTIONS, "none")
    yield f"retry_after = {str(found.retry_after).lower()}"
    yield from _rejection(found)


def _keys(task: Task, scope: str | None) -> Iterator[str]:
    """Write whose bucket it is; where there is no word for that, whom was asked as: a limit of nobody is none."""
    key = scope if scope in KEYS else ("user" if task.people else "address")
    comment = "" if key == scope else f"  # {f'found: {scope}' if scope else 'whose bucket it is stayed open'}"
    by, anonymous_by = ([], key) if key == "address" else ([key], "none")
    yield f"authenticated_by = {json.dumps(by)}{comment if by else ''}"
    yield f'anonymous_by = "{anonymous_by}"{"" if by else comment}'


def _rejection(found: Found) -> Iterator[str]:
    """Write the status of a refusal, of which the configuration has a word for errors alone."""
    status = found.values["status"]
    if status and status >= 400:  # noqa: PLR2004 - what the configuration accepts
        yield f"rejection_status = {status}"
    elif "status" in found.confidence:
        yield f"# rejection_status: found {status or 'that the connection just ends'}"


def _word(key: str, value: str | None, words: Collection[str], otherwise: str) -> str:
    shown = value if value in words else otherwise
    comment = "" if value in {*words, None, "none"} else f"  # found: {value}"
    return f'{key} = "{shown}"{comment}'


def _fields(found: Found) -> Iterator[str]:
    for name in FIELDS:
        known = found.confidence.get(name)
        if known is None:
            yield f"{name:<15} open"
            continue
        between = f", {known['low']:.4g} to {known['high']:.4g}" if known["low"] is not None else ""
        value = json.dumps(found.values[name])
        yield f"{name:<15} {value}  ({known['how']}{between}: {found.proof.get(name, '')})"


def _defects(found: Found) -> Iterator[str]:
    for defect in sorted(found.defects):
        yield f"defect {defect}: {found.proof[defect]}"


def _open(found: Found) -> Iterator[str]:
    for name, reason in sorted(found.inconclusive.items()):
        yield f"inconclusive {name}: {reason}"


def _cost(found: Found) -> str:
    window_s = found.values["window_s"]
    windows = f", {found.seconds / window_s:.2f} windows" if window_s else ""
    return f"{found.requests} requests in {found.seconds:.1f} s{windows}"
