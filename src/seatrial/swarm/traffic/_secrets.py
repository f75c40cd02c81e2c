"""Secrets in recorded requests: by the names of what holds them, by their form, and by where else they stood."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

from seatrial.record import TOKEN
from seatrial.swarm.traffic._har import Entry, PostData

NAMES = re.compile(
    r"passw|passphrase|pwd|secret|token|api[-_.]?key|auth(?!or(?!iz))|credential|session|sessid|jwt|csrf|xsrf|"
    r"signature|private|cookie|saml|assertion|verifier|grant[-_]?type|access[-_.]?key|subscription[-_.]?key|"
    r"(^|[-_.])(sig|sid|pin|otp|key|ticket)$|(?-i:[a-z0-9](Sig|Sid|Pin|Otp|Key|Ticket))$",
    re.IGNORECASE,
)
"""Names of headers, parameters and fields whose values are secrets, or good only once."""

KNOWN = re.compile(
    rf"{TOKEN.pattern}|\b(?:Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{{8,}}|\b(?:AKIA|ASIA)[A-Z0-9]{{16}}\b|"
    r"\bgh[a-z]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}|\bxox[a-z]-[\w-]{10,}|"
    r"\b[sr]k[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9]{16,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""What is a secret wherever it stands."""

SHORTEST = 10
"""Shorter values are words that stand elsewhere for other reasons."""

SIGN_IN = frozenset({"code", "state"})
"""Parameters that come together where somebody signs in (RFC 6749, 4.1.2); `state` may be left out."""

PARAMETER = re.compile(r"[^&]+")
IN_PATH = re.compile(r"(?:;|%3b)([^;/=%]+)(?:=|%3d)((?:(?!%3b)[^;/])*)", re.IGNORECASE)
"""A parameter of a segment of a path, as in `/app;jsessionid=...` (RFC 3986, 3.3)."""

NAMED = re.compile(r"""([\w.-]+)["'\\]*\s*[:=]""")
"""What names something within a text: a document of GraphQL, JSON in a form, a URL."""

FORM = "application/x-www-form-urlencoded"


def secrets_in(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the values of headers and parameters that are secret by their names: they may stand elsewhere too."""
    found = (form for entry in entries for value in _held(entry) for form in _forms(value.strip('"')))
    return frozenset(value for value in found if len(value) >= SHORTEST)


def _held(entry: Entry) -> Iterator[str]:
    for header in entry.request.headers:
        if NAMES.search(header.name):
            yield from (part.partition("=")[2].strip() for part in header.value.split(";"))
            yield header.value.rpartition(" ")[2]
    path, _, query = entry.request.url.partition("#")[0].partition("?")
    yield from (value for name, value in IN_PATH.findall(path) if NAMES.search(name))
    yield from (value for name, value in parse_qsl(query) if NAMES.search(name))


def path_without_secrets(path: str) -> str:
    """Return a path without the parameters of its segments that are secret by their names."""
    return IN_PATH.sub(lambda found: "" if NAMES.search(found[1]) else found[0], path)


def secret_path_parameters(path: str) -> list[str]:
    """Return the names of parameters of a path's segments that are secret."""
    return [name for name, _ in IN_PATH.findall(path) if NAMES.search(name)]


def without_secrets(query: str, secrets: Collection[str]) -> str:
    """Return a query without the parameters that hold a secret; the others stand there as they were."""
    parts = PARAMETER.findall(query)
    gone = set(secret_parameters(query, secrets))
    return "&".join(part for part in parts if _name(part) not in gone)


def secret_parameters(query: str, secrets: Collection[str]) -> list[str]:
    """Return the names of parameters that hold a secret, or are good only once."""
    parts = PARAMETER.findall(query)
    signing_in = set(map(_name, parts)) >= SIGN_IN
    found = (_name(part) for part in parts if _is_secret(part, secrets) or (signing_in and _name(part) in SIGN_IN))
    return list(dict.fromkeys(found))


def _is_secret(part: str, secrets: Collection[str]) -> bool:
    name, value = _name(part), part.partition("=")[2]
    once = name == "code" and len(value) >= SHORTEST
    return once or bool(NAMES.search(name)) or has_secret(value, secrets) or _names_secret(unquote_plus(value))


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def _names_secret(text: str) -> bool:
    return any(NAMES.search(name) for name in NAMED.findall(text))


def _forms(text: str) -> set[str]:
    """Return a text as it stands, and as it is where it stands as in a URL."""
    return {text, unquote(text), unquote_plus(text)}


def has_secret(text: str, secrets: Collection[str]) -> bool:
    """Return whether a text holds a secret, be it written as in a URL."""
    return any(KNOWN.search(form) or any(secret in form for secret in secrets) for form in _forms(text))


def body_has_secret(body: PostData, text: str, secrets: Collection[str]) -> bool:
    """Return whether a body holds a secret: in a field of such a name, or anywhere."""
    fields = list(_fields(body, text))
    named = any(NAMES.search(name) or _names_secret(value) for name, value in fields)
    return named or any(has_secret(each, secrets) for each in (text, *(value for _, value in fields)))


def _fields(body: PostData, text: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a body with their texts; the words of one that is neither a form nor JSON."""
    yield from ((pair.name, pair.value) for pair in body.params)
    try:
        if body.mimeType.lower().startswith(FORM):
            yield from parse_qsl(text, keep_blank_values=True)
        else:
            yield from _members(json.loads(text) if text else None)
    except (ValueError, RecursionError):
        yield from ((word, "") for word in re.split(r"[^\w.-]+", text))


def _members(data: Any) -> Iterator[tuple[str, str]]:
    """Yield the names of a JSON text, and its texts (RFC 8259)."""
    if isinstance(data, dict):
        yield from ((str(name), "") for name in data)
    if isinstance(data, str):
        yield "", data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _members(value)
