"""Coverage of the services under test, from inside their processes."""

from seatrial.cover._collector import Collector

__all__ = ["Collector"]
