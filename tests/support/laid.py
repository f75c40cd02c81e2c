"""The settings of a small project of one process that serves files: tests lay one, and run the product in it."""

from __future__ import annotations

import json
import sys

SERVER = (
    "import http.server as h; h.ThreadingHTTPServer(('127.0.0.1', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
)


def served(command: str = SERVER) -> str:
    """Return settings under which a program of Python is the stack, without a gate."""
    return f"""
suites = ["suites"]
[stack]
entry = "app:8000"
[stack.local.services.app]
command = [{json.dumps(sys.executable)}, "-c", {json.dumps(command)}]
ready = "/"
"""
