"""The template of an environment file: the variables that an operator sets."""

from __future__ import annotations

import re

ASSIGNMENT = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)=(.*)$")


def parse_template(text: str) -> dict[str, tuple[int, str]]:
    """Return `NAME=value` lines by name, each with its line and value; comments are none."""
    matches = ((number, ASSIGNMENT.match(line)) for number, line in enumerate(text.splitlines(), 1))
    return {match[1]: (number, _value(match[2])) for number, match in matches if match}


def _value(text: str) -> str:
    """Return a value without the quotes around it and the comment behind it."""
    stripped = text.strip()
    quoted = re.match(r"""(['"])(.*?)\1""", stripped)
    return quoted[2] if quoted else re.split(r"(?:^|\s)#", stripped, maxsplit=1)[0].strip()
