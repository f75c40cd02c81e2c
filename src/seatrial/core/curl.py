"""A request as a line that anybody can run."""

from __future__ import annotations

import re
import shlex

from seatrial.core.exchanges import BODY_SHOWN, Exchange, Request

DULL = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "transfer-encoding"}
)
"""Headers that curl sends by itself, or that say nothing about the request."""

MARK = re.compile(r"\{\{secret:[^}]*\}\}")

SPECIAL = frozenset('"$`\\!\n')
"""What a shell looks at between double quotes; a letter after `$TOKEN` would lengthen its name."""


def curl_for(exchange: Exchange) -> str:
    """Return a curl command; every secret stands in it as `$TOKEN`, and nothing else is left to the shell."""
    request = exchange.request
    words = ["curl", "-i", *(["--head"] if request.method == "HEAD" else ["-X", shlex.quote(request.method)])]
    for name, value in request.headers:
        if name.lower() not in DULL:
            words += ["-H", quote(_header(name, value))]
    words += _body(request)
    return " ".join([*words, *_url_options(request.url), quote(request.url)])


def _body(request: Request) -> list[str]:
    """Return what sends the body; a long one comes from a file, which is to be put in the place of BODY."""
    if request.size or len(request.body) > BODY_SHOWN:
        return ["--data-binary", "@BODY"]
    return ["--data-raw", quote(request.body)] if request.body else []


def _header(name: str, value: str) -> str:
    """Return a header as curl wants it: an empty one ends in a semicolon, else curl leaves it out."""
    if not value:
        return f"{name};"
    # A recorded Authorization is one mark: its scheme went with the secret.
    hidden = name.lower() == "authorization" and MARK.fullmatch(value)
    return f"{name}: Bearer {value}" if hidden else f"{name}: {value}"


def _url_options(url: str) -> list[str]:
    """Keep curl from rewriting what a fuzzer made: brackets are ranges to it, and dots steps."""
    globs = ["--globoff"] if set(url) & set("[]{}") else []
    return globs + (["--path-as-is"] if "/." in url else [])


def quote(text: str) -> str:
    """Quote a word for the shell, with `$TOKEN` expanded in place of each secret."""
    parts = MARK.split(text)
    if len(parts) == 1:
        return shlex.quote(text)
    if not set("".join(parts)) & SPECIAL and not any(re.match(r"\w", part) for part in parts[1:]):
        return f'"{"$TOKEN".join(parts)}"'
    return '"$TOKEN"'.join(shlex.quote(part) if part else "" for part in parts)
