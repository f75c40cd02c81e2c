"""The service with an OpenAPI document, in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from servers import in_process

from seatrial.core import Target
from seatrial.http import SigningKey

SERVICE = Path(__file__).with_name("contract_service.py")


@contextmanager
def contract_service(
    folder: Path,
    key: SigningKey,
    *defects: str,
    quota: int = 1000,
    window_s: float = 1,
    door: Mapping[str, Any] | None = None,
) -> Iterator[Target]:
    """Run the service, which takes the tokens that a key signs, or lets in who a door does."""
    (folder / "public.pem").write_text(key.public_pem)
    command = [sys.executable, str(SERVICE), str(folder / "public.pem"), str(quota), str(window_s), *defects]
    with in_process(command, {} if door is None else {"CONTRACT_DOOR": json.dumps(door)}) as (target, _):
        yield target
