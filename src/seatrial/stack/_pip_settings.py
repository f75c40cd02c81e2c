"""What pip was told about indexes and certificates on this machine, in the words of uv.

uv reads neither pip.conf nor PIP_*: a machine behind a private mirror would work with one and not with the other.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping

LINE = re.compile(r"(?P<scope>global|site|user|install|:env:)\.(?P<name>[a-z-]+)=(?P<value>.+)")
PRECEDENCE = ("global", "site", "user", "install", ":env:")
PATIENCE_S = 30.0


def parse_pip_config(listing: str) -> dict[str, str]:
    """Return the settings of a `pip config list`, the environment's over those of files."""
    matches = [match for match in map(LINE.fullmatch, listing.splitlines()) if match]
    matches.sort(key=lambda match: PRECEDENCE.index(match["scope"]))
    return {match["name"]: _unquote(match["value"]) for match in matches}


def _unquote(value: str) -> str:
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError):
        return value


def as_uv_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Translate pip's settings; several indexes are searched for the best match, as pip does."""
    words = {name: settings.get(name, "").split() for name in ("extra-index-url", "find-links", "trusted-host")}
    translated = {
        "UV_DEFAULT_INDEX": settings.get("index-url", ""),
        "UV_INDEX": " ".join(words["extra-index-url"]),
        "UV_INDEX_STRATEGY": "unsafe-best-match" if words["extra-index-url"] else "",
        "UV_FIND_LINKS": ",".join(words["find-links"]),
        "UV_INSECURE_HOST": " ".join(words["trusted-host"]),
        "SSL_CERT_FILE": settings.get("cert", ""),
    }
    return {name: value for name, value in translated.items() if value}


def uv_environment() -> dict[str, str]:
    """Return this process's environment with pip's settings added where uv has none of its own."""
    return as_uv_environment(parse_pip_config(_listing())) | dict(os.environ)


def _listing() -> str:
    """Ask pip; without one, only PIP_* variables are known."""
    try:
        command = [sys.executable, "-m", "pip", "config", "list"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return _variables()
    return done.stdout if done.returncode == 0 else _variables()


def _variables() -> str:
    pairs = ((name.removeprefix("PIP_"), value) for name, value in os.environ.items() if name.startswith("PIP_"))
    return "\n".join(f":env:.{name.lower().replace('_', '-')}={value!r}" for name, value in pairs)
