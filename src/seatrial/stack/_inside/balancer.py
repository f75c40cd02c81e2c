"""Pass each request on to the next instance of a service: on this machine, what a load balancer is in production.

    client --connection--> balancer --a connection for each request, from 127.0.0.2--> instance

`X-Forwarded-For` gets the client's address at its end, as proxies do. Each connection is closed after one request
(RFC 9112, 9.6), so that each request takes its turn and no body has to be understood here. An instance that takes no
connection is passed over; where none does, the answer is 502.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator, Sequence

LOOPBACK, SOURCE = "127.0.0.1", "127.0.0.2"
CHUNK = 65536
LONGEST_HEAD = 2**20
END = b"\r\n\r\n"
NOBODY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def forwarded(head: bytes, client: str) -> bytes:
    """Return the head of a request as it is passed on; what is no complete head stays as it is."""
    if not head.endswith(END):
        return head
    first, *fields = head.removesuffix(END).split(b"\r\n")
    kept = [line for line in fields if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, *kept, b"X-Forwarded-For: " + client.encode(), b"Connection: close"]) + END


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """Return what the client sent up to the end of the head, or less where it ends before or is too long."""
    try:
        return await reader.readuntil(END)
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(error.consumed)


async def connect(ports: Sequence[int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    """Return a connection to the first instance that takes one."""
    for port in ports:
        try:
            return await asyncio.open_connection(LOOPBACK, port, local_addr=(SOURCE, 0))
        except OSError:
            continue
    return None


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy one direction until it ends, then end the other side's too."""
    try:
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        sink.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ports: Sequence[int]) -> None:
    """Pass one request on, and its answer back."""
    try:
        head = await read_head(reader)
    except OSError:
        head = b""
    upstream = await connect(ports) if head else None
    if upstream is None:
        writer.write(NOBODY if head else b"")
        writer.close()
        return
    upstream[1].write(forwarded(head, writer.get_extra_info("peername")[0]))
    await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))


def turns(ports: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield all ports again and again, each time beginning with the next."""
    return itertools.cycle([(*ports[start:], *ports[:start]) for start in range(len(ports))])


async def balance(listening: int, ports: Sequence[int]) -> None:
    """Serve until killed."""
    turn = turns(ports)
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, next(turn)), LOOPBACK, listening, backlog=512, limit=LONGEST_HEAD
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(balance(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
