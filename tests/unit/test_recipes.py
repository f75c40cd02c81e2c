"""Requests that follow from one another: what a new answer holds takes the place of what the old one held."""

import json

import pytest

from seatrial.core.recipes import put_in, put_into_body, swaps, values_of

MADE = {"id": "item-1", "no": 7, "name": "a b", "tags": ["x"], "a/b": {"c~d": "e"}, "ok": True, "gone": None}


def test_values_are_named_by_their_pointers() -> None:
    """Texts and numbers have a JSON pointer (RFC 6901); what is true, false or null names nothing."""
    assert values_of(json.dumps(MADE)) == {
        "/id": "item-1", "/no": "7", "/name": "a b", "/tags/0": "x", "/a~1b/c~0d": "e",
    }  # fmt: skip


@pytest.mark.parametrize("answer", ["", "no JSON", "[" * 100_000, '{"a": ' * 200 + "1" + "}" * 200])
def test_odd_answers_hold_nothing(answer: str) -> None:
    """What is no JSON, is cut, or is nested on purpose has no values."""
    assert values_of(answer) == {}


@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("http://item-1/items/item-1", "http://item-1/items/item-2"),
        ("http://h/items/item-1/7?no=7&of=a%20b#7", "http://h/items/item-2/8?no=8&of=b%2Fc#8"),
        ("http://h/items/item-10/x7?q=17", "http://h/items/item-10/x7?q=17"),
        ("http://h", "http://h"),
        ("http://h/../a%2fb//?&=", "http://h/../a%2fb//?&="),
    ],
)
def test_whole_values_are_put_into_a_url(url: str, becomes: str) -> None:
    """A segment or a value changes as a whole; everything else stays byte for byte, and the host always."""
    later = {**MADE, "id": "item-2", "no": 8, "name": "b/c"}
    assert put_in(url, swaps(json.dumps(MADE), json.dumps(later))) == becomes


def test_whole_texts_are_put_into_a_body() -> None:
    """A text in a JSON body changes where it stands as a whole."""
    body = b'{"of": "item-1", "note": "item-1 is mine", "no": 1}'
    assert put_into_body(body, {"item-1": "item-2"}) == b'{"of": "item-2", "note": "item-1 is mine", "no": 1}'


def test_what_stayed_the_same_changes_nothing() -> None:
    """Only what differs between two answers is put elsewhere; a field that is missing now changes nothing."""
    assert swaps('{"a": 1, "b": "x", "c": ""}', '{"a": 1, "c": "new"}') == {}
