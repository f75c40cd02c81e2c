"""compare.html: what differs between two runs as one self-contained page, without any script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from seatrial.reporting._html import environment
from seatrial.reporting.compare import _words
from seatrial.reporting.compare._findings import STATES, listed

SHOWN = 60
"""So many rows of each table are shown: the JSON has them all."""


def write_page(found: Mapping[str, Any], stream: TextIO) -> None:
    """Write the page; every text of a service in it is escaped, and short."""
    template = environment().get_template("compare.html.j2")
    stream.write(template.render(found=found, states=STATES, listed=listed, words=_words, most=SHOWN))
