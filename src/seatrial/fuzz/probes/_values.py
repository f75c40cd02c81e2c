"""Values in requests and answers: where links say that they are, and headers by their names."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from seatrial.core.recipes import values_of
from seatrial.fuzz._messages import Sent

PARAMETER = re.compile(r"\{([^{}]+)\}")


def header_of(sent: Sent, name: str) -> str:
    """Return a header of an answer, empty where it is not there."""
    return next((value for key, value in sent.response_headers if key.lower() == name.lower()), "")


def parameters_in(template: str, url: str) -> dict[str, str]:
    """Return the parameters of a path in a URL that it is the template of; none where it is not."""
    names = PARAMETER.findall(template)
    pattern = "([^/]+)".join(re.escape(part) for part in PARAMETER.split(template)[::2])
    found = re.fullmatch(pattern, urlsplit(url).path)
    return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)} if found else {}


def value_of(expression: str, sent: Sent, template: str) -> str:
    """Return what an expression of a link stands for, given the path of who answered; empty where it is unknown."""
    source, _, pointer = expression.partition("#")
    if not source.startswith("$"):
        return expression
    if source == "$response.body":
        return values_of(sent.response_body).get(pointer, "")
    if source == "$request.body":
        return values_of(sent.request_body).get(pointer, "")
    kind, _, name = source.rpartition(".")
    if kind == "$response.header":
        return header_of(sent, name)
    return parameters_in(template, sent.url).get(name, "") if kind == "$request.path" else ""
