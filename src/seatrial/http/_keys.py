"""The key pair with which a run signs its tokens: made for the run, known to no other."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from seatrial.core import UsageError

BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key (RFC 7518, RS256); the private half never shows in a representation."""

    private_pem: str = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return cls(pem.decode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a private key; raises UsageError for a file that holds none."""
        try:
            found = cls(path.read_text(encoding="ascii"))
            assert found.public_pem  # noqa: S101 - parsing it is the point
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"not a private key in PEM: {error}",
                slug="key-unreadable",
                where=str(path),
                remedy="name an unencrypted RSA key with [auth] private_key_file",
            ) from error
        return found

    def save(self, path: Path) -> None:
        """Write the private key so that only this user can read it."""
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.private_pem)

    @property
    def private(self) -> rsa.RSAPrivateKey:
        """Return the parsed key: parsing takes fifty times as long as signing."""
        return _parse(self.private_pem)

    @property
    def public_pem(self) -> str:
        """Return the public half, which the stack verifies tokens with."""
        pem = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return pem.decode()


@lru_cache(maxsize=64)
def _parse(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key
