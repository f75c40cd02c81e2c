"""Which kind of machine this is: figures of another kind are others."""

from __future__ import annotations

import os
import platform


def machine() -> str:
    """Return system, processor architecture and number of processors, such as `Linux-x86_64-2`."""
    return f"{platform.system()}-{platform.machine()}-{os.cpu_count()}"
