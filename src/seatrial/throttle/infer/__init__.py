"""The inference of an unknown limiter: models over recorded answers, and the probes that record them."""

from seatrial.throttle.infer._discover import discover
from seatrial.throttle.infer._found import Found
from seatrial.throttle.infer._people import Person, addresses, people, read_header
from seatrial.throttle.infer._task import Task

__all__ = ["Found", "Person", "Task", "addresses", "discover", "people", "read_header"]
