"""Where a request holds what authenticates it."""

from __future__ import annotations

from typing import Literal

import msgspec

from seatrial.config import AuthSettings


class Carrier(msgspec.Struct, frozen=True, kw_only=True):
    """A header, a parameter of the query or a cookie; `scheme` stands before the secret, with a blank."""

    place: Literal["header", "query", "cookie"] = "header"
    name: str = "Authorization"
    scheme: str = ""

    def headers(self, secret: str) -> dict[str, str]:
        """Return the headers of somebody with this secret."""
        if self.place == "query":
            return {}
        return {"Cookie": f"{self.name}={secret}"} if self.place == "cookie" else {self.name: self.scheme + secret}

    def query(self, secret: str) -> dict[str, str]:
        """Return the parameters of the query of somebody with this secret."""
        return {self.name: secret} if self.place == "query" else {}


def carrier_of(auth: AuthSettings) -> Carrier:
    """Return where requests hold credentials of a kind."""
    if auth.kind == "api-key":
        return Carrier(place=auth.place, name=auth.name)
    return Carrier(scheme="Basic " if auth.kind == "basic" else f"{auth.scheme} ")
