"""Whether what was made can be read at once."""

from __future__ import annotations

import time
from functools import partial

from seatrial.fuzz._lifecycle import PAUSE_S
from seatrial.fuzz._looked import Gap
from seatrial.fuzz._messages import Sent
from seatrial.fuzz.probes._ask import Unclear, said
from seatrial.fuzz.probes._found import Seen, confirmed
from seatrial.fuzz.probes._gaps import left_out, look_at_each
from seatrial.fuzz.probes._ground import GONE, SUCCESS, Ground
from seatrial.fuzz.probes._kinds import Kind, kinds_of, make, read_of

ACCEPTED = 202
NOTHING = "no operation makes what another one reads"


def created_readable(ground: Ground) -> tuple[list[Seen], Gap | None]:
    """Make something of each kind, and read it."""
    kinds = kinds_of(ground.operations)
    seen, unclear = look_at_each(ground, ((kind.read.label, partial(_looked_for, kind, ground)) for kind in kinds))
    return seen, left_out(unclear, "" if kinds else NOTHING)


def _looked_for(kind: Kind, ground: Ground) -> list[Seen]:
    """Return that something is not there at once; a second one has to be late too.

    Where no link says where it is, it has to appear there later: else nobody knows whether that is the place. What is
    only accepted (202) is promised to be there by a link alone.
    """
    steps = _fresh(kind, ground)
    if steps[-1].status in SUCCESS:
        return []
    if steps[0].status == ACCEPTED and not kind.places:
        raise Unclear(f"{kind.maker.label} promises nothing by {ACCEPTED}")
    time.sleep(PAUSE_S)
    later = ground.ask.ask(kind.read, steps[-1].url, steps[-1].identity)
    if later.status not in SUCCESS and not kind.places:
        raise Unclear("no link says where it is")
    late = later.status in SUCCESS
    title = f"what {kind.maker.label} made is not there at once" + (f", but after {PAUSE_S:g} s" if late else "")
    status = confirmed(lambda: _fresh(kind, ground)[-1].status not in SUCCESS)
    cause = "late" if late else "never"
    return [Seen(operation=kind.read.label, title=title, cause=cause, steps=steps, status=status)]


def _fresh(kind: Kind, ground: Ground) -> list[Sent]:
    """Make something and read it at once."""
    made = make(kind, ground, ground.ask.fresh())
    answer = read_of(made, kind, ground)
    if answer.status not in SUCCESS and answer.status not in GONE:
        raise Unclear(said(answer))
    return [made.sent, answer]
