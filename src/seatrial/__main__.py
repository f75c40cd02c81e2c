"""`python -m seatrial` and the console script."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from seatrial.cli import run_command_line  # noqa: PLC0415 - so that importing this module costs nothing

    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    main()
