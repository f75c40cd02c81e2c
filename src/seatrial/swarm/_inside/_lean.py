"""A client that does little besides sending, for users that say `lean = True`: a third of what Locust's takes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from geventhttpclient.response import HTTPParseError
from locust import User
from locust.exception import CatchResponseError, LocustError, ResponseError

from seatrial.swarm._inside._wire import Wire, tls_of

METHODS = ("get", "head", "options", "delete", "post", "put", "patch")


class StatusError(ResponseError):
    """An answer with a status of 400 or more, which nobody said was expected."""


class Sent:
    """What was sent, as samples show it."""

    __slots__ = ("body", "headers", "url")

    def __init__(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self.url, self.headers, self.body = url, headers, body


class Answer:
    """What came back; `status_code` is 0, and `error` says why, where nothing whole did."""

    __slots__ = ("_report", "_verdict", "content", "error", "headers", "request", "status_code")

    def __init__(self, request: Sent, report: Callable[[Answer, BaseException | None], None]) -> None:
        self.request = request
        self.status_code = 0
        self.headers: Any = {}
        self.content = b""
        self.error: Exception | None = None
        self._report = report
        self._verdict: Exception | bool | None = None

    @property
    def url(self) -> str:
        """Return what was asked for."""
        return self.request.url

    @property
    def text(self) -> str:
        """Return the body as text."""
        return self.content.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        """Return whether there is an answer, with a status below 400."""
        return self.fault is None

    @property
    def fault(self) -> Exception | None:
        """Return why this is no success, unless somebody expected it."""
        if self.error is not None:
            return self.error
        return StatusError(f"HTTP {self.status_code}") if self.status_code >= 400 else None  # noqa: PLR2004 - RFC 9110

    def json(self) -> Any:
        """Return what the body holds."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Raise for what is no success."""
        if self.fault:
            raise self.fault

    def success(self) -> None:
        """Let this count as a success, inside a with-block."""
        self._verdict = True

    def failure(self, reason: object) -> None:
        """Let this count as a failure, inside a with-block."""
        self._verdict = reason if isinstance(reason, Exception) else CatchResponseError(reason)

    def settle(self) -> None:
        """Report this as it is."""
        self._report(self, self.fault)

    def __enter__(self) -> Self:
        """Judge this answer in the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        """Report what the block said of it, what it raised, or how the answer is."""
        verdict = (error or self.fault) if self._verdict is None else self._verdict
        self._report(self, verdict if isinstance(verdict, BaseException) else None)
        return error is None or self._verdict is not None or isinstance(error, ResponseError)


class LeanSession:
    """Send requests to one target over kept connections; nothing is followed, decoded or remembered.

    A path is one of `host`, as with Locust's clients; what is not the target's, `check` has to refuse. It takes what
    they take, but no `allow_redirects=True`, `params`, `files` or cookies.
    """

    def __init__(self, user: User, *, host: str, target: str, deadline_s: float) -> None:
        self._user = user
        self._host = host.rstrip("/")
        self._home = target.rstrip("/")
        self._origin = len(self._home) - len(urlsplit(self._home).path)
        self._headers: Mapping[str, str] = getattr(user, "default_headers", None) or {}
        self._wire = Wire(target, context=tls_of(user, target), connect_s=deadline_s + 1)
        for method in METHODS:
            setattr(self, method, self._shortcut(method.upper()))
        self.check: Callable[[str], object] = str  # any URL, until the fence puts its own in this place

    def _shortcut(self, method: str) -> Callable[..., Answer]:
        return lambda url, **options: self.request(method, url, **options)

    def request(  # noqa: PLR0913 - what load files may say
        self,
        method: str,
        url: str,
        *,
        name: str = "",
        data: str | bytes = b"",
        json: object = None,
        headers: Mapping[str, str] | None = None,
        context: dict[str, Any] | None = None,
        catch_response: bool = False,
        allow_redirects: bool = False,
    ) -> Answer:
        """Send a request and return the answer, reported already unless `catch_response` lets a block judge it."""
        if allow_redirects:
            raise LocustError("a lean client follows no redirect: leave `lean` out of the class")
        body, own = _encode(data, json)
        asked = Sent(
            self._host + url if url.startswith("/") else url, {**self._headers, **own, **(headers or {})}, body
        )
        began, began_s = time.time(), time.perf_counter()

        def report(answer: Answer, fault: BaseException | None) -> None:
            self._user.environment.events.request.fire(
                request_type=method, name=name or url, response_time=(time.perf_counter() - began_s) * 1000,
                response_length=len(answer.content), response=answer, context=context or {}, exception=fault,
                start_time=began, url=asked.url,
            )  # fmt: skip

        answer = self._send(method, asked, report)
        if not catch_response:
            answer.settle()
        return answer

    def _send(self, method: str, asked: Sent, report: Callable[[Answer, BaseException | None], None]) -> Answer:
        answer = Answer(asked, report)
        try:
            got = self._wire.exchange(method, self._target(asked.url), asked.headers, asked.body)
        except (OSError, HTTPParseError, ValueError) as error:
            answer.error = error
        else:
            answer.status_code, answer.headers, answer.content = got.get_code(), got.info(), got.body
        return answer

    def _target(self, url: str) -> str:
        """Return what a request line names; raises ElsewhereError for a URL of another host."""
        if url.startswith(f"{self._home}/"):
            return url[self._origin :]
        self.check(url)
        parts = urlsplit(url)
        return parts._replace(scheme="", netloc="", fragment="", path=parts.path or "/").geturl()


def _encode(data: str | bytes, content: object) -> tuple[bytes, dict[str, str]]:
    """Return the body of a request, and the headers that go with it."""
    if content is not None:
        return json.dumps(content).encode(), {"Content-Type": "application/json"}
    return (data.encode() if isinstance(data, str) else data), {}


def equip(user: User, *, target: str, deadline_s: float) -> None:
    """Give a user that says `lean = True` this client in place of its own."""
    if getattr(user, "lean", False):
        session = LeanSession(user, host=str(user.host), target=target, deadline_s=deadline_s)
        user.client = session  # type: ignore[attr-defined]
