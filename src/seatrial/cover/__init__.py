"""Coverage of the services under test, from inside their processes."""

from seatrial.cover._collector import Collector
from seatrial.cover._patch_base import find_base

__all__ = ["Collector", "find_base"]
