"""What every client trusts, in one context for all, as to make one takes longer than a request; and errors of TLS."""

from __future__ import annotations

import functools
import ssl


def is_of_tls(error: BaseException | None) -> bool:
    """Return whether TLS kept a connection from being made: what would have been said over it is not known then."""
    while error and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return a context that trusts what this machine trusts (`SSL_CERT_FILE` included)."""
    return ssl.create_default_context()
