"""What every client trusts: one context for all of them, because to make one takes longer than a request."""

from __future__ import annotations

import functools
import ssl


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return a context that trusts what this machine trusts (`SSL_CERT_FILE` included)."""
    return ssl.create_default_context()
