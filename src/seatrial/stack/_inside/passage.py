"""Carry connections into a service's own network, each from the address that its client has on this machine.

    client at 127.a.b.c --> near end, on this machine --PROXY TCP4 127.a.b.c--> far end, in the network of the service
                                                        far end at 127.a.b.c --> service at 127.0.0.1

Published ports make every client look like the gateway. All of 127.0.0.0/8 can be bound in a container too, so that the
far end needs no privilege. Every byte stays as it is, and so does the way in which a connection ends: FIN or reset.

Standard library alone, and nothing of seatrial: the far end runs on the Python (3.7 or newer) of an image of the stack.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys

LOOPBACK, ANYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - published on one address of its machine alone
BACKLOG = 512
LONGEST_HEAD = 107  # of the PROXY protocol, version 1
NO_LINGER = struct.pack("ii", 1, 0)


class Side(asyncio.Protocol):
    """One side of a carried connection; `other` is where it all goes."""

    other: Side
    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.ended = False
        self.carried = False

    def join(self, other: Side) -> None:
        """Carry everything between both from now on."""
        self.other, other.other = other, self
        self.carried = other.carried = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self.transport = transport  # type: ignore[assignment]  # of a stream

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Pass the end on, and stay for what still comes back."""
        self.ended = True
        if not self.other.transport.is_closing():
            self.other.transport.write_eof()
        return not self.other.ended

    def pause_writing(self) -> None:
        """Take no more while it cannot be passed on."""
        self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Take more."""
        self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        """End the other side in the same way."""
        if self.carried and error:
            reset(self.other.transport)
        elif self.carried:
            self.other.transport.close()


def reset(transport: asyncio.Transport) -> None:
    """End a connection as one that broke."""
    if not transport.is_closing():
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    transport.abort()


class Arrival(Side):
    """A connection that came in, and waits for the one that carries it on to `port` of `host`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, host: str = LOOPBACK) -> None:
        super().__init__(loop)
        self.port, self.host = port, host

    def carry(self, first: bytes, source: str | None) -> None:
        """Connect from an address (None: the system's choice), say what comes first, and join."""
        self.transport.pause_reading()
        self.opening = self.loop.create_task(self.open(first, source))

    async def open(self, first: bytes, source: str | None) -> None:
        """Connect; where that fails, what came in is reset."""
        local = (source, 0) if source else None
        try:
            _, onward = await self.loop.create_connection(
                lambda: Side(self.loop), self.host, self.port, local_addr=local
            )
        except OSError:
            reset(self.transport)
            return
        self.join(onward)
        if first:
            onward.transport.write(first)
        if self.transport.is_closing():
            onward.transport.close()
        else:
            self.transport.resume_reading()


class NearArrival(Arrival):
    """A client on this machine: the far end is told its address."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Carry it on at once."""
        super().connection_made(transport)
        address, number = transport.get_extra_info("peername")
        self.carry(f"PROXY TCP4 {address} {LOOPBACK} {number} {self.port}\r\n".encode(), None)


class FarArrival(Arrival):
    """A connection of the near end, which says first whose it is."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        super().__init__(loop, port)
        self.head = b""

    def data_received(self, data: bytes) -> None:
        """Read who it is, then carry it on."""
        if self.carried:
            super().data_received(data)
            return
        self.head += data
        line, end, rest = self.head.partition(b"\r\n")
        words = line.split(b" ")
        if end and words[:2] == [b"PROXY", b"TCP4"] and len(words) == 6:  # noqa: PLR2004 - of the protocol
            self.carry(rest, words[2].decode("ascii", "replace"))
        elif end or len(self.head) > LONGEST_HEAD:
            reset(self.transport)

    def eof_received(self) -> bool:
        """Give up whoever does not say who it is."""
        return self.carried and super().eof_received()


async def serve_near(port: int, host: str = LOOPBACK) -> None:
    """Say on standard output where this end listens, and serve until standard input ends."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: NearArrival(loop, port, host), LOOPBACK, 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits for this
    loop.add_reader(sys.stdin.fileno(), ended.set)
    await ended.wait()


async def serve_far(listening: int, port: int) -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FarArrival(loop, port), ANYWHERE, listening, backlog=BACKLOG)
    await server.serve_forever()


if __name__ == "__main__":
    number, rest = int(sys.argv[2]), sys.argv[3:]
    asyncio.run(serve_far(number, int(rest[0])) if sys.argv[1] == "far" else serve_near(number, *rest))
