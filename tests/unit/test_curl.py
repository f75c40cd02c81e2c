"""The line that repeats a request: it says exactly what was sent, and runs nothing else."""

import http.server
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import in_thread

from seatrial.core import Exchange, Request, curl_for
from seatrial.core.curl import quote

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1)
MARK = "{{secret:somebody}}"


def exchange(
    method: str = "GET", url: str = "http://h/", headers: tuple[tuple[str, str], ...] = (), body: str = ""
) -> Exchange:
    """Return an exchange without an answer."""
    request = Request(method=method, url=url, headers=headers, body=body)
    return Exchange(id="x", operation="", identity="", request=request, response=None, sent_s=0, received_s=0)


@given(
    body=PLAIN.filter(lambda text: "{{secret:" not in text), value=PLAIN.filter(lambda text: "{{secret:" not in text)
)
def test_words_survive_the_shell(body: str, value: str) -> None:
    """Whatever a fuzzer put into body and header reaches curl as it is, and is never a command."""
    line = curl_for(exchange("POST", headers=(("Authorization", MARK), ("X-Value", value)), body=body))
    words = shlex.split(line)
    assert words[words.index("--data-raw") + 1] == body
    assert f"X-Value: {value}" in words


def test_secret_is_expanded_by_the_shell_alone() -> None:
    """A secret inside a text becomes `$TOKEN`, while a `$TOKEN` or a command in the text itself stays text."""
    line = curl_for(exchange("POST", body=f'$TOKEN "$(touch /tmp/never)" {MARK}'))
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {line.partition('--data-raw ')[2]}"],
        env={**os.environ, "TOKEN": "t0k3n"}, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    assert words[0] == '$TOKEN "$(touch /tmp/never)" t0k3n'


Seen = list[tuple[str, str, dict[str, str], bytes]]


class Keep(http.server.BaseHTTPRequestHandler):
    """Remember requests."""

    seen: Seen

    def do_POST(self) -> None:
        """Remember one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    do_HEAD = do_POST  # noqa: N815 - http.server's name

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[tuple[str, Seen]]:
    """Serve on a free port."""
    seen: Seen = []
    handler = type("Fresh", (Keep,), {"seen": seen})
    with in_thread(handler) as url:
        yield url, seen


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_curl_sends_the_same_request(server: tuple[str, Seen], method: str, require: Callable[[str], str]) -> None:
    """The line, run by a shell, sends path, headers and body as they were, with the token from the environment."""
    require("curl")
    url, seen = server
    headers = (("Authorization", MARK), ("X-Empty", ""), ("X-Odd", "a 'b' \"c\" `d`"))
    line = curl_for(exchange(method, f"{url}/a/../b?x[0]=1&y={{z}}", headers, "" if method == "HEAD" else "{'é': 1}"))
    environment = {**os.environ, "TOKEN": "t0k3n", "NO_PROXY": "*"}
    subprocess.run(["sh", "-c", f"{line} -s -m 5"], env=environment, check=True, capture_output=True)
    (sent_method, path, got, body), *more = seen
    assert (sent_method, path, more) == (method, "/a/../b?x[0]=1&y={z}", [])
    assert (got["Authorization"], got["X-Empty"], got["X-Odd"]) == ("Bearer t0k3n", "", "a 'b' \"c\" `d`")
    assert body == (b"" if method == "HEAD" else "{'é': 1}".encode())


@pytest.mark.parametrize("text", [f"Bearer {MARK}", f"{MARK}abc", f"a'{MARK}'b", f"{MARK}{MARK}", f"x!{MARK}\\"])
def test_only_the_secret_is_put_in(text: str) -> None:
    """A shell makes of a quoted text the text itself, with the secret in its places, whatever stands around it."""
    run = subprocess.run(
        ["sh", "-c", f"printf %s {quote(text)}"], env={"TOKEN": "t0k3n"}, check=True, capture_output=True, text=True
    )
    assert run.stdout == text.replace(MARK, "t0k3n")


def test_what_was_put_into_a_request_is_kept() -> None:
    """Headers are left out only where they say what clients say by themselves: others may be the whole point."""
    usual = (("Host", "h"), ("User-Agent", "python-httpx/0.28"), ("Accept", "*/*"), ("Connection", "keep-alive"))
    assert curl_for(exchange(headers=usual)) == "curl -i -X GET http://h/"
    words = shlex.split(curl_for(exchange(headers=(("Host", "a/health?"), ("User-Agent", "x/1"), ("Accept", "a/b")))))
    assert words[4:-1] == ["-H", "Host: a/health?", "-H", "User-Agent: x/1", "-H", "Accept: a/b"]


def test_a_fragment_is_sent_and_a_client_comes_from_its_address() -> None:
    """Curl would keep a fragment to itself; a client that is known by its address ends in it."""
    shown = replace(exchange(url="http://h/a#b"), identity="anonymous@127.9.0.1")
    words = shlex.split(curl_for(shown))
    assert words[4:] == ["--interface", "127.9.0.1", "--request-target", "/a#b", "http://h/a#b"]
