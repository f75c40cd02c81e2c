"""The workers that a run asks for."""

from __future__ import annotations

from seatrial.campaign._options import Options
from seatrial.core import UsageError
from seatrial.swarm import Crew

BIND = "127.0.0.1:5557"
WAIT_S = 60.0


def crew_of(options: Options) -> Crew | None:
    """Return the workers that send the load, if any are asked for; raises UsageError for no address."""
    if not options.workers:
        return None
    host, port = read_address(options.bind or BIND, option="--bind")
    return Crew(host=host, port=port, workers=options.workers, wait_s=options.wait_s or WAIT_S)


def read_address(text: str, *, option: str, port: str = "") -> tuple[str, int]:
    """Return host and port of HOST:PORT, or of HOST where there is a usual `port`; raises UsageError."""
    host, _, number = text.rpartition(":") if ":" in text or not port else (text, "", port)
    if not host or not number.isdigit() or not 0 < int(number) < 1 << 16:
        raise UsageError(
            f"{text!r} is no address",
            slug="load-address-invalid",
            where=option,
            remedy="write HOST:PORT, for example 127.0.0.1:5557",
        )
    return host.strip("[]"), int(number)
