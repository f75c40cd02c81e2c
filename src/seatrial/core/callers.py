"""Who asked, as the record of a request shows it: its credentials stand there as marks that name whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable

from seatrial.core.marks import MARK, mark_of

NOBODY = "nobody"
BROKEN = "broken"
USERS = "users"
"""Who has no credentials, who has some that are no known user's, and a user that was made for the run."""

CREDENTIALS = re.compile(r"(proxy-)?authorization|cookie|(x-)?api[-_]?key|x-auth(-.*)?|(.*-)?token", re.IGNORECASE)
"""Headers that hold credentials, if a request has them."""

BOGUS = "seatrial-bogus-credentials"
"""Made-up credentials hold this."""

MADE = re.compile(r"user-[0-9a-f]+-\d+|client|.*:.*")
"""Names of users that were made for one run, and of those who have an address alone."""

NO_USER = mark_of("")


def caller_of(headers: Iterable[tuple[str, str]], url: str = "") -> str:
    """Return who sent a recorded request: `NOBODY`, `BROKEN`, `USERS`, or the name of a declared user."""
    held = [value for name, value in headers if "{{secret:" in value or BOGUS in value or CREDENTIALS.fullmatch(name)]
    held += [url] if "{{secret:" in url or BOGUS in url else []
    if not held:
        return NOBODY
    marked = [found[1] for value in held for found in MARK.finditer(value) if found[0] != NO_USER]
    return user_named(marked[0]) if marked else BROKEN


def user_named(name: str) -> str:
    """Return as whom a user's requests are counted; what was forged in his name is none of his."""
    if "(forged)" in name:
        return BROKEN
    known = re.split(r"@| \(", name, maxsplit=1)[0]
    return USERS if MADE.fullmatch(known) else known
