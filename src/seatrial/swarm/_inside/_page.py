"""Locust's web page beside a run, in a process of its own: whoever looks at it takes no time of the load's.

harness --stdin: begin, tick, shown, end--> page --stdout: url, touched--> harness
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gevent
import gevent.socket
import locust  # noqa: F401 - before anything that loads ssl, which it must patch first
from gevent.pywsgi import WSGIServer
from locust.env import Environment
from locust.runners import STATE_RUNNING, STATE_STOPPED, Runner
from locust.stats import setup_distributed_stats_event_listeners, stats_history
from locust.web import WebUI

from seatrial.swarm._inside._channel import Channel

HOST = "127.0.0.1"
USUAL_PORT = 8089
"""Locust's own; where somebody else has it, any other."""

STDIN = 0
CHUNK = 1 << 16
Message = Mapping[str, Any]


class Watcher(Runner):
    """What the page takes for the one who sends: it tells of arrivals under way, and hands on what the page asks."""

    def __init__(self, environment: Environment, touched: Callable[[str], None]) -> None:
        super().__init__(environment)
        self._touched = touched
        self.arrivals = 0

    @property
    def user_count(self) -> int:
        """Return how many arrivals are under way."""
        return self.arrivals

    def start(self, user_count: int, *_: object, **__: object) -> None:
        """Tell that somebody wants another number of users."""
        self._touched(f"asked for {user_count} users")

    def stop(self) -> None:
        """Tell that somebody wants an end."""
        self._touched("stopped it")

    def send_message(self, *_: object, **__: object) -> None:
        """Tell nobody: it has no workers."""


class Page:
    """The page, and what it shows."""

    def __init__(self, channel: Channel, environment: Any) -> None:
        self._environment = environment
        self._environment.events.reset_stats.add_listener(lambda: touched("reset its statistics"))
        setup_distributed_stats_event_listeners(self._environment.events, self._environment.stats)

        def touched(how: str) -> None:
            channel.send("touched", how=how)

        self._runner = self._environment.runner = Watcher(self._environment, touched)
        gevent.spawn(stats_history, self._runner)

    def serve(self) -> str:
        """Serve it from now on, and return its URL."""
        listener = listen()
        page = WebUI(self._environment, HOST, 0, delayed_start=True)
        gevent.spawn(WSGIServer(listener, page.app, log=None, error_log=logging.getLogger(__name__)).serve_forever)
        return f"http://{HOST}:{listener.getsockname()[1]}/"

    def hear(self, said: Message) -> None:
        """Take in a message of the harness."""
        getattr(self, f"_on_{said['kind']}")(said)

    def _on_begin(self, said: Message) -> None:
        self._environment.stats.clear_all()
        self._environment.host, self._environment.locustfile = said["host"], said["name"]
        self._runner.update_state(STATE_RUNNING)

    def _on_tick(self, said: Message) -> None:
        self._runner.arrivals = said["arrivals"]

    def _on_shown(self, said: Message) -> None:
        figures = {**said, "stats": [numbered(one) for one in said["stats"]]}
        figures["stats_total"] = numbered(said["stats_total"])
        self._environment.events.worker_report.fire(client_id="", data=figures)

    def _on_end(self, said: Message) -> None:
        del said
        self._runner.arrivals = 0
        self._runner.update_state(STATE_STOPPED)


def numbered(entry: Message) -> dict[str, Any]:
    """Return statistics with the numbers that JSON made words of."""
    times = {float(time): count for time, count in entry["response_times"].items()}
    seconds = {
        key: {int(second): count for second, count in entry[key].items()}
        for key in ("num_reqs_per_sec", "num_fail_per_sec")
    }
    return {**entry, **seconds, "response_times": times}


def listen() -> socket.socket:
    """Return where the page is served: on this machine alone."""
    try:
        return socket.create_server((HOST, USUAL_PORT))
    except OSError:
        return socket.create_server((HOST, 0))


def heard() -> Iterator[Message]:
    """Yield what the harness says, until it is gone."""
    rest = b""
    while True:
        gevent.socket.wait_read(STDIN)
        chunk = os.read(STDIN, CHUNK)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from map(json.loads, lines)


def main() -> int:
    """Return 0 once the harness is gone."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    channel = Channel.take_stdout()
    page = Page(channel, Environment())
    channel.send("url", url=page.serve())
    for said in heard():
        page.hear(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
