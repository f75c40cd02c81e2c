"""Requests that follow from one another, as lines that anybody can run."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seatrial.core.curl import curl_for
from seatrial.core.exchanges import Exchange, Request
from seatrial.core.marks import MARK
from seatrial.core.recipes import put_in, put_into_body, values_of

PREFIX, OTHERS = "SEATRIAL_TOKEN_ORG_", "SEATRIAL_SECRET_"
NO_WORD = re.compile(r"\W", re.ASCII)
VALUE = "VALUE_"
PLACE = "seatrial-value-{}-"
"""Stands for a value of an earlier answer until the line is quoted; it is the same in a URL and in a body."""

READ = "python3 -c 'import json,sys; print(json.load(sys.stdin){keys})'"


def roles(exchanges: Sequence[Exchange]) -> dict[str, str]:
    """Return the variable of each identity whose secrets requests hold, by the order in which they come."""
    held = [name for exchange in exchanges for name in _held(exchange)]
    return {name: f"{PREFIX}{_letters(number)}" for number, name in enumerate(dict.fromkeys(held))}


def _held(exchange: Exchange) -> list[str]:
    """Return the identities whose secrets a request holds: in its headers, or its own sender's in the URL."""
    in_url = [name for name in MARK.findall(exchange.request.url) if name == exchange.identity]
    return [*in_url, *(name for _, value in exchange.request.headers for name in MARK.findall(value))]


def other_secrets(exchanges: Sequence[Exchange]) -> dict[str, str]:
    """Return the variables of secrets that are no identity's, which a URL or a body holds, by their names."""
    held = [name for exchange in exchanges for name in MARK.findall(exchange.request.url + exchange.request.body)]
    return {name: f"{OTHERS}{re.sub(NO_WORD, '_', name).upper()}" for name in held}


def _letters(number: int) -> str:
    """Return A to Z, and then AA and so on."""
    more, last = divmod(number, len(string.ascii_uppercase))
    return (_letters(more - 1) if more else "") + string.ascii_uppercase[last]


def script_for(exchanges: Sequence[Exchange]) -> str:
    """Return lines for a shell that send these requests: later ones hold what earlier answers say then.

    Each identity's token is a variable of its own, the same in every run.
    """
    return "\n".join(_lines(exchanges))


def _lines(exchanges: Sequence[Exchange]) -> Iterator[str]:
    names = {**other_secrets(exchanges), **roles(exchanges)}
    values: dict[str, str] = {}
    for step, exchange in enumerate(exchanges):
        line = curl_for(
            _marked(exchange, values), {**names, **{f"{VALUE}{n}": f"{VALUE}{n}" for n in range(len(values))}}
        )
        taken = {p: text for p, text in _taken(exchange, exchanges[step + 1 :]).items() if text not in values}
        if not taken:
            yield line
            continue
        yield f'ANSWER=$({line.replace("curl -i", "curl -sS", 1)}); echo "$ANSWER"'
        for pointer, text in taken.items():
            yield f'{VALUE}{len(values)}=$(echo "$ANSWER" | {READ.format(keys=_keys(pointer))})'
            values[text] = f"{VALUE}{len(values)}"


def _taken(exchange: Exchange, later: Sequence[Exchange]) -> dict[str, str]:
    """Return what later requests hold because this answer did, by its place in it."""
    answer = values_of(exchange.response.body) if exchange.response else {}
    texts = {text: pointer for pointer, text in reversed(answer.items()) if not _holds(exchange.request, text)}
    return {pointer: text for text, pointer in texts.items() if any(_holds(each.request, text) for each in later)}


def _holds(request: Request, text: str) -> bool:
    put = PLACE.format(0)
    body = request.body.encode()
    return bool(text) and (put in put_in(request.url, {text: put}) or body != put_into_body(body, {text: put}))


def _keys(pointer: str) -> str:
    """Return a JSON pointer as Python's brackets; a shell's quotes are around them."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    return "".join(f"[{key}]" if key.isdecimal() else '["' + _escaped(key) + '"]' for key in keys)


def _escaped(key: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_. " else f"\\u{ord(letter):04x}" for letter in key)


def _marked(exchange: Exchange, values: Mapping[str, str]) -> Exchange:
    """Return an exchange whose request has variables in place of values of earlier answers."""
    if not values:
        return exchange
    places = {text: PLACE.format(name) for text, name in values.items()}
    marks = re.compile(PLACE.format("(VALUE_[0-9]+)"))
    request = exchange.request
    url = marks.sub(r"{{secret:\1}}", put_in(request.url, places))
    body = marks.sub(r"{{secret:\1}}", put_into_body(request.body.encode(), places).decode())
    return replace(exchange, request=replace(request, url=url, body=body))
