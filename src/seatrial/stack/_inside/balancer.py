"""Pass each request on to the next instance of a service: on this machine, what a load balancer is in production.

    client --connection--> balancer --a connection for each request, from 127.0.0.2--> instance

`X-Forwarded-For` gets the client's address at its end, as proxies do. Each connection is closed after one request
(RFC 9112, 9.6), so that each request takes its turn and no body has to be understood here. An instance that takes no
connection is passed over; where none does, the answer is 502.
"""

import asyncio
import contextlib
import itertools
import socket
import sys
from collections.abc import Iterator, Sequence

LOOPBACK, SOURCE = "127.0.0.1", "127.0.0.2"
CHUNK = 65536
LONGEST_HEAD = 2**20
BACKLOG = 512
LINGER_S = 2.0
END = b"\r\n\r\n"
NOBODY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def forwarded(head: bytes, client: str) -> bytes:
    """Return the head of a request as it is passed on; what is no complete head stays as it is."""
    if not head.endswith(END):
        return head
    first, *fields = head.removesuffix(END).split(b"\r\n")
    kept = [line for line in fields if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, *kept, b"X-Forwarded-For: " + client.encode(), b"Connection: close"]) + END


async def receive(source: socket.socket) -> bytes:
    """Return what comes next, nothing at the end."""
    try:
        return await asyncio.get_running_loop().sock_recv(source, CHUNK)
    except OSError:
        return b""


async def read_head(client: socket.socket) -> bytes:
    """Return what the client sent up to the end of the head, or less where it ends before or is too long."""
    read = b""
    while END not in read and len(read) < LONGEST_HEAD and (data := await receive(client)):
        read += data
    return read


async def connect(ports: Sequence[int]) -> socket.socket | None:
    """Return a connection to the first instance that takes one."""
    for port in ports:
        upstream = open_socket()
        try:
            upstream.bind((SOURCE, 0))
            await asyncio.get_running_loop().sock_connect(upstream, (LOOPBACK, port))
        except OSError:
            upstream.close()
        else:
            return upstream
    return None


def open_socket() -> socket.socket:
    """Return a socket that waits for nobody."""
    made = socket.socket()
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


async def send(sink: socket.socket, data: bytes) -> bool:
    """Send, and return whether the other side takes more."""
    try:
        await asyncio.get_running_loop().sock_sendall(sink, data)
    except OSError:
        return False
    return True


async def carry(source: socket.socket, sink: socket.socket) -> None:
    """Copy one direction to its end; what the other side refuses is dropped, so that an answer gets through."""
    takes = True
    while data := await receive(source):
        takes = takes and await send(sink, data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


async def pass_on(client: socket.socket, upstream: socket.socket, address: str) -> None:
    """Pass one request on, and its answer back; whoever still sends after the answer is heard for a while."""
    head, end, rest = (await read_head(client)).partition(END)
    await send(upstream, forwarded(head + end, address) + rest)
    sending = asyncio.ensure_future(carry(client, upstream))
    await carry(upstream, client)
    await asyncio.wait({sending}, timeout=LINGER_S)
    sending.cancel()


async def serve(client: socket.socket, address: str, ports: Sequence[int]) -> None:
    """Serve one connection."""
    with client:
        upstream = await connect(ports)
        if upstream is None:
            await read_head(client)
            await send(client, NOBODY)
            return
        with upstream:
            await pass_on(client, upstream, address)


def turns(ports: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield all ports again and again, each time beginning with the next."""
    return itertools.cycle([(*ports[start:], *ports[:start]) for start in range(len(ports))])


async def balance(listening: int, ports: Sequence[int]) -> None:
    """Serve until killed."""
    server = open_socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((LOOPBACK, listening))
    server.listen(BACKLOG)
    running: set[asyncio.Task[None]] = set()
    for turn in turns(ports):
        client, (address, _) = await asyncio.get_running_loop().sock_accept(server)
        client.setblocking(False)
        task = asyncio.ensure_future(serve(client, address, turn))
        running.add(task)  # the loop itself does not keep it alive
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(balance(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
