"""Reading HTTP/1.1 answers from a stream, with nothing normalised (RFC 9112, 6.3)."""

from __future__ import annotations

import asyncio

BODY_KEPT = 512
BODY_LIMIT = 4 * 2**20
EMPTY = frozenset({204, 304})
Headers = tuple[tuple[str, str], ...]


async def read_answer(reader: asyncio.StreamReader, method: str) -> tuple[int, Headers, str, bool]:
    """Return status, headers, the beginning of the body and whether the connection ends with this answer.

    Raises OSError, ValueError, EOFError or LimitOverrunError where it is no complete HTTP.
    """
    status, headers = await _read_head(reader)
    while 100 <= status < 200:  # noqa: PLR2004 - interim answers (RFC 9110, 15.2) come before the one that counts
        status, headers = await _read_head(reader)
    known = {name.lower(): value for name, value in headers}
    body, to_end = b"", False
    if method != "HEAD" and status not in EMPTY:
        body, to_end = await _read_body(reader, known)
    ends = to_end or "close" in known.get("connection", "").lower()
    return status, headers, body[:BODY_KEPT].decode("utf-8", "replace"), ends


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, Headers]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"no HTTP/1 answer: {lines[0][:40]!r}")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return int(rest[:3]), tuple((name.strip(), value.strip()) for name, _, value in pairs)


async def _read_body(reader: asyncio.StreamReader, known: dict[str, str]) -> tuple[bytes, bool]:
    """Read past a body, so that the connection can be used again; say whether it lasted until the end of it."""
    if "chunked" in known.get("transfer-encoding", "").lower():
        return await _read_chunks(reader), False
    if "content-length" not in known:
        return await reader.read(BODY_LIMIT), True
    length = int(known["content-length"])
    if not 0 <= length <= BODY_LIMIT:
        raise ValueError(f"a body of {length} bytes")
    return await reader.readexactly(length), False


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        if len(body) + size > BODY_LIMIT:
            raise ValueError(f"a body of more than {BODY_LIMIT} bytes")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass  # trailers
    return bytes(body)
