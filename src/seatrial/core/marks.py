"""What stands in a record in place of a secret, and the secret in its place again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import quote, unquote_plus

MARK = re.compile(r"\{\{secret:([^}]*)\}\}")
BEARER = "Bearer "
"""What a recorded header leaves out before the mark of a secret."""

PARAMETER = re.compile(r"(?<=[?&])([^=&#]*)=([^&#]*)&?")
"""A parameter of a query, with what parts it from the next one."""


def mark_of(name: str) -> str:
    """Return the mark of an identity's secret, or of one that is nobody's in particular."""
    return f"{{{{secret:{name or 'token'}}}}}"


def before(name: str, value: str) -> str:
    """Return what stands before the secret in a header, and is none: another scheme than Bearer, a cookie's name."""
    if name.lower() == "cookie":
        return "".join(value.partition("=")[:2])
    scheme = "".join(value.partition(" ")[:2])
    return scheme if name.lower() == "authorization" and scheme not in {value, BEARER} else ""


def masked(name: str, value: str, own: str, mark: str) -> str:
    """Return a header's value without its secret; `own` is what the identity has in that header (empty: nothing)."""
    prefix = before(name, own)
    return prefix + mark if prefix and value.startswith(prefix) else mark


def _in_query(url: str, names: Collection[str], change: Callable[[str], str]) -> str:
    def changed(found: re.Match[str]) -> str:
        return change(found[0]) if unquote_plus(found[1]) in names else found[0]

    return PARAMETER.sub(changed, url)


def masked_query(url: str, names: Collection[str], mark: str) -> str:
    """Return a URL with a mark as the value of these parameters of its query."""

    def marked(text: str) -> str:
        return f"{text.partition('=')[0]}={mark}{'&' if text.endswith('&') else ''}"

    return _in_query(url, names, marked) if names else url


def without_query(url: str, names: Collection[str]) -> str:
    """Return a URL without these parameters of its query."""
    bare = _in_query(url, names, lambda _: "")
    return url if bare == url else bare.rstrip("?&")


def with_query(url: str, name: str, value: str) -> str:
    """Return a URL with a parameter at the end of its query; the value stands there as it is."""
    base, hash_, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{quote(name, safe='')}={value}{hash_}{fragment}"


def filled(text: str, secret: Callable[[str], str]) -> str:
    """Return a text with secrets in place of their marks."""
    return MARK.sub(lambda found: secret(found[1]), text)
