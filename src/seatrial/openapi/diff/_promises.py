"""What a published document promises still, of a service that has another one now."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from seatrial.openapi._operations import methods_of
from seatrial.openapi.diff._places import At
from seatrial.openapi.diff._views import View, operation_key, views

ADDED = {"description": "added since"}


def still_promised(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old document without the operations that are gone, and with whatever may come besides now.

    That an answer has a further status or media type breaks no promise.
    """
    news = views(new)
    paths: dict[str, Any] = {}
    for path, item in At(old, old).get("paths", {}).items():
        kept = copy.deepcopy(item.resolved().value) if path.startswith("/") else item.value
        for method in methods_of(kept) if path.startswith("/") else ():
            _settle(old, kept, method, news.get(operation_key(method, path)))
        paths[path] = kept
    return {**old, "paths": paths}


def _settle(old: Mapping[str, Any], item: dict[str, Any], method: str, view: View | None) -> None:
    """Take an operation that is gone out of its path, or add what its answers may be now."""
    key = method.lower() if method.lower() in item else method
    holder = item if key in item else item["additionalOperations"]
    if view is None:
        del holder[key]
        return
    responses = holder[key].get("responses", {})
    known = {str(status).upper() for status in responses}
    responses |= {status: ADDED for status in view.answers if status.upper() not in known}
    for status, answer in list(responses.items()):
        message = view.answers.get(status if status == "default" else status.upper())
        whole = copy.deepcopy(At(old, answer).resolved().value)
        if message and whole.get("content"):
            whole["content"] = {**{name: {} for name in message.media}, **whole["content"]}
            responses[status] = whole
