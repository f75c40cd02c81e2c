"""Tokens that end while the fuzzer runs: renewed in time where their end is known, else once one is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from seatrial.core import SeatrialError
from seatrial.fuzz._messages import Broken, Learned, Message, Source
from seatrial.signin import renew

Put = Callable[[str, str, str], None]
"""Takes a name, its secret so far and the one from now on."""


class Renewals:
    """Renew the tokens of identities, by their names; each new one is told before it is used.

    Some operations answer 401 whatever is shown to them: one that refuses a token that was just renewed is such a one.
    """

    def __init__(self, sources: Mapping[str, Source], put: Put, tell: Callable[[Message], None]) -> None:
        self._sources = dict(sources)
        self._put = put
        self._tell = tell
        self._ended: set[str] = set()
        self._refusing: set[str] = set()

    def in_time(self, name: str) -> None:
        """Renew a token that is about to end."""
        source = self._sources.get(name)
        due = source.token.renew_at if source and source.means.renewable else None
        if source and due is not None and time.time() >= due:
            self._renew(name, source)

    def after_refusal(self, name: str, operation: Callable[[], str], *, again: bool) -> bool:
        """Return whether a token that was refused is another one now; `again`: the one before it was refused too."""
        source = self._sources.get(name)
        if source is None:
            return False
        if again:
            self._refusing.add(operation())
        if operation() in self._refusing:
            return False
        if source.means.renewable:
            return self._renew(name, source)
        if source.token.ends_at is not None and time.time() >= source.token.ends_at:
            self._give_up(name, "nothing renews it [auth-token-expired]")
        return False

    def _renew(self, name: str, source: Source) -> bool:
        if name in self._ended:
            return False
        try:
            token = renew(source.means, source.token)
        except SeatrialError as error:
            self._give_up(name, f"{error.what} [{error.slug}]")
            return False
        self._tell(Learned(who=name, token=token))
        self._put(name, source.token.value, token.value)
        self._sources[name] = Source(means=source.means, token=token)
        return True

    def _give_up(self, name: str, why: str) -> None:
        if name not in self._ended:
            self._ended.add(name)
            self._tell(Broken(message=f"the token of {name!r} ended, and {why}", fatal=True))
