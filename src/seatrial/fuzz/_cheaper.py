"""What Schemathesis, Hypothesis and requests do at great length for nothing that is needed here, done shorter.

Each was found by a profile of the engine's process, and changes how long something takes, not what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import requests.utils
from hypothesis.internal import lambda_sources
from hypothesis.internal.conjecture import providers
from schemathesis.core.jsonschema import patterns
from schemathesis.generation.jsonschema import strategy
from schemathesis.specs.openapi import converter
from schemathesis.specs.openapi.coverage import _operation

LONGEST = 1000
"""Up to which length a bound is written into a pattern: beyond, each look at the pattern takes a tenth of a second."""

Fold = Callable[[str, int | None, int | None], str]


def make_cheaper() -> None:
    """Do so in this process."""
    for module in (patterns, converter, strategy, _operation):
        _replace(module, "update_quantifier", _folding_short_bounds(module.update_quantifier))
    # Lambdas are told apart by their places, and shown to nobody: their sources are not looked for.
    _replace(lambda_sources, "lambda_description", lambda function: f"lambda {function.__code__.co_firstlineno}")
    # Values are made from the document alone: what stands in this program's own sources is none of the service's.
    _replace(providers, "is_local_module_file", lambda _: False)
    # NO_PROXY is * in this process, which requests finds out from all variables for each request.
    _replace(requests.utils, "proxy_bypass", lambda _: True)


def _replace(module: ModuleType, name: str, value: object) -> None:
    if not hasattr(module, name):
        raise LookupError(f"{module.__name__} has no {name} any more")
    setattr(module, name, value)


def _folding_short_bounds(fold: Any) -> Fold:
    """Return what writes bounds of a length into a pattern, unless they are long; they stand beside it then."""

    def update_quantifier(pattern: str, least: int | None, most: int | None) -> str:
        longest = max(least or 0, most or 0)
        return pattern if longest > LONGEST else fold(pattern, least, most)

    vars(update_quantifier).update(cache_clear=fold.cache_clear)
    return update_quantifier
