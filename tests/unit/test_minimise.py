"""A failing request gets smaller while it fails, within so many tries, and stays byte for byte where nothing went."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.fuzz._minimise import minimised, rebuilt, smaller, tree_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)
HEADERS = {"Content-Type": "application/json", "Content-Length": "99", "X-Odd": "yes", "Authorization": "me"}


def test_a_body_of_forty_fields_shrinks_to_the_one() -> None:
    """Of forty fields the one that breaks the service is left, and of its value what is needed, in forty tries."""
    fields: dict[str, Any] = {f"field{number}": f"value {number}" for number in range(40)}
    fields["field27"] = {"deep": ["x", "BOOM!", "y"]}
    asked: list[Any] = []

    def shows(tree: Any) -> bool:
        asked.append(tree)
        return "BOOM" in json.dumps(tree)

    assert minimised({"body": fields}, shows, most=100) == {"body": {"field27": {"deep": ["BOOM"]}}}
    assert minimised({"body": fields}, shows, most=40)["body"].keys() == {"field27"}
    assert len(asked) <= 140


@given(value=VALUES, most=st.integers(0, 30), wanted=st.integers(0, 5))
def test_no_more_is_tried_than_was_said(value: Any, most: int, wanted: int) -> None:
    """Whatever shows it: it still does in the end, nothing is larger, and the number of tries is kept to."""
    tries = 0

    def shows(candidate: Any) -> bool:
        nonlocal tries
        tries += 1
        return len(json.dumps(candidate)) > wanted

    found = minimised(value, shows, most=most)
    assert tries <= most
    assert len(json.dumps(found)) <= len(json.dumps(value))
    assert found == value or len(json.dumps(found)) > wanted


@given(value=VALUES)
def test_each_candidate_is_smaller(value: Any) -> None:
    """Nothing is tried that is as large, so that it comes to an end."""
    assert all(len(json.dumps(each)) < len(json.dumps(value)) for each in smaller(value))


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("http://h/a?b=%41&c&d=", b'{ "a":1 }'),
        ("http://h/a", b"\xff\x00no json"),
        ("http://h/a?", b'"text"'),
        ("http://h/a", b""),
    ],
)
def test_what_is_left_whole_is_sent_as_it_was(url: str, body: bytes) -> None:
    """A request of which nothing was left out is the same one, byte for byte."""
    headers = {**HEADERS, "Content-Length": str(len(body))}
    got_url, got_headers, got_body = rebuilt(tree_of(url, headers, body), url, headers, body)
    assert (got_url.rstrip("?"), got_headers, got_body) == (url.rstrip("?"), headers, body)


def test_what_is_left_is_sent_as_what_it_is() -> None:
    """Parameters, odd headers and parts of the body go; who sends it, and as what, stays; the length is the body's."""
    url, body = "http://h/a?q=1&q=2&r=x", b'{"a": [1, 2], "b": "c"}'
    left = {"query": {"q": ["2"]}, "headers": {}, "body": {"a": [2]}}
    assert rebuilt(left, url, HEADERS, body) == (
        "http://h/a?q=2",
        {"Content-Type": "application/json", "Content-Length": "10", "Authorization": "me"},
        b'{"a": [2]}',
    )
    assert rebuilt({}, url, HEADERS, body)[::2] == ("http://h/a", b"")
    assert rebuilt({"body": "no"}, url, {}, b"no json")[2] == b"no"
    assert rebuilt({"body": '"t"'}, url, {}, b'"text"')[2] == b'"t"'
