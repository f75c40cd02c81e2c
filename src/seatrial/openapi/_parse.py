"""From the bytes of a document to its data, which is always such as JSON can hold."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from seatrial.core import UsageError

MOST = 2_000_000
"""How many values a document may have once what YAML's aliases repeat is written out."""

UNLIKE_JSON = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool"}
TRUE_OR_FALSE = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class Loader(yaml.SafeLoader):
    """YAML as a superset of JSON: dates, `on` and `no` are texts, and so are keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's name
        first: [(tag, pattern) for tag, pattern in found if tag not in UNLIKE_JSON]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose keys are as they were written."""
        self.flatten_mapping(node)
        return {_written(key): self.construct_object(value, deep=deep) for key, value in node.value}


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", TRUE_OR_FALSE, list("tTfF"))


def _written(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key is no text", key.start_mark)
    return str(key.value)


def parse(body: bytes, source: str) -> Any:
    """Return the data of a document in JSON or YAML; raises UsageError for what is neither."""
    try:
        data = _json(body) if body.lstrip()[:1] in {b"{", b"[", b"<"} else _yaml(body)
        return _whole(data) if rb"\ud" in body.lower() else data
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(
            f"the OpenAPI document is neither JSON nor YAML: {' '.join(str(error).split())}",
            slug="contract-unreadable",
            where=source,
            remedy="let [contract] document name the document itself, not a page that shows it",
        ) from error


def _whole(data: Any) -> Any:
    """Return data with a mark in place of each half of a character, which escapes can name and nobody can send."""
    text = json.dumps(data, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _json(body: bytes) -> Any:
    if body.lstrip().startswith(b"<"):
        raise ValueError("it is HTML or XML")
    return json.loads(body)


def _yaml(body: bytes) -> Any:
    data = yaml.load(body, Loader)  # noqa: S506 - a safe loader, above
    if _size(data, {}) > MOST:
        raise ValueError(f"its aliases make more than {MOST:,} values of it")
    return data


def _size(data: Any, known: dict[int, int]) -> int:
    """Return how many values data has when each alias is written out; what is aliased is counted once and known."""
    if not isinstance(data, (dict, list)):
        return 1
    if id(data) not in known:
        parts = data.values() if isinstance(data, dict) else data
        known[id(data)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(data)]
