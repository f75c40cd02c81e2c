"""The process in which Schemathesis's engine runs (`python -m seatrial.fuzz._child`).

order on standard input -> parts of the document -> engine events -> one JSON line for each request on standard output.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import BinaryIO

import msgspec
from schemathesis.engine import events, from_schema
from schemathesis.engine.core import EventStream

from seatrial.fuzz._cheaper import make_cheaper
from seatrial.fuzz._copies import run_in_copies
from seatrial.fuzz._engine import Engine, load, prepare, taken_apart, went_away
from seatrial.fuzz._messages import Broken, Doing, Done, Gone, Message, Order, Stopped
from seatrial.fuzz._parts import handed_out, may_run_at_once
from seatrial.fuzz._turns import Turns

_encode = msgspec.json.Encoder().encode
_one_at_a_time = threading.Lock()


def main() -> None:
    """Run one order."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    out = sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print must not get between the lines
    if run(order, out):
        write(out, Done())


def run(order: Order, out: BinaryIO) -> bool:
    """Run each part of an order, as many at once as it and its limits allow; return whether all came to their end."""
    until_s = time.monotonic() + order.budget_s
    try:
        make_cheaper()
        prepare(order)
        orders = taken_apart(order)
    except Exception as error:  # noqa: BLE001 - told to the harness, whatever it is
        return told(error, out)
    turns = None if may_run_at_once(orders) else Turns(order, until_s=until_s, tell=partial(write, out))
    weights = [len(each.only) for each in orders]
    hands = handed_out(weights, 1 if turns else order.processes)
    jobs = [partial(run_parts, orders, numbers, until_s, turns) for numbers in hands]
    return run_in_copies(jobs, out) if len(jobs) > 1 else jobs[0](out)


def told(error: Exception, out: BinaryIO) -> bool:
    """Tell what ended a part, and return that it did."""
    write(out, Broken(message=f"{type(error).__name__}: {error}", fatal=True))
    return False


def run_parts(
    orders: Sequence[Order], numbers: Sequence[int], until_s: float, turns: Turns | None, out: BinaryIO
) -> bool:
    """Run parts one after the other, until the service is gone; those that share limits take `turns` together."""
    try:
        for number in numbers:
            own = turns or Turns(orders[number], until_s=until_s, tell=partial(write, out))
            own.install()
            engine = Engine(own, orders[number], place=number, among=len(orders))
            if not run_part(orders[number], engine, until_s, out):
                break
    except Exception as error:  # noqa: BLE001 - as above
        return told(error, out)
    return True


def run_part(order: Order, engine: Engine, until_s: float, out: BinaryIO) -> bool:
    """Run every phase, look at failures once more, see what was made to its end; return whether it can go on."""
    stream = from_schema(load(order)).execute()
    # Not looked at between events alone: one event can stand for many requests to a service that hangs.
    timer = threading.Timer(max(0.0, until_s - time.monotonic()), stream.stop)
    timer.daemon = True
    timer.start()
    phase, gone = follow(stream, engine, out)
    timer.cancel()
    if gone:
        return False
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
    return True


def follow(stream: EventStream, engine: Engine, out: BinaryIO) -> tuple[str, bool]:
    """Write what happens, and return the last phase and whether the service went away."""
    phase, gone = "beginning", False
    for event in stream:
        match event:
            case events.PhaseStarted() if not stream.stop_event.is_set():
                phase = engine.phase = event.phase.name.value
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
