"""docs/reference/rate-limit-faults.md says which check finds which fault, and nothing that the code does not keep."""

import ast
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from promises import PROMISES

from seatrial.campaign import fault_files, load_fault
from seatrial.config import LimitSettings
from seatrial.throttle import Policy
from seatrial.throttle._variants import variants

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "rate-limit-faults.md").read_text(encoding="utf-8")
REASONS = ("not yet: ", "cannot be seen from outside, because ")
PROVERS = ("ratelimit.", "security.admin-")
"""What the page is about: it names every such check, and every fault that trips one."""


@dataclass(frozen=True)
class Row:
    """One line of a table; `cells` are those behind the number."""

    id: str
    cells: tuple[str, ...]

    def names(self, cell: int) -> list[str]:
        """Return what stands in a cell as code."""
        return re.findall(r"`([^`]+)`", self.cells[cell])

    @property
    def reason(self) -> str:
        """Return why there is no check, empty where there is one."""
        return self.cells[1] if self.cells[1].startswith(REASONS) else ""


def rows(letter: str) -> list[Row]:
    """Return the lines of a table, by the letter of its numbers."""
    lines = re.findall(rf"^\| ({letter}\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    return [Row(number, tuple(cell.strip() for cell in rest.split(" |"))) for number, rest in lines]


def decorated() -> Iterator[tuple[str, Mapping[str, Sequence[Any]]]]:
    """Yield every check of the shipped suites, with its references, as the decorator has them."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "suites").glob("test_*.py"))]
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "check":
            given = {word.arg: word.value for word in node.keywords}
            yield (
                ast.literal_eval(node.args[0]),
                {name: ast.literal_eval(given[name]) if name in given else () for name in ("cwe", "owasp")},
            )


CHECKS = dict(decorated())
FAULTS = {slug: load_fault(slug) for slug in fault_files()}
NUMBERED = rows("F")
CHECKED = [row for row in NUMBERED if not row.reason]


def seeded_in_limiter() -> dict[str, str]:
    """Return the defects of the small limiter with the check that each is shown to fail."""
    tree = ast.parse((ROOT / "tests" / "integration" / "test_throttle.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in {"FAULTS", "SLIDING_FAULTS"}
    ]
    return {trait: f"ratelimit.{claim}" for value in values for trait, claim in ast.literal_eval(value)}


IN_LIMITER = seeded_in_limiter()


def tripped(fault: str) -> set[str]:
    """Return the checks that a fault fails."""
    if fault in FAULTS:
        return {FAULTS[fault].trips, *FAULTS[fault].implies}
    return {IN_LIMITER[fault]}


@pytest.mark.parametrize(("letter", "numbers"), [("F", 60), ("S", 17), ("B", 17)])
def test_each_number_has_one_line(letter: str, numbers: int) -> None:
    """No number is left out or stands twice, and they are in order."""
    wide = 2 if letter == "F" else 1
    assert [row.id for row in rows(letter)] == [f"{letter}{number:0{wide}}" for number in range(1, numbers + 1)]


@pytest.mark.parametrize("row", NUMBERED, ids=lambda row: row.id)
def test_a_fault_has_all_columns_or_a_reason(row: Row) -> None:
    """A fault that nothing finds has a sentence that says why, and no proof; every other one has all of it."""
    assert len(row.cells) == 5
    filled = [bool(cell) for cell in row.cells[2:]]
    assert filled == [not row.reason] * 3
    assert len(row.reason.split()) != 2, "a reason is a sentence"


@pytest.mark.parametrize("row", [*NUMBERED, *rows("S"), *rows("B")], ids=lambda row: row.id)
def test_each_check_is_registered(row: Row) -> None:
    """Each slug of a check on the page is one of the suites'."""
    named = re.findall(r"`((?:ratelimit|security|logs)\.[a-z-]+)`", " ".join(row.cells))
    assert set(named) <= CHECKS.keys()
    assert named or "not yet: " in row.cells[1] or row.reason or row.id == "S16"


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.id)
def test_each_check_is_tripped_by_a_fault_of_its_line(row: Row) -> None:
    """The faults of a line fail its checks: each check is failed by one of them, and none is there for nothing."""
    faults = row.names(2)
    assert set(faults) <= FAULTS.keys() | IN_LIMITER.keys()
    assert ("(limiter)" in row.cells[2]) == any(fault not in FAULTS for fault in faults)
    assert set().union(*map(tripped, faults)) >= set(row.names(1))
    assert [fault for fault in faults if not tripped(fault) & set(row.names(1))] == []


@pytest.mark.parametrize("row", CHECKED, ids=lambda row: row.id)
def test_the_references_are_those_of_the_checks(row: Row) -> None:
    """What the page says of CWE and OWASP stands in the decorators, so that reports say it too."""
    checks = [CHECKS[slug] for slug in row.names(1)]
    weaknesses = {int(number) for number in row.cells[3].split(", ")}
    assert weaknesses <= {number for check in checks for number in check["cwe"]}
    assert set(row.cells[4].split(", ")) <= {name for check in checks for name in check["owasp"]}


@pytest.mark.parametrize("slug", sorted(slug for slug in CHECKS if slug.startswith(PROVERS)))
def test_each_check_has_references_and_a_line(slug: str) -> None:
    """A check about limits names its weaknesses and risks, and is on the page."""
    assert CHECKS[slug]["cwe"]
    assert CHECKS[slug]["owasp"]
    assert slug in {name for row in CHECKED for name in row.names(1)}


@pytest.mark.parametrize("slug", sorted(slug for slug, fault in FAULTS.items() if fault.trips.startswith(PROVERS)))
def test_each_fault_has_a_line(slug: str) -> None:
    """A fault that trips such a check is on the page."""
    assert slug in {name for row in CHECKED for name in row.names(2)}


def test_the_figures_are_those_of_the_table() -> None:
    """What the page says of how many are tested is counted."""
    untested = [sum(row.reason.startswith(reason) for row in NUMBERED) for reason in REASONS]
    said = re.search(
        r"Of the 60, (\d+) have a check.+?(\d+) cannot be seen[^.]+?(?:(\d+) (?:is|are) not yet[^.]+)?\.", PAGE
    )
    assert said is not None
    assert [int(number or 0) for number in said.groups()] == [len(CHECKED), untested[1], untested[0]]


def headers_of_variants() -> set[str]:
    """Return every header that the proof writes to get round a limit."""
    settings = LimitSettings(**PROMISES, quota=3, window_s=10, path="/a", exempt=("/health",))
    policy, source = Policy(settings=settings, quota=3, window_s=10), random.Random(1)  # noqa: S311 - repeatable
    return {name for each in variants(policy) for name, _ in each.write(policy, source).extra}


def in_column(table: Sequence[Row], cell: int) -> set[str]:
    """Return what stands in a column as code."""
    return {name for row in table if len(row.cells) > cell for name in row.names(cell)}


def test_each_header_that_is_tried_is_listed() -> None:
    """The bypasses name the headers that the proof sends, `Authorization` (a token) apart."""
    named = in_column(rows("B"), 0) | in_column(rows("B"), 1)
    assert headers_of_variants() - {"Authorization"} - named == set()


def test_each_extension_is_a_key() -> None:
    """What the bypasses say of `[[limits]]` can be written there."""
    keys = in_column(rows("B"), 3)
    assert "bypass_headers" in keys
    assert keys <= LimitSettings.model_fields.keys()
