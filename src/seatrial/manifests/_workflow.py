"""A workflow of GitHub Actions: its jobs, what they wait for, and when they run.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from seatrial.manifests._read import Document, Place

PINNED = re.compile(r"@(?:[0-9a-f]{40}|sha256:[0-9a-f]{64})$")
GOES_ON = re.compile(r"\b(always|failure|cancelled)\s*\(\s*\)")
"""Functions that lift what a job waits for: without one, each `if` means `success() && ...`."""

ON_BRANCH = re.compile(
    r"""
    github\.ref\s*==\s*'refs/heads/([^']+)' | github\.ref_name\s*==\s*'([^']+)'
    | 'refs/heads/([^']+)'\s*==\s*github\.ref | '([^']+)'\s*==\s*github\.ref_name
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow that is valid by its schema."""

    document: Document

    @property
    def jobs(self) -> Mapping[str, Any]:
        """Return the jobs by name."""
        return self.document.mapping("jobs")

    def line(self, *place: str | int) -> int:
        """Return the line of a place."""
        return self.document.line(*place)

    def waits_for(self, job: str) -> tuple[str, ...]:
        """Return the jobs that a job names in `needs`."""
        return tuple(listed(self.document.at("jobs", job, "needs")))

    def before(self, job: str) -> set[str]:
        """Return the jobs that have to end before a job begins."""
        found: set[str] = set()
        waiting = [job]
        while waiting:
            for name in self.waits_for(waiting.pop()):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found

    def after(self, job: str) -> set[str]:
        """Return the jobs that begin when a job has ended."""
        return {name for name in self.jobs if job in self.before(name)}

    def condition(self, *place: str | int) -> str:
        """Return the `if` of a job or a step, without the brackets around it."""
        text = str(self.document.mapping(*place).get("if", "")).strip()
        whole = re.fullmatch(r"\$\{\{(.*)\}\}", text, re.DOTALL)
        return whole[1].strip() if whole else text

    def events(self) -> Mapping[str, Any]:
        """Return what starts the workflow, with its filters."""
        declared = self.document.at("on")
        return declared if isinstance(declared, dict) else dict.fromkeys(listed(declared))

    def uses(self) -> Iterator[tuple[str, Place]]:
        """Yield every action and reusable workflow that is not of this repository, with its place."""
        for name, job in self.jobs.items():
            places: list[Place] = [("jobs", name)]
            places += [("jobs", name, "steps", number) for number in range(len(job.get("steps") or ()))]
            for place in places:
                used = str(self.document.mapping(*place).get("uses", ""))
                if used and not used.startswith("./"):
                    yield used, (*place, "uses")

    def calls(self, job: str) -> str:
        """Return the workflow that is in a job's place, empty where it has steps of its own."""
        return str(self.document.mapping("jobs", job).get("uses", ""))

    def step(self, name: str, jobs: Collection[str]) -> tuple[str, int] | None:
        """Return job and number of the step with this `id`, in these jobs."""
        for job in jobs:
            for number, step in enumerate(self.document.items("jobs", job, "steps")):
                if step.get("id") == name:
                    return job, number
        return None


def listed(value: Any) -> list[str]:
    """Return one or several texts as a list."""
    return [str(each) for each in value] if isinstance(value, list) else [str(value)] if value else []


def admits(filters: Any, branch: str) -> bool:
    """Return whether the filters of an event let a branch start the workflow; `!` takes back what stands before it."""
    rules = filters if isinstance(filters, dict) else {}
    if "branches" in rules:
        admitted = False
        for pattern in listed(rules["branches"]):
            if fnmatchcase(branch, pattern.removeprefix("!")):
                admitted = not pattern.startswith("!")
        return admitted
    if any(fnmatchcase(branch, pattern) for pattern in listed(rules.get("branches-ignore"))):
        return False
    return not {"tags", "tags-ignore"} & rules.keys() or "branches-ignore" in rules


def confines(condition: str, branches: Collection[str]) -> bool:
    """Return whether a condition holds on these branches alone, as far as it says so in plain words."""
    alternatives = _split(_bare(condition), "||")
    if len(alternatives) > 1:
        return all(confines(each, branches) for each in alternatives)
    parts = _split(alternatives[0], "&&")
    if len(parts) > 1:
        return any(confines(each, branches) for each in parts)
    found = ON_BRANCH.fullmatch(parts[0])
    return bool(found and next(filter(None, found.groups())) in branches)


def goes_on(condition: str, before: Collection[str], gate: str) -> str:
    """Return the function by which a job runs though one before it failed or was skipped, empty where none does so.

    None does where the condition demands success of each of them, or of the gate while nothing failed.
    """
    found = GOES_ON.search(condition)
    parts = _demands(condition)
    passed = {job for job in before if f"needs.{job}.result=='success'" in parts}
    sound = passed == set(before) or (gate in passed and {"!failure()", "!cancelled()"} <= parts)
    return found[0] if found and not (passed and sound) else ""


def _demands(condition: str) -> set[str]:
    """Return what all has to hold, without spaces; nothing where something else would do."""
    whole = _bare(condition)
    return {re.sub(r"\s+", "", part) for part in _split(whole, "&&")} if len(_split(whole, "||")) == 1 else set()


def _bare(expression: str) -> str:
    """Return an expression without the brackets that are around all of it."""
    text = expression.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    return next((end for end, depth, _ in _depths(text) if depth == 0), -1)


def _split(expression: str, operator: str) -> list[str]:
    """Return what an operator joins, outside of brackets and quotes."""
    parts, begin, skip = [], 0, -1
    for index, depth, quoted in _depths(expression):
        if index > skip and depth == 0 and not quoted and expression.startswith(operator, index):
            parts.append(expression[begin:index])
            begin = skip = index + len(operator)
            skip -= 1
    return [part.strip() for part in (*parts, expression[begin:])]


def _depths(text: str) -> Iterator[tuple[int, int, bool]]:
    """Yield index, depth of brackets after it, and whether it is quoted, of every character."""
    depth, quoted = 0, False
    for index, character in enumerate(text):
        if character == "'":
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
        yield index, depth, quoted
