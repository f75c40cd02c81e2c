"""Where a finding is to be mended, as formats want it that know files and lines alone."""

from __future__ import annotations

NOWHERE = "seatrial.toml"
"""Where a finding is shown that nobody could place: formats refuse a result, or a whole file, without a place."""


def file_and_line(location: str) -> tuple[str, int]:
    """Return file and line (from 1) of `file` or `file:line`; the first line where none is known."""
    file, _, line = location.rpartition(":")
    if file and line.isascii() and line.isdigit():
        return file, max(int(line), 1)
    return location or NOWHERE, 1
