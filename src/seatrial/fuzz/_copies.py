"""Copies of this process that share its work: what they write goes on in whole lines, and they end when it does."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import BinaryIO

Job = Callable[[BinaryIO], bool]
"""Writes lines, and returns whether it came to its end."""


def run_in_copies(jobs: Sequence[Job], out: BinaryIO) -> bool:
    """Run each job in a copy of this process, hand on what they write, and return whether all came to their end.

    A copy costs a moment, where a new process would import the engine anew. Nothing else may run in this one yet.
    """
    out.flush()
    copies = [_copy(job) for job in jobs]
    lock = threading.Lock()
    threads = [threading.Thread(target=_hand_on, args=(source, out, lock)) for _, source in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = [os.waitpid(pid, 0)[1] for pid, _ in copies]
    return not any(ended)


def _copy(job: Job) -> tuple[int, BinaryIO]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, os.fdopen(reader, "rb")
    failed = True
    try:
        os.dup2(writer, 1)  # the harness reads the other one to its end, which comes when nobody holds it any more
        with os.fdopen(writer, "wb") as out:
            failed = not job(out)
    except BaseException:  # noqa: BLE001 - a copy must not go on with what its original does
        traceback.print_exc()
    os._exit(failed)


def _hand_on(source: BinaryIO, out: BinaryIO, lock: threading.Lock) -> None:
    with source:
        for line in source:
            with lock:
                out.write(line)
                out.flush()
