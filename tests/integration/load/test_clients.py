"""What Locust's clients and the lean one do with deadlines, redirects, certificates and broken connections."""

import itertools
import ssl
from collections import Counter
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from loading import FIRST, Bench, Server, outcomes, serving, value

from seatrial.core import Target


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser", "Lean"])
def test_clients_survive_a_deadline(bench: Bench, server: Server, base: str) -> None:
    """After requests that hung, the same users' connections work again, with any client."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("/first", headers={{"X-Own": "1"}})
    """)
    bench.run(
        server.target, user="Own", file=file, identities=2, rate_per_s=40.0, seconds=3.0, deadline_s=1.0,
        objectives={"error_ratio": "<= 0.5"},
    )  # fmt: skip
    assert Counter(row["outcome"] for row in bench.rows()) == {"timeout": FIRST, "ok": 120 - FIRST}
    late = [row["outcome"] for row in bench.rows() if float(row["due_s"]) > 2.0]
    assert set(late) == {"ok"}  # served by users whose first request hung: few are needed by now
    assert {token for _, token in server.seen} == {"bearer secret-00001", "bearer secret-00002"}


AWAY = ("/to/{other}/a", "{other}/a", "/to/http://nobody@{port}@{address}/a")


@pytest.mark.parametrize(
    ("base", "path"), [*itertools.product(["FastHttpUser", "HttpUser"], AWAY), ("Lean", "{other}/a")]
)
def test_load_never_leaves_its_target(bench: Bench, server: Server, other: Server, base: str, path: str) -> None:
    """Neither an absolute URL nor a redirect takes requests or a token elsewhere, whatever a task makes of it."""
    address = other.target.url.removeprefix("http://")
    url = path.format(other=other.target.url, address=address, port=server.port)
    file = bench.write(f"""
        class Own({base}):
            def on_start(self):
                self.client.get("{url}")
            @task
            def ask(self):
                self.client.get("{url}")
            @task
            def judge(self):
                with self.client.get("{url}", catch_response=True) as answer:
                    answer.success()
    """)
    evidence = bench.run(server.target, user="Own", file=file, identities=2, objectives={"p50": "<= 900 ms"})
    assert other.seen == []
    assert outcomes(evidence)[:2] == ("passed", "failed"), evidence.results[0].reason
    assert bench.ledger()["failed"] == 50
    assert {row["outcome"] for row in bench.rows()} == {"elsewhere"}
    cause = f"not sent, as it leads away from the target: {other.target.url}"
    assert cause in evidence.results[1].findings[0].detail
    assert cause in evidence.notes[-1]


def test_a_lean_client_takes_what_load_files_say(bench: Bench, server: Server) -> None:
    """JSON, data, headers, names and judging blocks work as with Locust's own clients."""
    file = bench.write("""
        class Own(Lean):
            default_headers = {"X-Kind": "lean"}
            @task
            def ask(self):
                with self.client.post("/made", json={"a": 1}, name="/{what}", catch_response=True) as answer:
                    assert answer.json() == {"id": "a1"} and answer.ok and answer.text and answer.headers
                    if answer.status_code != 202:
                        answer.failure("not accepted")
                with self.client.get("/fail", catch_response=True) as answer:
                    answer.success()
                with self.client.put("/limit", data="x", catch_response=True) as answer:
                    if answer.status_code == 429:
                        answer.failure("limited, as expected")
                with self.client.get("/a", catch_response=True) as answer:
                    raise ValueError("surprise")
    """)
    evidence = bench.run(server.target, user="Own", file=file, identities=2, rate_per_s=10.0)
    assert Counter((row["operation"], row["status"], row["cause"]) for row in bench.rows()) == {
        ("POST /{what}", "202", ""): 10,
        ("GET /fail", "500", ""): 10,
        ("PUT /limit", "429", "limited, as expected"): 10,
        ("GET /a", "200", "ValueError: surprise"): 10,
    }
    assert bench.ledger()["failed"] == 10
    assert {token for _, token in server.seen} == {"bearer secret-00001", "bearer secret-00002"}
    sample = next(one for one in evidence.exchanges if one.operation == "POST /{what}")
    assert sample.request.body == '{"a": 1}'
    assert ("X-Kind", "lean") in sample.request.headers
    assert "secret-0" not in repr(evidence)


def test_a_lean_client_goes_where_the_target_is(bench: Bench, server: Server, other: Server) -> None:
    """Below the target's own path, and nowhere else where a class names another host itself."""
    bench.run(Target(url=f"{server.target.url}/base"), paths=("/items",), rate_per_s=10.0)
    assert {path for path, _ in server.seen} == {"/base/items"}
    file = bench.write(f"""
        class Own(Lean):
            def __init__(self, environment):
                super().__init__(environment)
                self.host = "{other.target.url}"
            @task
            def go(self):
                self.client.get("/a")
    """)
    evidence = bench.run(server.target, user="Own", file=file, rate_per_s=10.0)
    assert other.seen == []
    assert {(row["operation"], row["outcome"]) for row in bench.rows()} == {("GET /a", "elsewhere")}
    assert "kept from leaving the target" in evidence.notes[-1]


def test_a_lean_client_follows_nothing(bench: Bench, server: Server) -> None:
    """A redirect is an answer as it is; whoever wants it followed is told how."""
    file = bench.write("""
        class Own(Lean):
            @task
            def stay(self):
                self.client.get("/to//b")
            @task
            def follow(self):
                self.client.get("/to//b", allow_redirects=True)
    """)
    bench.run(server.target, user="Own", file=file, rate_per_s=10.0)
    assert Counter((row["operation"], row["status"], row["outcome"]) for row in bench.rows()) == {
        ("GET /to//b", "302", "ok"): 5,
        ("TASK follow", "0", "failed"): 5,
    }
    assert "leave `lean` out" in next(row["cause"] for row in bench.rows() if row["cause"])


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return what a server needs that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    return tls


@pytest.mark.parametrize("base", ["FastHttpUser", "Lean"])
@pytest.mark.parametrize(("line", "ended"), [("pass", "failed"), ("insecure = True", "passed")])
def test_certificates_are_verified(bench: Bench, base: str, line: str, ended: str) -> None:
    """A server that vouches for itself is sent nothing, unless the user class says that it may be."""
    file = bench.write(f"""
        class Own({base}):
            {line}
            @task
            def ask(self):
                self.client.get("/a")
    """)
    with serving(self_signed(bench.folder)) as server:
        evidence = bench.run(
            server.target, user="Own", file=file, rate_per_s=10.0, deadline_s=10.0, objectives={"error_ratio": "<= 0"}
        )
        assert bool(server.seen) == (ended == "passed")
    assert outcomes(evidence)[:2] == ("passed", ended), evidence.results
    assert all("CERTIFICATE_VERIFY_FAILED" in row["cause"] for row in bench.rows() if row["outcome"] != "ok")


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_redirects_within_the_target_are_followed(bench: Bench, server: Server, base: str) -> None:
    """A redirect to another path, absolute or relative, and an absolute URL of the target lead where they say."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("/to//b")
                self.client.get("/to/{server.target.url}/c")
                self.client.get("{server.target.url}/d")
    """)
    evidence = bench.run(server.target, user="Own", file=file)
    assert outcomes(evidence)[:2] == ("passed", "passed")
    asked = Counter(path for path, _ in server.seen if not path.startswith("/to/"))
    assert asked == {"/b": 50, "/c": 50, "/d": 50}


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser", "Lean"])
@pytest.mark.parametrize("path", ["/reset", "/part"])
def test_a_broken_connection_is_no_quick_answer(bench: Bench, server: Server, base: str, path: str) -> None:
    """A server that ends the connection, or half an answer, has failed and counts at the deadline."""
    file = bench.write(f"""
        class Own({base}):
            @task
            def ask(self):
                self.client.get("{path}")
    """)
    evidence = bench.run(server.target, user="Own", file=file, objectives={"p50": "<= 900 ms"})
    assert outcomes(evidence)[:2] == ("passed", "failed")
    assert (bench.ledger()["failed"], value(evidence, "p50")) == (50, 1000)
