"""What the items of a suite get to work with, in this process or in another."""

from __future__ import annotations

from typing import Any

import msgspec

from seatrial.core import CheckResult


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """A suite that may run now: where to send requests, and what its instrument found.

    `by_address` is where clients with an address of their own send to, `alike` says why there are none. `state` is what
    `seatrial.stack.attach` needs; `tree` is the folder with the stack's files. `error` says why the suite cannot run
    (then nothing else counts), `not_tested` why this run cannot verify it, `unsigned` why nobody can be authenticated
    here, `unminted` why no users can be made. `variables` are those that the stack was started with, `previous_key` is
    the private key (PEM) before a rotation: both are empty for a stack that this run did not start, and are secret.
    """

    suite: str
    url: str = ""
    by_address: str = ""
    variant: str = ""
    driver: str = ""
    abilities: tuple[str, ...] = ()
    tree: str = ""
    state: dict[str, Any] = {}
    results: dict[str, CheckResult] = {}
    not_tested: str = ""
    unsigned: str = ""
    unminted: str = ""
    alike: str = ""
    error: str = ""
    variables: dict[str, str] = {}
    previous_key: str = ""

    def to_json(self) -> bytes:
        """Return it as JSON, for another process."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, text: bytes) -> Entered:
        """Return what `to_json` wrote."""
        return msgspec.json.decode(text, type=cls)
