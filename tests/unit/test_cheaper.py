"""What is done shorter in the engine's process comes to the same."""

from __future__ import annotations

import json
import subprocess
import sys

CHEAPER = """
import json
from seatrial.fuzz._cheaper import LONGEST, make_cheaper
make_cheaper()
import requests.utils
from hypothesis import given, settings, strategies as st
from hypothesis.internal.conjecture import providers
from schemathesis.generation.jsonschema import builder, strategy
from schemathesis.specs.openapi import converter

def bounded(longest):
    schema = {"type": "string", "pattern": "^[a-c]*$", "minLength": 2, "maxLength": longest}
    converter.update_pattern_in_schema(schema)
    return schema

drawn = []
long = bounded(LONGEST + 1)

@settings(max_examples=50, database=None, derandomize=True)
@given(builder.build(long, draft=20, formats={}))
def draw(value):
    drawn.append(value)

draw()
print(json.dumps({
    "long": long, "short": bounded(LONGEST), "lengths": sorted({len(value) for value in drawn}),
    "letters": sorted(set("".join(drawn))), "described": repr(st.integers().map(lambda number: number + 1)),
    "bypassed": requests.utils.should_bypass_proxies("http://example.com", no_proxy=None),
    "local": len(list(providers._get_local_constants())),
}))
"""


def test_what_is_done_shorter_comes_to_the_same() -> None:
    """A long bound stays beside its pattern, and is kept; a short one is written into it, as ever."""
    done = subprocess.run([sys.executable, "-c", CHEAPER], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["long"] == {"type": "string", "pattern": "^[a-c]*$", "minLength": 2, "maxLength": 1001}
    assert told["short"] == {"type": "string", "pattern": "^[a-c]{2,1000}$"}
    assert 2 <= told["lengths"][0] < told["lengths"][-1] <= 1001
    assert told["letters"] == ["a", "b", "c"]
    assert "lambda" in told["described"]
    assert told["bypassed"] is True
    assert told["local"] == 0
