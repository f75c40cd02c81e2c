"""The requests of a recording as they may be sent again: to the target, in their order, without what was secret."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from seatrial.config import ScenarioSettings
from seatrial.swarm.traffic._choose import check_known, nothing_left
from seatrial.swarm.traffic._har import Entry, PostData, Recording, host_of
from seatrial.swarm.traffic._requests import Prepared, Traffic, quoted, refused, tell, unsendable
from seatrial.swarm.traffic._secrets import (
    FORM,
    body_has_secret,
    has_secret,
    path_without_secrets,
    secret_parameters,
    secret_path_parameters,
    secrets_in,
    without_secrets,
)

KEPT = frozenset({"accept", "accept-language", "content-type", "prefer", "x-requested-with"})
"""The headers that are sent again: all others may be secret, or are the connection's or the cache's."""

ASSETS = ("image/", "font/", "audio/", "video/", "text/css", "text/javascript", "application/javascript")
ASSET_KINDS = frozenset({"image", "font", "media", "stylesheet", "script", "manifest", "texttrack"})
ENDINGS = (
    ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico", ".woff", ".woff2",
    ".ttf", ".otf", ".eot", ".mp4", ".webm", ".mp3",
)  # fmt: skip
LOWEST_ERROR = 400
Label = Callable[[str, str], str]
"""Returns the path of the document that a method and a path are of, or the path itself."""


@dataclass(slots=True)
class _Sieve:
    """What was taken so far, and what was not by why not."""

    host: str
    scenario: ScenarioSettings
    label: Label
    secrets: Collection[str]
    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    seen: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)

    def take(self, entry: Entry) -> Prepared | None:
        """Return a request that is sent again, None for one that is left out."""
        method = entry.request.method.upper()
        if not entry.is_http:
            self.left_out["they are no requests of HTTP"].append(method)
            return None
        parts = urlsplit(entry.request.url)
        path = path_without_secrets(parts.path) or "/"
        if why := self._no_request_of_ours(entry, path):
            self.left_out[why].append(entry.host)
            return None
        name = self.label(method, path)
        self.seen.add(f"{method} {name}")
        text = _text(entry.request.postData)
        if why := self._why_not(entry, f"{method} {name}", path, text):
            self.left_out[why].append(f"{method} {name}")
            return None
        headers = _headers(entry, self.secrets)
        if why := unsendable(method, headers):
            self.left_out[why].append(f"{method} {name}")
            return None
        query = without_secrets(parts.query, self.secrets)
        self.parameters.update(secret_path_parameters(parts.path), secret_parameters(parts.query, self.secrets))
        target = f"{path}?{query}" if query else path
        return Prepared(method=method, path=quoted(target), name=name, headers=headers, body=text or "")

    def _no_request_of_ours(self, entry: Entry, path: str) -> str:
        """Return why not even the path of a request may be shown, or is of interest."""
        if entry.host != self.host:
            return "they went to other hosts"
        return "a secret stands in their paths" if has_secret(path, self.secrets) else ""

    def _why_not(self, entry: Entry, operation: str, path: str, text: str | None) -> str:
        body = entry.request.postData or PostData()
        if not self.scenario.assets and _is_asset(entry, path):
            return "they are static files, which `assets` does not ask for"
        if entry.response and not 0 < entry.response.status < LOWEST_ERROR:
            return "they were refused or given up when they were recorded"
        if text is None:
            return "their body was not recorded as it was sent"
        if body_has_secret(body, text, self.secrets):
            return "their body holds a secret"
        return refused(operation, only=self.scenario.only, writes=self.scenario.writes)


def replay_recording(
    name: str, scenario: ScenarioSettings, recording: Recording, *, target: str, label: Label
) -> Traffic:
    """Return the requests of a recording that may go to a target (its URL); raises UsageError where none may."""
    host = host_of(recording, wanted=scenario.har_host, target=_host(target))
    sieve = _Sieve(host, scenario, label, secrets_in(recording.entries))
    taken = tuple(one for one in map(sieve.take, recording.entries) if one)
    for operation in scenario.only:
        check_known(name, operation, sieve.seen, what="recording")
    told = tell(sieve.left_out)
    if not taken:
        raise nothing_left(name, list(told))
    return Traffic(requests=taken, left_out=(*told, *_dropped(recording, host, sieve.parameters)))


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2].removesuffix({"http": ":80", "https": ":443"}.get(parts.scheme, ":"))


def _is_asset(entry: Entry, path: str) -> bool:
    media = entry.response.content.mimeType.lower() if entry.response else ""
    return entry.resource in ASSET_KINDS or media.startswith(ASSETS) or path.lower().endswith(ENDINGS)


def _headers(entry: Entry, secrets: Collection[str]) -> dict[str, str]:
    return {
        header.name: header.value
        for header in entry.request.headers
        if header.name.lower() in KEPT and not has_secret(header.value, secrets)
    }


def _dropped(recording: Recording, host: str, parameters: Collection[str]) -> list[str]:
    """Return lines with the names of headers and parameters that are not sent again."""
    names = {
        header.name.lower() for entry in recording.entries if entry.host == host for header in entry.request.headers
    }
    headers = sorted(name for name in names - KEPT if not name.startswith(":"))
    dropped = {"recorded headers": headers, "recorded parameters with secrets": sorted(parameters)}
    return [f"{what}: {', '.join(these)}" for what, these in dropped.items() if these]


def _text(body: PostData | None) -> str | None:
    """Return the text of a body; None where it was recorded in parts that cannot be put together again."""
    if body is None or body.text or not body.params:
        return body.text if body else ""
    if body.mimeType.lower().startswith(FORM):
        return urlencode([(pair.name, pair.value) for pair in body.params])
    return None
