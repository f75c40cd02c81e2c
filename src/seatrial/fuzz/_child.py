"""The process in which Schemathesis's engine runs (`python -m seatrial.fuzz._child`).

order on standard input -> engine events -> one JSON line for each request on standard output.
"""

from __future__ import annotations

import sys
import threading
import time
from functools import partial
from typing import BinaryIO

import msgspec
from schemathesis.engine import events, from_schema
from schemathesis.engine.core import EventStream

from seatrial.fuzz._engine import Engine, load, went_away
from seatrial.fuzz._messages import Broken, Doing, Done, Gone, Message, Order, Stopped
from seatrial.fuzz._turns import Turns

_encode = msgspec.json.Encoder().encode
_one_at_a_time = threading.Lock()


def main() -> None:
    """Run one order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not get between the lines
    try:
        run(order, out)
    except Exception as error:  # noqa: BLE001 - told to the harness, whatever it is
        write(out, Broken(message=f"{type(error).__name__}: {error}", fatal=True))
        return
    write(out, Done())


def run(order: Order, out: BinaryIO) -> None:
    """Run every phase, write what happens, look at each failure once more, and see what was made to its end."""
    turns = Turns(order, until_s=time.monotonic() + order.budget_s, tell=partial(write, out))
    turns.install()
    engine = Engine(turns, order)
    stream = from_schema(load(order)).execute()
    # Not looked at between events alone: one event can stand for many requests to a service that hangs.
    timer = threading.Timer(order.budget_s, stream.stop)
    timer.daemon = True
    timer.start()
    phase, gone = follow(stream, engine, out)
    timer.cancel()
    if gone:
        return
    if stream.stop_event.is_set():
        write(out, Stopped(phase=phase))
    write(out, Doing(phase="looking again"))
    for repeated in engine.repeat():
        write(out, repeated)
    write(out, Doing(phase="making smaller"))
    for message in engine.minimise():
        write(out, message)
    # Only now: what failed for a resource must not look otherwise because it was removed here.
    write(out, Doing(phase="removing"))
    for message in engine.live():
        write(out, message)


def follow(stream: EventStream, engine: Engine, out: BinaryIO) -> tuple[str, bool]:
    """Write what happens, and return the last phase and whether the service went away."""
    phase, gone = "beginning", False
    for event in stream:
        match event:
            case events.PhaseStarted() if not stream.stop_event.is_set():
                phase = event.phase.name.value
                write(out, Doing(phase=phase))
            case events.ScenarioFinished():
                for sent in engine.scenario(event.recorder):
                    write(out, sent)
            case events.NonFatalError() if went_away(event):
                gone = True
                write(out, Gone())
            case events.NonFatalError():
                write(out, Broken(message=f"{event.label}: {event.value}"))
            case events.FatalError():
                write(out, Broken(message=str(event.exception), fatal=True))
            case _:
                pass
    return phase, gone


def write(out: BinaryIO, message: Message) -> None:
    """Write one line, whole, whichever thread it comes from."""
    with _one_at_a_time:
        out.write(_encode(message) + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
