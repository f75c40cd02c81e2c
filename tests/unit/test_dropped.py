"""What the engine says of an answer, and what of it is nothing to the service."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from schemathesis.openapi.checks import RejectedPositiveData

from seatrial.fuzz._engine import _filter


@pytest.mark.parametrize(("status", "stays"), [(412, False), (429, False), (400, True), (422, True)])
def test_a_precondition_that_does_not_hold_is_no_refusal_of_input(status: int, *, stays: bool) -> None:
    """Valid `If-Match` is answered with 412 where it does not match: that is what it is for (RFC 9110, 13.1.1)."""
    refused = RejectedPositiveData(
        operation="PUT /a", message="", status_code=status, allowed_statuses=[]
    )  # fmt: skip
    case = SimpleNamespace(operation=SimpleNamespace(label="PUT /a"), query={}, _override=SimpleNamespace(query={}))
    response: Any = SimpleNamespace(status_code=status, request=SimpleNamespace())
    assert _filter({429}, {})(None, refused, case, response) is stays
