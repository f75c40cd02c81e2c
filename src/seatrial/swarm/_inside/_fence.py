"""The fence around users: their clients send to the target alone, whatever a load file or a redirect says."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from requests.exceptions import RequestException

from seatrial.swarm._inside._visit import current_visit

PORTS = {"http": 80, "https": 443}


class ElsewhereError(OSError):
    """The request leads away from the target and was not sent: FastHttpSession takes this for a failed connection."""


class ElsewhereRequestError(ElsewhereError, RequestException):
    """The same as HttpSession takes it."""


class Fence:
    """Keep Locust's clients to one scheme, host and port; every leg of a redirect passes, before anything is sent."""

    def __init__(self, target: str) -> None:
        self._home = _origin(target)

    def attach(self, client: Any) -> None:
        """Let a user's client no further than the target."""
        agent = getattr(client, "client", None)
        if hasattr(agent, "_urlopen"):  # FastHttpSession
            self._keep_agent(agent)
        if hasattr(client, "get_adapter"):  # HttpSession
            self._keep_session(client)
        if hasattr(client, "check"):  # LeanSession
            client.check = lambda url: self._check(url, ElsewhereError)

    def _keep_agent(self, agent: Any) -> None:
        send = agent._urlopen  # noqa: SLF001 - there is no public place that every leg passes

        def kept(request: Any) -> Any:
            self._check(request.url, ElsewhereError)
            return send(request)

        agent._urlopen = kept  # noqa: SLF001 - same

    def _keep_session(self, session: Any) -> None:
        find = session.get_adapter

        def kept(url: str) -> Any:
            self._check(url, ElsewhereRequestError)
            return find(url)

        session.get_adapter = kept

    def _check(self, url: str, kind: type[ElsewhereError]) -> None:
        """Raise for a URL that is not the target's, and tell the request under way."""
        there = _origin(url)
        if there == self._home:
            return
        what = f"not sent, as it leads away from the target: {there}"
        visit = current_visit()
        if visit and visit.opened:
            visit.opened[-1].elsewhere = what
        raise kind(what)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.hostname or ''}:{parts.port or PORTS.get(scheme, '')}"
