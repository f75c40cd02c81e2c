"""What a scenario sends where no user class says it: a GET of paths, requests of the contract, or those of a recording.

    paths | document --_child (Schemathesis)--> Filler --answers--> | HAR --> Traffic --Plan--> load process

Names are resolved on first use, as the load process imports `Prepared` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.swarm.traffic._choose import Choice, choose_operations, nothing_left
    from seatrial.swarm.traffic._fill import Answer, Filler, needed_for
    from seatrial.swarm.traffic._har import Recording, read_recording
    from seatrial.swarm.traffic._made import Makings, make_requests, without_headers
    from seatrial.swarm.traffic._replayed import Label, replay_recording
    from seatrial.swarm.traffic._requests import Prepared, Traffic, of_paths, tell

_HOMES = {
    "Answer": "_fill",
    "Choice": "_choose",
    "Filler": "_fill",
    "Label": "_replayed",
    "Makings": "_made",
    "Prepared": "_requests",
    "Recording": "_har",
    "Traffic": "_requests",
    "choose_operations": "_choose",
    "make_requests": "_made",
    "needed_for": "_fill",
    "nothing_left": "_choose",
    "of_paths": "_requests",
    "read_recording": "_har",
    "replay_recording": "_replayed",
    "tell": "_requests",
    "without_headers": "_made",
}

__all__ = [
    "Answer",
    "Choice",
    "Filler",
    "Label",
    "Makings",
    "Prepared",
    "Recording",
    "Traffic",
    "choose_operations",
    "make_requests",
    "needed_for",
    "nothing_left",
    "of_paths",
    "read_recording",
    "replay_recording",
    "tell",
    "without_headers",
]

__getattr__ = resolver(__name__, _HOMES)
