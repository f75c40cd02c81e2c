"""docs/messages.md explains every error, and only errors that exist."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLUG = re.compile(r"[a-z]+(-[a-z]+)*")


def arguments(call: ast.Call) -> list[ast.expr]:
    """Return every argument of a call."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call with the bare name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""), node


def keyword_slugs(tree: ast.AST) -> Iterator[str]:
    """Yield what stands in `slug="..."`, on either side of a condition too."""
    for _, call in calls(tree):
        for keyword in call.keywords:
            if keyword.arg == "slug":
                yield from texts(keyword.value)


def texts(value: ast.expr) -> Iterator[str]:
    """Yield the strings that an expression can be."""
    if isinstance(value, ast.IfExp):
        yield from texts(value.body)
        yield from texts(value.orelse)
    elif isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value


def helpers(tree: ast.Module) -> set[str]:
    """Return the functions of a module that take a slug and hand it to an error."""
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {function.name for function in functions if hands_on(function)}


def hands_on(function: ast.FunctionDef) -> bool:
    """Tell whether a function has a parameter `slug` that goes into `slug=slug`."""
    parameters = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    handed = (keyword for _, call in calls(function) for keyword in call.keywords if keyword.arg == "slug")
    return "slug" in parameters and any(isinstance(each.value, ast.Name) for each in handed)


def helper_slugs(tree: ast.Module) -> Iterator[str]:
    """Yield the slugs that are handed to the module's own helpers: words joined by hyphens."""
    own = helpers(tree)
    for name, call in calls(tree):
        if name in own:
            found = (text for argument in arguments(call) for text in texts(argument))
            yield from (text for text in found if "-" in text and SLUG.fullmatch(text))


@functools.cache
def in_code() -> frozenset[str]:
    """Return every error slug of the engine."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py")]
    return frozenset(slug for tree in trees for slug in (*keyword_slugs(tree), *helper_slugs(tree)))


def in_page() -> list[str]:
    """Return the section titles of the page, in their order."""
    return re.findall(r"^## (.+)$", (ROOT / "docs" / "messages.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_error_is_explained() -> None:
    """Each slug that the engine can print has a section."""
    assert in_code() - set(in_page()) == set()


def test_only_errors_that_exist_are_explained() -> None:
    """Each section is about a slug that the engine can print."""
    assert set(in_page()) - in_code() == set()


def test_sections_are_sorted_and_unique() -> None:
    """A reader finds a slug where the alphabet puts it."""
    assert in_page() == sorted(set(in_page()))


def test_slugs_are_well_formed() -> None:
    """A slug is words joined by hyphens."""
    assert [slug for slug in in_code() if not SLUG.fullmatch(slug)] == []
