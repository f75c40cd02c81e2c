"""`python -m seatrial` and the console script."""

from __future__ import annotations

import os
import sys

from seatrial._interrupts import INTERRUPTED, end_at_once


def main() -> None:
    """Run the command line and exit with its code."""
    end_at_once()
    from seatrial.cli import run_command_line  # noqa: PLC0415 - so that importing this module costs nothing

    code = run_command_line(sys.argv[1:])
    if code == INTERRUPTED:
        # Python remembers an interrupt that came while it ran a string as code, as dataclasses do, and would end by
        # the signal although we handled it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
