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
    r"passw|passphrase|pwd|secret|token|api[-_.]?key|auth(?!or(?!iz))|credential|session|jwt|csrf|xsrf|signature|"
    r"private|cookie|saml|assertion|(^|[-_.])(sig|sid|pin|otp|key)$",
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
"""Parameters that come together where somebody signs in (RFC 6749, 4.1.2)."""

PARAMETER = re.compile(r"[^&]+")
FORM = "application/x-www-form-urlencoded"


def secrets_in(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the values of headers and parameters that are secret by their names: they may stand elsewhere too."""
    found = (value for entry in entries for value in _held(entry))
    return frozenset(value for value in found if len(value) >= SHORTEST)


def _held(entry: Entry) -> Iterator[str]:
    for header in entry.request.headers:
        if NAMES.search(header.name):
            yield from (part.partition("=")[2].strip() for part in header.value.split(";"))
            yield header.value.rpartition(" ")[2]
    query = entry.request.url.partition("#")[0].partition("?")[2]
    yield from (value for name, value in parse_qsl(query) if NAMES.search(name))


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
    return bool(NAMES.search(_name(part))) or has_secret(part.partition("=")[2], secrets)


def _name(part: str) -> str:
    return unquote_plus(part.partition("=")[0])


def has_secret(text: str, secrets: Collection[str]) -> bool:
    """Return whether a text holds a secret, be it written as in a URL."""
    forms = {text, unquote(text), unquote_plus(text)}
    return any(KNOWN.search(form) or any(secret in form for secret in secrets) for form in forms)


def body_has_secret(body: PostData, text: str, secrets: Collection[str]) -> bool:
    """Return whether a body holds a secret: in a field of such a name, or anywhere."""
    return has_secret(text, secrets) or any(map(NAMES.search, _fields(body, text)))


def _fields(body: PostData, text: str) -> Iterator[str]:
    """Yield the names of a body's fields; the whole text where it is neither a form nor JSON."""
    yield from (pair.name for pair in body.params)
    try:
        if body.mimeType.lower().startswith(FORM):
            yield from (name for name, _ in parse_qsl(text, keep_blank_values=True))
        else:
            yield from _keys(json.loads(text) if text else None)
    except (ValueError, RecursionError):
        yield from re.split(r"[^\w.-]+", text)


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from map(str, data)
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _keys(value)
