"""The Schemathesis driver: fuzz a served OpenAPI document and judge its promises.

Names are resolved on first use: the engine's process imports this package too, and needs little of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.core.lazy import resolver

if TYPE_CHECKING:
    from seatrial.fuzz._listen import EngineProcess
    from seatrial.fuzz._published import OLD_PROMISES_HOLD, holds_as_served, holds_by_itself
    from seatrial.fuzz._replay import Replayed, replay
    from seatrial.fuzz._run import run_contract
    from seatrial.fuzz._still import can_judge
    from seatrial.fuzz.directed import Directions, Known
    from seatrial.fuzz.probes import Anew, Besides

_HOMES = {
    "OLD_PROMISES_HOLD": "_published",
    "Anew": "probes",
    "Besides": "probes",
    "Directions": "directed",
    "EngineProcess": "_listen",
    "Known": "directed",
    "Replayed": "_replay",
    "can_judge": "_still",
    "holds_as_served": "_published",
    "holds_by_itself": "_published",
    "replay": "_replay",
    "run_contract": "_run",
}

__all__ = [
    "OLD_PROMISES_HOLD",
    "Anew",
    "Besides",
    "Directions",
    "EngineProcess",
    "Known",
    "Replayed",
    "can_judge",
    "holds_as_served",
    "holds_by_itself",
    "replay",
    "run_contract",
]
__getattr__ = resolver(__name__, _HOMES)
