"""Faults in dependencies: a service stands still, and what users and operators see meanwhile is written down."""

from seatrial.disrupt._asks import ID, Ask, Seen, Unusable
from seatrial.disrupt._killed import Survivor, kill_in_the_middle
from seatrial.disrupt._looks import NOT_READY, HealthSeen, Look
from seatrial.disrupt._outages import Outage, Watch
from seatrial.disrupt._users import Users

__all__ = [
    "ID",
    "NOT_READY",
    "Ask",
    "HealthSeen",
    "Look",
    "Outage",
    "Seen",
    "Survivor",
    "Unusable",
    "Users",
    "Watch",
    "kill_in_the_middle",
]
