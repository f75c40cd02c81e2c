"""Lines that send a chain of requests again: run by a real shell, they hold what the answers say then."""

import http.server
import json
import os
import subprocess
from collections.abc import Callable, Iterator

import pytest
from servers import in_thread

from seatrial.core import Exchange, Request, Response
from seatrial.core.scripts import roles, script_for

Seen = list[tuple[str, str, str, bytes]]


class Items(http.server.BaseHTTPRequestHandler):
    """Make items whose names nobody knows before, and remember who asked for what."""

    seen: Seen

    def do_POST(self) -> None:
        """Answer with a new item."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        answer = json.dumps({"data": [{"id": f"new-{len(self.seen)}"}], "na'me": 'a "b" c'}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_DELETE = do_POST  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    """Serve on a free port."""
    seen: Seen = []
    handler = type("Fresh", (Items,), {"seen": seen})
    with in_thread(handler) as url:
        yield url, seen


def exchange(method: str, url: str, *, who: str = "", body: str = "", answer: object = None) -> Exchange:
    """Return an exchange of somebody."""
    headers = (("Authorization", f"{{{{secret:{who}}}}}"),) if who else ()
    request = Request(method=method, url=url, headers=headers, body=body)
    response = Response(status=201, body=json.dumps(answer))
    return Exchange(id="x", operation="", identity=who, request=request, response=response, sent_s=0, received_s=0)


def played(script: str, **tokens: str) -> None:
    """Run lines as people do."""
    environment = {**os.environ, "NO_PROXY": "*", **tokens}
    subprocess.run(["sh", "-ec", script], env=environment, check=True, capture_output=True, timeout=30)


def test_later_requests_hold_what_the_answers_say_then(server: tuple[str, Seen], require: Callable[[str], str]) -> None:
    """An id of an earlier answer stands in the URLs and bodies that follow; the other identity has another token."""
    require("curl")
    url, seen = server
    made = {"data": [{"id": "old-1"}], "na'me": "x"}
    chain = [
        exchange("POST", f"{url}/items", who="user-7f", body='{"name": "n"}', answer=made),
        exchange("GET", f"{url}/items/old-1?of=old-1", who="user-9c", answer={"id": "old-1"}),
        exchange("POST", f"{url}/notes", who="user-7f", body='{"item": "old-1", "text": "old-1 $HOME"}'),
        exchange("DELETE", f"{url}/items/old-1"),
    ]
    played(script_for(chain), **{f"SEATRIAL_TOKEN_ORG_{letter}": f"t0k3n-{letter.lower()}" for letter in "AB"})
    assert seen == [
        ("POST", "/items", "Bearer t0k3n-a", b'{"name": "n"}'),
        ("GET", "/items/new-1?of=new-1", "Bearer t0k3n-b", b""),
        ("POST", "/notes", "Bearer t0k3n-a", b'{"item": "new-1", "text": "old-1 $HOME"}'),
        ("DELETE", "/items/new-1", "", b""),
    ]


def test_roles_are_the_same_in_every_run() -> None:
    """Who comes first is A, whatever his name is in this run; there are more than 26."""
    chain = [exchange("GET", "http://h/", who=f"user-{number}") for number in (5, 3, *range(6, 32))]
    found = roles(chain)
    assert [found[f"user-{number}"] for number in (5, 3, 31)] == [
        f"SEATRIAL_TOKEN_ORG_{letters}" for letters in ("A", "B", "AB")
    ]


def test_a_secret_of_nobody_has_its_own_name() -> None:
    """What the service handed out, or what its operator set, is no organisation's token."""
    line = script_for(
        [exchange("POST", "http://h/token?k={{secret:API-KEY}}", who="u", body='{"s": "{{secret:pass}}"}')]
    )
    assert '"http://h/token?k=$SEATRIAL_SECRET_API_KEY"' in line
    assert "$SEATRIAL_SECRET_PASS" in line
    assert "Bearer $SEATRIAL_TOKEN_ORG_A" in line


def test_a_request_of_its_own_is_one_line() -> None:
    """What follows from nothing is a curl line, and what a client had chosen itself is not looked for in answers."""
    one = exchange("POST", "http://h/items/mine", who="u", answer={"id": "mine"})
    assert script_for([one]) == 'curl -i -X POST -H "Authorization: Bearer $SEATRIAL_TOKEN_ORG_A" http://h/items/mine'
    assert script_for([one, one]).count("\n") == 1
