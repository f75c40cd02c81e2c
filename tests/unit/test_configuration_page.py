"""docs/reference/configuration.md says what the settings models say, key by key."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from seatrial.config import Settings, load_settings
from seatrial.gate import check_rules

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
SET_BY_LOADING = {"root", "config_file"}
ABSENT: tuple[object, ...] = (None, "", (), {})


def tables(model: type[BaseModel] = Settings, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield every table that a file may have, as its heading is written, with its model."""
    yield path or "top level", model
    for name, field in model.model_fields.items():
        inner = inner_model(field.annotation)
        if inner:
            yield from tables(inner, f"{path.removesuffix('[]')}.{name}".lstrip(".") + named(field.annotation))


def named(annotation: Any) -> str:
    """Return what stands for the name in tables that are named by the project."""
    if get_origin(annotation) is dict:
        return ".PROFILE" if "quick" in get_args(get_args(annotation)[0]) else ".NAME"
    return "[]" if get_origin(annotation) is tuple else ""


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a key holds one or several of, if it does."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(inner_model, get_args(annotation))), None)


def sections() -> dict[str, dict[str, str]]:
    """Return, by table, the default that the page gives for each key."""
    found: dict[str, dict[str, str]] = {}
    for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        heading = part.splitlines()[0].strip("`")
        rows = re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \|", part, re.MULTILINE)
        found[heading_path(heading)] = dict(rows)
    return {heading: rows for heading, rows in found.items() if rows}


def heading_path(heading: str) -> str:
    """Return `limits[]` for `[[limits]]` and `stack.local` for `[stack.local]`."""
    if heading.startswith("[["):
        return heading.strip("[]") + "[]"
    return heading.strip("[]").lower() if heading == "Top level" else heading.strip("[]")


def own_keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the keys that are values, not tables with a section of their own."""
    fields = model.model_fields.items()
    return {name: f for name, f in fields if not inner_model(f.annotation) and name not in SET_BY_LOADING}


def as_written(field: FieldInfo) -> str:
    """Return a default as the page writes it."""
    if field.is_required():
        return "required"
    return "none" if field.default in ABSENT else f"`{toml(field.default)}`"


def toml(value: object) -> str:
    """Return a value as it is written in a file."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def test_the_page_has_the_tables_of_the_models() -> None:
    """Each table with keys has a section, and no section is about a table that does not exist."""
    assert set(sections()) == {path for path, model in tables() if own_keys(model)}


@pytest.mark.parametrize(("path", "model"), [pair for pair in tables() if own_keys(pair[1])])
def test_each_key_is_listed_with_its_default(path: str, model: type[BaseModel]) -> None:
    """A section lists the keys of its table, all of them and no others, with their true defaults."""
    assert sections()[path] == {name: as_written(field) for name, field in own_keys(model).items()}


def test_the_example_loads(tmp_path: Path) -> None:
    """The complete example is valid, and so are the rules in it."""
    example = next(block for block in re.findall(r"```toml\n(.+?)```", PAGE, re.DOTALL) if "[stack]" in block)
    file = tmp_path / "seatrial.toml"
    file.write_text(example, encoding="utf-8")
    settings = load_settings(file)
    check_rules(settings)
    assert settings.stack.compose
    assert settings.limits
    assert settings.load
