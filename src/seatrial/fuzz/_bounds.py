"""How much of an answer is read, and for how long: a service that never comes to an end must not keep anybody."""

from __future__ import annotations

import time
from typing import Any

import httpx
import requests
from urllib3.exceptions import DecodeError, HTTPError, ProtocolError, ReadTimeoutError

LONGEST_S = 10.0
"""How long an answer may take in all: a client's own timeout is for each read, which one that drips never meets."""

LARGEST = 8 * 1024 * 1024
CHUNK = 65_536
CUT = "seatrial_cut"


def read_answer(response: requests.Response, until_s: float) -> None:
    """Read an answer's body to its end, or to the largest that is read; raises RequestException as requests does.

    That of a redirect was read as it came.
    """
    if vars(response).get("_content_consumed"):
        return
    body = bytearray()
    try:
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > LARGEST:
                setattr(response.request, CUT, True)
                response.close()
                break
            if time.monotonic() > until_s:
                response.close()
                raise _given_up(response)
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error, request=response.request) from error
    except DecodeError as error:
        raise requests.exceptions.ContentDecodingError(error, request=response.request) from error
    except HTTPError as error:
        raise requests.ConnectionError(error, request=response.request) from error
    _keep(response, bytes(body[:LARGEST]))


def _given_up(response: requests.Response) -> requests.ReadTimeout:
    """Return what requests raises for an answer that does not come, word for word: the engine reads it."""
    words = f"Read timed out. (read timeout={LONGEST_S:g})"
    cause = ReadTimeoutError(None, response.url, words)  # type: ignore[arg-type]  # the pool is only shown
    return requests.ReadTimeout(cause, request=response.request)


def was_cut(request: Any) -> bool:
    """Return whether an answer to a request was not read to its end."""
    return bool(getattr(request, CUT, False))


def may_be_endless(response: requests.Response) -> bool:
    """Return whether an answer is a stream of events: it may go on for ever, and who asked reads what he needs."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/event-stream"


def _keep(response: requests.Response, body: bytes) -> None:
    """Let an answer have its body, as if requests had read it."""
    vars(response).update(_content=body, _content_consumed=True)


def beginning(answer: httpx.Response, until_s: float) -> bytes:
    """Return as much of a body that is streamed as is read; whether somebody was let in, the status says."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > LARGEST or time.monotonic() > until_s:
            break
    return bytes(body)
