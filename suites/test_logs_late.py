"""The whole log so far, from the start of each service to the outages that it went through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonschema

from seatrial.config import LogSettings
from seatrial.core import content
from seatrial.plugin import Defects, check, inconclusive
from seatrial.stack import Stack

SHOWN = 3
Problem = tuple[str, str]
"""What is wrong with a line, as a word that does not change between runs, and the line."""


@check(
    "logs.every-line-structured",
    title="every line of a log is a JSON object with the agreed fields",
    severity="medium",
    needs=("logs",),
    cwe=(117,),
)
def test_every_line_structured(stack: Stack, log_lines: LogSettings, defects: Defects) -> None:
    """Each line that a declared service wrote so far is one JSON object, and has what every line must have.

    Whatever wrote it: the service, a library, a banner, a traceback. What collects logs drops a line that it cannot
    read, or takes the whole log for text.
    """
    for service in dict.fromkeys((*log_lines.services, *log_lines.workers)):
        lines = complete(stack.log(service))
        if not lines:
            inconclusive(f"{service} has not written a line")
        for cause, found in by_cause(problems(lines, log_lines.every_line)).items():
            what = f"{len(found)} of {len(lines)} lines of {service} {cause}"
            defects.add(what, cause=f"{cause}, {service}", detail="\n".join(line[:200] for line in found[:SHOWN]))
    defects.none()


def complete(text: str) -> list[str]:
    """Return the lines of a log that are not empty, without one that is still being written."""
    *ended, _ = text.split("\n")
    return [line for line in ended if line.strip()]


def problems(lines: Sequence[str], fields: Sequence[str]) -> Iterator[Problem]:
    """Yield what is wrong with each line."""
    schema = json.loads((content("contracts") / "schemas" / "log-line.json").read_text())
    known = {name: schema["properties"][name] for name in fields if name in schema["properties"]}
    validator = jsonschema.Draft202012Validator({"type": "object", "required": list(fields), "properties": known})
    for line in lines:
        value = parsed(line)
        if not isinstance(value, Mapping):
            yield "are no JSON object", line
        elif not validator.is_valid(value):
            yield f"lack a well-formed {', '.join(lacking(value, validator, fields))}", line


def lacking(line: Mapping[str, Any], validator: jsonschema.Validator, fields: Sequence[str]) -> list[str]:
    """Return the fields of a line that are missing or malformed."""
    malformed = {str(problem.path[0]) for problem in validator.iter_errors(line) if problem.path}
    return [name for name in fields if name not in line or name in malformed]


def by_cause(found: Iterator[Problem]) -> dict[str, list[str]]:
    """Return the lines with each problem."""
    lines: dict[str, list[str]] = {}
    for cause, line in found:
        lines.setdefault(cause, []).append(line)
    return lines


def parsed(line: str) -> object:
    """Return a line as JSON, None for one that is none."""
    try:
        return json.loads(line)
    except ValueError:
        return None
