"""A certificate authority of a test's own, and TLS servers that it has certified."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from servers import POLL_S

DAY = dt.timedelta(days=1)
PEM = serialization.Encoding.PEM


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """An authority whose own certificate lies in `folder`, for SSL_CERT_FILE."""

    folder: Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=_key)

    def __post_init__(self) -> None:
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        made = self._begin("a test", self._key, dt.datetime.now(dt.UTC) - DAY, 30 * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage, critical=True)
        self.file.write_bytes(self._sign(made).public_bytes(PEM))

    @property
    def file(self) -> Path:
        """Return the file with the authority's certificate."""
        return self.folder / "authority.pem"

    def issue(self, name: str = "localhost", *, for_days: float = 90, began_days: float = 1) -> Path:
        """Return a file with a certificate of a name, that is good for so many days from now, and its key."""
        key, now = _key(), dt.datetime.now(dt.UTC)
        made = self._begin(name, key, now - began_days * DAY, (began_days + for_days) * DAY)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = self.folder / f"{name}-{for_days:g}.pem"
        file.write_bytes(private + self._sign(made).public_bytes(PEM))
        return file

    def _begin(
        self, name: str, key: ec.EllipticCurvePrivateKey, since: dt.datetime, life: dt.timedelta
    ) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named("a test"))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return made.not_valid_before(since).not_valid_after(since + life)

    def _sign(self, made: x509.CertificateBuilder) -> x509.Certificate:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return made.add_extension(identifier, critical=False).sign(self._key, hashes.SHA256())


def modern(certificate: Path) -> ssl.SSLContext:
    """Return what a server needs that speaks TLS 1.2 and 1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context


def speaking(certificate: Path, least: ssl.TLSVersion, most: ssl.TLSVersion) -> ssl.SSLContext:
    """Return the same for versions out of use, and ciphers of their time."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = least, most
    context.load_cert_chain(certificate)
    return context


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Take no notice of who hangs up."""


@contextmanager
def over_tls(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext) -> Iterator[int]:
    """Serve over TLS on a free port of this machine until the test is done with it; yields the port."""
    with _Quiet(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
