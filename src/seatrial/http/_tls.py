"""What a TLS server shows to whoever connects: its certificate, and which versions it speaks. No request is sent."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass

from seatrial.core.fence import CONNECTION, leaving, patience
from seatrial.core.tls import trusted

CONNECT_S = 10.0
OLD, NEW = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1), (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
"""The versions that are out of use (RFC 8996), and those in use."""

NAMES = {ssl.TLSVersion.TLSv1: "TLS 1.0", ssl.TLSVersion.TLSv1_1: "TLS 1.1"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What this machine says of a certificate: `problem` is why it is refused, `ends_s` when it expires.

    That is in seconds since 1970, and known of one that is not refused.
    """

    problem: str = ""
    ends_s: float = 0.0


def see_certificate(host: str, port: int) -> Certificate:
    """Connect as every client does; raises OSError where that fails for another reason than the certificate."""
    try:
        with _connected(host, port) as plain, trusted().wrap_socket(plain, server_hostname=host) as line:
            return Certificate(ends_s=ssl.cert_time_to_seconds(str((line.getpeercert() or {})["notAfter"])))
    except ssl.SSLCertVerificationError as error:
        return Certificate(problem=error.verify_message)


def speaks(host: str, port: int, version: ssl.TLSVersion) -> bool:
    """Return whether a server agrees to one version, whatever its certificate; raises OSError for no connection."""
    with _connected(host, port) as plain:
        try:
            with _only(version).wrap_socket(plain, server_hostname=host):
                return True
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return False


def unspoken(version: ssl.TLSVersion) -> str:
    """Return why this machine itself cannot speak a version, empty where it can."""
    can = {ssl.TLSVersion.TLSv1: ssl.HAS_TLSv1, ssl.TLSVersion.TLSv1_1: ssl.HAS_TLSv1_1}.get(version, True)
    return "" if can else f"{NAMES[version]} cannot be spoken by the OpenSSL of this machine"


def _connected(host: str, port: int) -> socket.socket:
    with leaving(CONNECTION, f"{host}:{port}"):
        return socket.create_connection((host, port), timeout=patience(CONNECT_S))


def _only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a context that offers one version, with whatever ciphers it took; nothing is ever sent through it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = version, version
    return context
