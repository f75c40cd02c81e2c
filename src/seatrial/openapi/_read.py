"""The bytes of a document, from a URL or a file: never more than a document has, and never for longer than it takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

import httpx

from seatrial.core import EnvironmentFailure, UsageError
from seatrial.core.fence import leaving, patience
from seatrial.core.tls import trusted

TIMEOUT_S = 15.0
LARGEST = 32 * 1024 * 1024
REMEDY = "name what serves or holds it in [contract] document"


def is_url(source: str) -> bool:
    """Return whether a source is fetched; all others are files."""
    return source.startswith(("http://", "https://"))


def path_of(source: str) -> Path:
    """Return the file that a source is: a path, or a URL of one."""
    return Path(unquote(urlsplit(source).path) if source.startswith("file://") else source)


def read_source(source: str) -> bytes:
    """Return what is at a URL or in a file; raises EnvironmentFailure (unreachable) or UsageError (not to be read)."""
    return _fetch(source) if is_url(source) else _load(source)


def _fetch(url: str) -> bytes:
    try:
        with leaving("GET", url.partition("?")[0]):
            longest_s = patience(TIMEOUT_S)
            until_s = time.monotonic() + longest_s
            with (
                httpx.Client(verify=trusted(), timeout=longest_s, trust_env=False) as client,
                client.stream("GET", url) as answer,
            ):
                answer.raise_for_status()
                return _gather(answer, url, until_s)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EnvironmentFailure(
            f"cannot fetch the OpenAPI document: {error}".splitlines()[0],
            slug="contract-unreachable",
            where=url,
            remedy=REMEDY,
        ) from error


def _gather(answer: httpx.Response, url: str, until_s: float) -> bytes:
    """Return the body; a client's own timeout is for each read, and one that drips would never meet it."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > LARGEST:
            _too_large(url)
        if time.monotonic() > until_s:
            raise httpx.ReadTimeout(f"it had not come to its end after {TIMEOUT_S:g} s")
    return bytes(body)


def _load(source: str) -> bytes:
    path = path_of(source)
    try:
        with path.open("rb") as file:
            body = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the OpenAPI document: {error.strerror}",
            slug="contract-missing",
            where=str(path),
            remedy="name a file that exists and that this user may read, or a URL",
        ) from error
    if len(body) > LARGEST:
        _too_large(source)
    return body


def _too_large(source: str) -> NoReturn:
    raise UsageError(
        f"the OpenAPI document is larger than {LARGEST // 1024 // 1024} MB",
        slug="contract-too-large",
        where=source,
        remedy=REMEDY,
    )
