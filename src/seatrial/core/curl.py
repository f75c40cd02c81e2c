"""A request as a line that anybody can run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from urllib.parse import urlsplit

from seatrial.core.exchanges import BODY_SHOWN, Exchange, Request
from seatrial.core.marks import MARK

DULL = {
    "accept": r"\*/\*",
    "accept-encoding": r"(gzip|deflate|br|zstd|, )*",
    "connection": "keep-alive",
    "user-agent": r"(python-httpx|schemathesis|python-requests)/.*",
    "content-length": ".*",
    "transfer-encoding": ".*",
}
"""What headers say that curl sends by itself, or that say nothing about the request: other values were put there."""

TOKEN = "TOKEN"  # noqa: S105 - the name of a variable

SPECIAL = frozenset('"$`\\!\n')
"""What a shell looks at between double quotes; a letter after a variable would lengthen its name."""


Names = Mapping[str, str]
"""Shell variables by the names of the secrets that they hold; all others are `$TOKEN`."""


def curl_for(exchange: Exchange, names: Names | None = None) -> str:
    """Return a curl command; every secret stands in it as a variable, and nothing else is left to the shell."""
    request, names = exchange.request, names or {}
    words = ["curl", "-i", *(["--head"] if request.method == "HEAD" else ["-X", shlex.quote(request.method)])]
    words += ["--http1.0"] if request.version == "HTTP/1.0" else []
    for name, value in request.headers:
        if not _dull(name.lower(), value, request.url):
            words += ["-H", quote(header_for(name, value), names)]
    words += [*_body(request, names), *_source(exchange.identity)]
    return " ".join([*words, *_url_options(request.url, names), quote(request.url, names)])


def _dull(name: str, value: str, url: str) -> bool:
    """Return whether curl says the same by itself, or nothing is lost where it does not."""
    return value == urlsplit(url).netloc if name == "host" else bool(re.fullmatch(DULL.get(name, "(?!)"), value))


def _source(identity: str) -> list[str]:
    """Return what makes curl come from a client's own address, which the names of such clients end in."""
    address = identity.rpartition("@")[2]
    return ["--interface", address] if re.fullmatch(r"\d+(\.\d+){3}", address) else []


def _body(request: Request, names: Names) -> list[str]:
    """Return what sends the body; a long one comes from a file, which is to be put in the place of BODY."""
    if request.size or len(request.body) > BODY_SHOWN:
        return ["--data-binary", "@BODY"]
    return ["--data-raw", quote(request.body, names)] if request.body else []


def header_for(name: str, value: str) -> str:
    """Return a header as curl wants it: an empty one ends in a semicolon, else curl leaves it out."""
    if not value:
        return f"{name};"
    # A recorded Authorization is one mark: its scheme went with the secret.
    hidden = name.lower() == "authorization" and MARK.fullmatch(value)
    return f"{name}: Bearer {value}" if hidden else f"{name}: {value}"


def _url_options(url: str, names: Names) -> list[str]:
    """Keep curl from rewriting what a fuzzer made: brackets are ranges to it, dots steps, and fragments its own."""
    globs = ["--globoff"] if set(MARK.sub("", url)) & set("[]{}") else []
    as_is = ["--path-as-is"] if "/." in url else []
    exact = ["--request-target", quote(target_of(url), names)] if "#" in url else []
    return globs + as_is + exact


def target_of(url: str) -> str:
    """Return path, query and fragment of a URL, as they are."""
    return f"/{''.join(url.split('/', 3)[3:])}"


def quote(text: str, names: Names | None = None) -> str:
    """Quote a word for the shell, with a variable expanded in place of each secret."""
    *parts, last = MARK.split(text)
    if not parts:
        return shlex.quote(text)
    around = [*parts[::2], last]
    variables = [f"${(names or {}).get(name, TOKEN)}" for name in parts[1::2]]
    if not set("".join(around)) & SPECIAL and not any(re.match(r"\w", part) for part in around[1:]):
        return f'"{_woven(around, variables)}"'
    return _woven([shlex.quote(part) if part else "" for part in around], [f'"{name}"' for name in variables])


def _woven(around: list[str], between: list[str]) -> str:
    return "".join(part for pair in zip(around, [*between, ""], strict=True) for part in pair)
