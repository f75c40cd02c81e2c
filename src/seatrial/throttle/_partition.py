"""What the IETF's headers tell besides figures: in which unit a quota counts, and by which key it is parted.

    RateLimit-Policy: "name";q=60;w=60;qu="requests";pk=:c2hhZG93:

The unit is a string, the key a byte sequence (RFC 9651, 3.3), which ought to hold nothing that others may not know: an
answer is stored and passed on, and an address or an address for mail in it says who asked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping

from seatrial.throttle._claims import Defect
from seatrial.throttle._conventions import parsed
from seatrial.throttle._policy import Policy
from seatrial.throttle._wire import Answer

HEADERS: Mapping[str, str] = {"policy": "RateLimit-Policy", "remaining": "RateLimit"}
"""By the word with which causes about them begin."""

MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]{2,}", re.IGNORECASE)


def judge_partition(policy: Policy, answer: Answer) -> Iterator[Defect]:
    """Yield what is wrong with the unit and the key of any limit that an answer tells."""
    if policy.settings.headers != "ietf-draft-8":
        return
    for word, header in HEADERS.items():
        found = parsed(answer, header, "list")
        for _, said in found if isinstance(found, list) else ():
            for cause, title in _wrong(said):
                yield Defect(f"{word}-{cause}", f"{header} has {title}", (answer,))


def _wrong(said: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if type(said.get("qu", "")) is not str:  # a token is one of its kinds
        yield "unit-no-string", f"a unit that is no string: {said['qu']}"
    key = said.get("pk", b"")
    if not isinstance(key, bytes):
        yield "key-no-bytes", f"a partition key that is no byte sequence: {key}"
    elif tells_whom(key.decode("utf-8", "replace")):
        yield "key-tells-whom", "the address of a client as its partition key"


def tells_whom(key: str) -> bool:
    """Return whether a key is an address of a machine, or one for mail, as it stands."""
    try:
        ipaddress.ip_address(key)
    except ValueError:
        return bool(MAIL.fullmatch(key))
    return True
