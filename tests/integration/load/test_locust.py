"""The shipped load file, as Locust itself runs it."""

import os
import socket
import subprocess
import sys

import httpx
from loading import ROOT, Server, patiently


def test_locust_itself_runs_the_load_file(server: Server) -> None:
    """`locust -f load/locustfile.py` works without seatrial, as the user of SEATRIAL_TOKEN."""
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "--headless", "-u", "4"]
    options = ["-r", "4", "-t", "2s", "--host", server.target.url, "--only-summary", "Steady", "Health"]
    environment = {**os.environ, "SEATRIAL_TOKEN": "from-environment"}
    done = subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert server.seen
    assert {token for _, token in server.seen} == {"bearer from-environment"}


def test_locust_shows_its_own_page(server: Server) -> None:
    """Its web page is served with the users of the load file, and starts and counts what they send."""
    port = free_port()
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "load" / "locustfile.py"), "--host", server.target.url]
    options = ["--web-host", "127.0.0.1", "--web-port", str(port)]
    with subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as page:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                assert "Locust" in patiently(lambda: client.get("/").text)
                assert client.post("/swarm", data={"user_count": 4, "spawn_rate": 4}).json()["success"]
                assert patiently(lambda: client.get("/stats/requests").json()["total_rps"]) > 0
                assert set(client.get("/tasks").json()["per_class"]) == {"Steady", "Health", "Limits", "Jobs"}
        finally:
            page.terminate()
    assert server.seen


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port
