"""Coverage of the services under test, from inside their processes."""

from seatrial.cover._collector import Collector
from seatrial.cover._cost import measure_cost, unmeasured
from seatrial.cover._patch_base import find_base
from seatrial.cover._phases import STARTUP

__all__ = ["STARTUP", "Collector", "find_base", "measure_cost", "unmeasured"]
