"""A recording of a browser or proxy (HTTP Archive 1.2): read, and found to be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import msgspec

from seatrial.core import UsageError

LARGEST = 256 * 1024 * 1024
PORTS = {"http": 80, "https": 443}
REMEDY = "record again and save all as HAR (in a browser: developer tools, Network, `Save all as HAR`)"


class Pair(msgspec.Struct, frozen=True):
    """A header, or a field of a form."""

    name: str
    value: str = ""


class PostData(msgspec.Struct, frozen=True):
    """The body of a request; forms may be recorded as `params` alone."""

    mimeType: str = ""  # noqa: N815 - the archive's name
    text: str = ""
    params: list[Pair] = []


class Request(msgspec.Struct, frozen=True):
    """What was sent; `url` is absolute."""

    method: str
    url: str
    headers: list[Pair] = []
    postData: PostData | None = None  # noqa: N815 - the archive's name


class Content(msgspec.Struct, frozen=True):
    """What came back, of which the type is all that matters here."""

    mimeType: str = ""  # noqa: N815 - the archive's name


class Response(msgspec.Struct, frozen=True):
    """How it was answered; status 0 is that of a request which was blocked or given up."""

    status: int
    content: Content = Content()


class Entry(msgspec.Struct, frozen=True):
    """A request with its answer; `resource` is what browsers say that it was for."""

    request: Request
    response: Response | None = None
    resource: str = msgspec.field(default="", name="_resourceType")

    @property
    def host(self) -> str:
        """Return host and port that it was sent to, without its scheme's own port; empty for a URL that is none."""
        try:
            parts = urlsplit(self.request.url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return ""
        host = f"[{host}]" if ":" in host else host
        return host if parts.scheme not in PORTS or port in {None, PORTS[parts.scheme]} else f"{host}:{port}"

    @property
    def is_http(self) -> bool:
        """Return whether it is a request of HTTP: no data: URL, web socket, tunnel or broken URL."""
        web = self.request.url.lower().startswith(("http://", "https://")) and self.request.method != "CONNECT"
        return web and bool(self.host)


class _Log(msgspec.Struct, frozen=True):
    entries: list[Entry]


class _Archive(msgspec.Struct, frozen=True):
    log: _Log


@dataclass(frozen=True, slots=True)
class Recording:
    """The entries of a file, in their recorded order."""

    file: Path
    entries: tuple[Entry, ...]

    @property
    def hosts(self) -> Mapping[str, int]:
        """Return how many requests went to each host."""
        return Counter(entry.host for entry in self.entries if entry.is_http)


def read_recording(file: Path) -> Recording:
    """Return what a HAR file holds; raises UsageError for one that cannot be read, is none, or holds no request."""
    try:
        archive = msgspec.json.decode(_bytes(file).removeprefix(b"\xef\xbb\xbf"), type=_Archive)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _refuse(f"this is no HTTP archive (HAR): {error}", "har-invalid", file)
    if not any(entry.is_http for entry in archive.log.entries):
        _refuse("the recording holds not one HTTP request", "har-empty", file)
    return Recording(file, tuple(archive.log.entries))


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            found = stream.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(
            f"cannot read the recording: {error.strerror}",
            slug="har-missing",
            where=str(file),
            remedy="name a HAR file that exists and that this user may read",
        ) from error
    if len(found) > LARGEST:
        _refuse(f"the recording is larger than {LARGEST // 1024 // 1024} MB", "har-too-large", file)
    return found


def _refuse(what: str, slug: str, file: Path) -> NoReturn:
    raise UsageError(what, slug=slug, where=str(file), remedy=REMEDY)


def host_of(recording: Recording, *, wanted: str, target: str) -> str:
    """Return whose requests are meant: those of the host that is named, of the target's, or of the only one.

    Raises UsageError where that is none, or not to be known.
    """
    hosts = recording.hosts
    for host in (wanted.lower(), "" if wanted else target.lower()):
        if host in hosts:
            return host
    if not wanted and len(hosts) == 1:
        return next(iter(hosts))
    counts = ", ".join(f"{host or '(none)'} ({count})" for host, count in Counter(hosts).most_common(10))
    what = f"no request to {wanted!r}" if wanted else "requests to several hosts, and none is the target's"
    raise UsageError(
        f"the recording has {what}",
        slug="har-host",
        where=str(recording.file),
        details=f"requests by host: {counts}",
        remedy="name the host whose requests are to go to the target with `har_host` or --har-host",
    )
