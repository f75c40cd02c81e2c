"""A file in YAML, JSON or TOML, with the line on which each of its values stands."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

Place = tuple[str | int, ...]
"""Keys and indices that lead to a value."""


class Unreadable(Exception):
    """The file is not in its format; `line` is where that shows."""

    def __init__(self, what: str, line: int = 1) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, as JSON has it, and where."""

    value: Any
    lines: Mapping[Place, int] = field(default_factory=dict)

    def line(self, *place: str | int) -> int:
        """Return the line of a value, or of what is around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def at(self, *place: str | int) -> Any:
        """Return a value, None where there is none."""
        value = self.value
        for step in place:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def mapping(self, *place: str | int) -> Mapping[str, Any]:
        """Return a mapping, an empty one where something else stands, or nothing."""
        found = self.at(*place)
        return found if isinstance(found, dict) else {}

    def items(self, *place: str | int) -> list[Any]:
        """Return a list, an empty one where something else stands, or nothing."""
        found = self.at(*place)
        return found if isinstance(found, list) else []


def read_documents(file: Path) -> list[Document]:
    """Return the documents of a file: several where YAML has them. Raises Unreadable, also where there is no file."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(str(getattr(error, "strerror", None) or error)) from error
    if file.suffix == ".toml":
        return [_read_toml(text)]
    if file.suffix == ".json":
        _check_json(text)
    return _read_yaml(text)


def _check_json(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise Unreadable(error.msg, error.lineno) from error


class _Loader(yaml.SafeLoader):
    """YAML as version 1.2 has it, which GitHub and Kubernetes read: `on` is a text, and so is a date."""


_BOOL, _INT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int"
_PLAIN = {_BOOL, _INT, "tag:yaml.org,2002:timestamp"}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _PLAIN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")
_Loader.add_implicit_resolver(
    _INT, re.compile(r"[-+]?(?:0|[1-9][0-9]*|0o?[0-7]+|0x[0-9a-fA-F]+)$"), "-+0123456789"
)  # 22:30 is a text too


def _own_words(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    """Return what a tag of compose stands before: `!override` is itself."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else str(node.value)


_RESET = object()
_Loader.add_constructor("!reset", lambda _loader, _node: _RESET)
_Loader.add_constructor("!override", _own_words)


def _kept(value: Any) -> Any:
    """Return a value without what `!reset` takes away: in compose it is as if it had never been said.

    Keys are texts, as in JSON: who writes `80:` means a name.
    """
    if isinstance(value, dict):
        return {str(key): _kept(inner) for key, inner in value.items() if inner is not _RESET}
    return [_kept(inner) for inner in value if inner is not _RESET] if isinstance(value, list) else value


def _read_yaml(text: str) -> list[Document]:
    plain = text.expandtabs() if text.lstrip().startswith("{") else text  # JSON may be indented with tabs
    try:
        return list(_documents(plain))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"{error.problem or 'not YAML'}{_of_template(text)}"
        raise Unreadable(what, mark.line + 1 if mark else 1) from error
    except ReaderError as error:
        line = plain.count("\n", 0, error.position) + 1
        raise Unreadable(f"not YAML: the character {chr(error.character)!r} in it", line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(f"not YAML: {error}".splitlines()[0]) from error


def _documents(text: str) -> Iterator[Document]:
    loader = _Loader(text)
    try:
        while loader.check_node() and (node := loader.get_node()):
            lines = dict(_lines_of(node, (), node.start_mark.line + 1, frozenset()))
            yield Document(_kept(loader.construct_document(node)), lines)
    finally:
        loader.dispose()


_TEMPLATE = re.compile(r"(?<!\$)\{\{|\{%")


def _of_template(text: str) -> str:
    """Return what to do about a template of Helm, or of another tool, which is YAML only once it is filled in."""
    return "; it looks like a template: name what it becomes (helm template)" if _TEMPLATE.search(text) else ""


def _lines_of(node: yaml.Node, place: Place, line: int, above: frozenset[int]) -> Iterator[tuple[Place, int]]:
    """Yield every place within a node; what an anchor repeats stands where the anchor is, and what is its own wins."""
    yield place, line
    if id(node) in above:
        raise ValueError("an anchor holds itself")
    above |= {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for index, inner in enumerate(node.value):
            yield from _lines_of(inner, (*place, index), inner.start_mark.line + 1, above)
    elif isinstance(node, yaml.MappingNode):
        for key, inner in sorted(node.value, key=lambda pair: pair[0].tag != "tag:yaml.org,2002:merge"):
            yield from _pair(key, inner, place, above)


def _pair(key: yaml.Node, inner: yaml.Node, place: Place, above: frozenset[int]) -> Iterator[tuple[Place, int]]:
    line = key.start_mark.line + 1
    if key.tag != "tag:yaml.org,2002:merge":
        yield from _lines_of(inner, (*place, str(key.value)), line, above)
        return
    for part in inner.value if isinstance(inner, yaml.SequenceNode) else [inner]:
        yield from (entry for entry in _lines_of(part, place, line, above) if entry[0] != place)


_TABLE = re.compile(r"\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*([\w.-]+|"[^"]*"|'[^']*')\s*=""")
_AT_LINE = re.compile(r"line (\d+)")


def _read_toml(text: str) -> Document:
    try:
        return Document(tomllib.loads(text), _lines_of_toml(text))
    except tomllib.TOMLDecodeError as error:
        found = _AT_LINE.search(str(error))
        raise Unreadable(str(error), int(found[1]) if found else len(text.splitlines()) or 1) from error


def _lines_of_toml(text: str) -> dict[Place, int]:
    """Return the lines of tables and of keys that begin one: tomllib tells none."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts: Counter[tuple[str, ...]] = Counter()
    for number, line in enumerate(text.splitlines(), 1):
        if found := _TABLE.match(line):
            names = _names(found[2])
            counts[names] += found[1] == "[["
            table = _numbered(names, counts)
            lines.setdefault(table, number)
        elif found := _KEY.match(line):
            lines.setdefault((*table, *_names(found[1])), number)
    return lines


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in re.findall(r"""[^."']+|"[^"]*"|'[^']*'""", dotted))


def _numbered(names: tuple[str, ...], counts: Mapping[tuple[str, ...], int]) -> Place:
    """Return the place of a table: of an array of them, the newest."""
    place: Place = ()
    for length, name in enumerate(names, 1):
        place = (*place, name, counts[names[:length]] - 1) if counts.get(names[:length]) else (*place, name)
    return place
