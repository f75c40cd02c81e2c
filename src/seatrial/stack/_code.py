"""Which variables Python code reads: for sure, by a literal name; or perhaps, where its name could come from."""

from __future__ import annotations

import ast
import glob
import re
from collections.abc import Collection, Iterator
from pathlib import Path

NAME = re.compile(r"[A-Za-z_]\w*")
BY_NAME = frozenset({"get", "pop", "setdefault"})
ANYTHING = "*"


def read_by_code(folder: Path, root: Path) -> dict[str, str]:
    """Return the variables that the Python files of a folder read by a literal name, each with one file and line."""
    found: dict[str, str] = {}
    for file in sorted(folder.rglob("*.py")):
        for name, line in read_by_module(_parse(file)):
            found.setdefault(name, f"{file.relative_to(root)}:{line}")
    return found


def _parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def read_by_module(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield names and lines: os.getenv, os.environ, and functions of the module that pass their first argument on."""
    for name in asked_for(module):
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value, name.lineno


def asked_for(module: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions by which a module reads variables."""
    readers = {
        function.name
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef) and function.args.args and _passes_on(function)
    }
    yield from filter(None, (_asked_for(node, readers) for node in ast.walk(module)))


def _passes_on(function: ast.FunctionDef) -> bool:
    first = function.args.args[0].arg
    names = (_asked_for(node, ()) for node in ast.walk(function))
    return any(isinstance(name, ast.Name) and name.id == first for name in names)


def _asked_for(node: ast.AST, readers: Collection[str]) -> ast.expr | None:
    """Return the expression by which a node reads a variable, None for one that does not."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return node.slice if _dotted(node.value).endswith("environ") else None
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = _dotted(node.func)
    if called in readers or called.split(".")[-1] == "getenv" or called.endswith(("environ.get", "environ.pop")):
        return node.args[0]
    return None


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def perhaps_read_by_file(file: Path) -> set[str]:
    """Return globs of the variables that a Python file may read; what cannot be parsed may read anything."""
    try:
        return set(perhaps_read(_parse(file)))
    except (SyntaxError, UnicodeDecodeError):
        return {ANYTHING}


def perhaps_read(module: ast.Module) -> Iterator[str]:
    """Yield globs of the variables that a module may read: too many rather than too few.

    Any text may be a name. One that ends or begins with `_` may be a part of one, such as a prefix of settings, whose
    fields are the rest. Names that are made up, and an environment that is handed on as a whole, may be all.
    """
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and NAME.fullmatch(node.value):
            yield from _as_globs(node.value)
        elif isinstance(node, ast.ClassDef) and node.bases:
            yield from _fields(node)
    for name in asked_for(module):
        if isinstance(name, (ast.BinOp, ast.Call, ast.JoinedStr)):
            yield _pattern(name)
    if _hands_on(module):
        yield ANYTHING


def _as_globs(text: str) -> Iterator[str]:
    yield text
    if text.endswith("_"):
        yield from (f"{text}*", f"{text.upper()}*")
    if text.startswith("_"):
        yield f"*{text}"


def _fields(settings: ast.ClassDef) -> Iterator[str]:
    """Yield what pydantic's settings, and their like, read: a field's name in capitals, or something in the field."""
    for node in settings.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield from (node.target.id.upper(), f"{node.target.id.upper()}__*")


def _pattern(name: ast.expr) -> str:
    """Return a glob of the names that an expression makes."""
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return glob.escape(name.value)
    if isinstance(name, ast.JoinedStr):
        return "".join(map(_pattern, name.values))
    if isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add):
        return _pattern(name.left) + _pattern(name.right)
    return ANYTHING


def _hands_on(module: ast.Module) -> bool:
    """Return whether the environment is used otherwise than by name."""
    by_name = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr in BY_NAME):
            by_name.add(node.value)
        elif isinstance(node, ast.Compare):
            by_name |= set(node.comparators)
    used = (node for node in ast.walk(module) if isinstance(node, (ast.Attribute, ast.Name)) and node not in by_name)
    return any(_dotted(node).endswith("environ") for node in used)
