"""What the engine imports is declared, or comes with what it is part of: whoever installs the wheel has it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
COMES_WITH = {
    "cryptography": "pyjwt",
    "docker": "testcontainers",
    "gevent": "locust",
    "geventhttpclient": "locust",
    "hypothesis": "schemathesis",
    "pydantic-core": "pydantic",
    "requests": "schemathesis",
    "urllib3": "requests",
}
"""What is used through somebody's internals has his version: he asks for it himself."""


def named(requirement: str) -> str:
    """Return the name of a requirement as it is compared."""
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


EXTRAS = PROJECT["optional-dependencies"]
DECLARED = {named(each) for each in [*PROJECT["dependencies"], *EXTRAS["embedded"], *EXTRAS["browser"]]}


def imported() -> Iterator[str]:
    """Yield the top names of all that the engine imports from elsewhere."""
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def test_what_is_imported_is_declared() -> None:
    """Nothing is there only because another package happens to ask for it."""
    owners = packages_distributions()
    foreign = set(imported()) - sys.stdlib_module_names - {"seatrial"}
    missing = {
        name for name in foreign if not {named(each) for each in owners.get(name, [])} & {*DECLARED, *COMES_WITH}
    }
    assert missing == set()


@pytest.mark.parametrize(("package", "bringer"), COMES_WITH.items())
def test_what_is_not_declared_comes_with_another(package: str, bringer: str) -> None:
    """Whoever brings it requires it."""
    assert package in map(named, requires(bringer) or [])
    assert bringer in {*DECLARED, *COMES_WITH}
