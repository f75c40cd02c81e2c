"""Files in YAML, JSON and TOML: each value with its line, and what cannot be read with the line where that shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.manifests import Document, Unreadable, read_documents
from seatrial.manifests._schemas import departures

KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
LEAVES = st.integers(0, 9) | st.booleans() | st.sampled_from(["on", "off", "2026-11-27", "two words"])
TREES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8
    ),
    min_size=1,
)


def read(text: str, name: str, folder: Path) -> Document:
    """Return the one document of a file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    (document,) = read_documents(file)
    return document


@settings(max_examples=25)
@given(TREES)
def test_each_format_says_the_same(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]) -> None:
    """What was written is what is read, and every key of YAML and JSON has a line on which it stands."""
    folder = tmp_path_factory.getbasetemp()
    quoted = yaml.safe_dump(tree, default_style='"', default_flow_style=False)
    for name, text in (
        ("a.json", json.dumps(tree, indent="\t")),
        ("a.yaml", json.dumps(tree, indent=1)),
        ("a.toml", tomli_w.dumps(tree)),
    ):
        document = read(text, name, folder)
        assert document.value == tree, name
        for place, line in document.lines.items():
            if place and isinstance(place[-1], str):
                assert place[-1] in text.splitlines()[line - 1], (name, place)
    assert read(quoted, "b.yaml", folder).lines.keys() == read(json.dumps(tree), "b.json", folder).lines.keys()


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("a.yaml", "a: 1\nb: [1\nc: 2\n", 3),
        ("a.yaml", "a: &b [*b]\n", 1),
        ("a.yaml", "a: 1\nb: \a\n", 2),
        ("a.yaml", "a: 1\nb: !Sub c\n", 2),
        ("a.yaml", "a: 1\nimage: {{ .Values.image }}\n", 2),
        ("a.yaml", "a:\n{{- if .Values.a }}\n  b: 1\n{{- end }}\n", 3),
        ("a.json", '{"a": 1,\n "b": }', 2),
        ("a.toml", "a = 1\nb = \n", 2),
        ("a.toml", '[a]\nb = """\n', 2),
    ],
)
def test_what_cannot_be_read_says_where(name: str, text: str, line: int, tmp_path: Path) -> None:
    """The line is the one that the parser stumbles over."""
    with pytest.raises(Unreadable) as caught:
        read(text, name, tmp_path)
    assert caught.value.line == line, caught.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is told as what cannot be read."""
    with pytest.raises(Unreadable, match="No such file"):
        read_documents(tmp_path / "none.yaml")


def test_an_anchor_is_where_it_stands(tmp_path: Path) -> None:
    """What is merged has the line of the anchor, and what is the key's own its own line."""
    document = read("x: &x\n  a: 1\n  b: 2\ny:\n  b: 3\n  <<: *x\n", "a.yaml", tmp_path)
    assert document.value["y"] == {"a": 1, "b": 3}
    assert (document.line("y", "a"), document.line("y", "b"), document.line("y", "none")) == (2, 5, 4)


def test_tables_of_toml_are_counted(tmp_path: Path) -> None:
    """A table of an array is known by its number, and one within it belongs to the newest."""
    text = '[[vm]]\nsize = 1\n[[vm]]\nsize = 2\n[vm.more]\n"a.b" = 1\n'
    document = read(text, "a.toml", tmp_path)
    assert (document.line("vm", 1, "size"), document.line("vm", 1, "more", "a.b")) == (4, 6)


def test_a_departure_has_the_line_of_what_is_wrong(tmp_path: Path) -> None:
    """Of several forms that are allowed the nearest is told, and a key that should not be there by its own line."""
    text = "on: push\njobs:\n  lint:\n    timeout-minutes: [1]\n    runs-on: u\n  test:\n    name: a\n    run-on: u\n"
    ((first, _), (second, what)) = departures(read(text, "ci.yml", tmp_path), "github-workflow")
    assert (first, second) == (4, 8), what
    assert "'run-on' was unexpected" in what


def test_a_template_is_told_as_one(tmp_path: Path) -> None:
    """What to do about it is another thing than about a misprint; an expression of GitHub is none."""
    with pytest.raises(Unreadable, match="template"):
        read("image: {{ .Values.image }}\n", "a.yaml", tmp_path)
    with pytest.raises(Unreadable) as caught:
        read("a: ${{ b }}\nc: [\n", "a.yaml", tmp_path)
    assert "template" not in str(caught.value)


def test_scalars_are_as_version_1_2_has_them(tmp_path: Path) -> None:
    """A time of day is no number in base 60, and a key that looks like a number is a name."""
    document = read("a: 22:30\nb: 010\nc: 0x10\n80: -1\nd: 08\n", "a.yaml", tmp_path)
    assert document.value == {"a": "22:30", "b": 8, "c": 16, "80": -1, "d": "08"}
    assert document.line("80") == 4
    assert list(departures(read("on: push\njobs:\n  1: {runs-on: u}\n", "a.yml", tmp_path), "github-workflow"))
