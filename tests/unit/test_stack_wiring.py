"""Placeholders, pip's settings, order and ports: what the local driver works out before it starts anything."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.config import LocalService
from seatrial.core import UsageError
from seatrial.stack._compose_model import read_compose
from seatrial.stack._environments import environment_key
from seatrial.stack._inside.balancer import forwarded, turns
from seatrial.stack._members import Member, in_waves
from seatrial.stack._pip_settings import as_uv_environment, parse_pip_config
from seatrial.stack._ports import pick_ports
from seatrial.stack._postgres import Postgres, literal
from seatrial.stack._wiring import check_services, fill

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)


@given(name=NAMES, value=st.text(), around=st.text(alphabet=st.characters(exclude_characters="{}")))
def test_a_known_placeholder_is_replaced_once(name: str, value: str, around: str) -> None:
    """What is put in is never read again as a placeholder, and the text around it stays."""
    values = {f"{name}.url": value, "port": "1"}
    assert fill(f"{around}{{{name}.url}}{around}", values, service="x") == f"{around}{value}{around}"


@given(text=st.text(alphabet=st.characters(exclude_characters=".")))
def test_other_braces_stay(text: str) -> None:
    """JSON and format strings in a command are left alone."""
    assert fill(text, {"port": "{port}"}, service="x") == text


def test_an_unknown_placeholder_lists_the_known() -> None:
    """A slip in a name is an error that shows what could have been meant."""
    with pytest.raises(UsageError, match=r"placeholder-unknown[\s\S]*\{db\.url\}"):
        fill("{bd.url}", {"db.url": ""}, service="api")


def test_pip_settings_become_those_of_uv() -> None:
    """The environment overrides files, and every index that pip searches is searched."""
    listing = (
        ":env:.index-url='https://env.example/simple'\n"
        "global.index-url='https://file.example/simple'\n"
        "global.extra-index-url='https://a.example/simple https://b.example/simple'\n"
        "global.find-links='/wheels'\ninstall.trusted-host='a.example'\nglobal.cert='/ca.pem'\nnoise\n"
    )
    assert as_uv_environment(parse_pip_config(listing)) == {
        "UV_DEFAULT_INDEX": "https://env.example/simple",
        "UV_INDEX": "https://a.example/simple https://b.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels",
        "UV_INSECURE_HOST": "a.example",
        "SSL_CERT_FILE": "/ca.pem",
    }


@given(value=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1))
def test_any_pip_value_survives(value: str) -> None:
    """Quotes and backslashes in a value come through as they are."""
    assert parse_pip_config(f"global.cert={value!r}") == {"cert": value}


def test_nothing_set_for_pip_sets_nothing_for_uv() -> None:
    """A machine without settings keeps uv's own defaults."""
    assert as_uv_environment(parse_pip_config("")) == {}


def test_the_environment_depends_on_included_requirements(tmp_path: Path) -> None:
    """A change in a file that is included, even in a circle, makes another environment."""
    (tmp_path / "a.txt").write_text("-r b.txt\n")
    (tmp_path / "b.txt").write_text("-c a.txt\nx==1\n")
    first = environment_key(tmp_path / "a.txt")
    assert first == environment_key(tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("-c a.txt\nx==2\n")
    assert first != environment_key(tmp_path / "a.txt")


def test_ports_are_free_different_and_bindable() -> None:
    """Every port handed out can be bound at once."""
    ports = pick_ports(50)
    assert len(set(ports)) == 50
    for port in ports:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


@given(edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_waves_hold_everyone_after_what_they_need(edges: list[tuple[int, int]]) -> None:
    """In any graph without a circle, each service stands in a later wave than all that it needs."""
    needs: dict[str, set[str]] = {str(number): set() for number in range(10)}
    for one, other in edges:
        if one != other:
            needs[str(max(one, other))].add(str(min(one, other)))
    members = {n: Member(name=n, kind="process", port=1, url="", needs=tuple(found)) for n, found in needs.items()}
    waves = in_waves(members)
    place = {member.name: index for index, wave in enumerate(waves) for member in wave}
    assert sorted(place) == sorted(members)
    assert all(place[need] < place[name] for name, found in needs.items() for need in found)


@pytest.mark.parametrize(
    "services",
    [
        {},
        {"a": LocalService(command=("x",), needs=("b",))},
        {"a": LocalService(command=("x",), needs=("b",)), "b": LocalService(command=("x",), needs=("a",))},
        {"a": LocalService()},
    ],
)
def test_services_that_cannot_be_are_refused(services: dict[str, LocalService]) -> None:
    """No service, an unknown need, a circle and a missing command are configuration errors."""
    with pytest.raises(UsageError, match="local-services-invalid"):
        check_services(services)


def test_a_password_is_quoted_for_sql_and_urls() -> None:
    """Quotes, slashes and at-signs in a password neither end a literal nor move the host."""
    server = Postgres(programs="", folder="", port=5, user=-1, password="a'b/c@d")  # noqa: S106 - a test's
    assert server.url() == "postgresql://postgres:a%27b%2Fc%40d@127.0.0.1:5/postgres"
    assert literal("a'b") == "'a''b'"


@pytest.mark.parametrize(
    ("head", "passed_on"),
    [
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.9.8.7\r\nConnection: close\r\n\r\n",
        ),
        (
            b"GET / HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n",
            b"GET / HTTP/1.1\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 127.9.8.7\r\nConnection: close\r\n\r\n",
        ),
        (b"no end of a head", b"no end of a head"),
    ],
)
def test_the_balancer_appends_the_client(head: bytes, passed_on: bytes) -> None:
    """The client's address stands last, whatever the client wrote; the connection ends with the answer."""
    assert forwarded(head, "127.9.8.7") == passed_on


def test_the_balancer_begins_with_the_next_each_time() -> None:
    """Turns go round, and each has every instance as a fallback."""
    turn = turns([1, 2, 3])
    assert [next(turn) for _ in range(4)] == [(1, 2, 3), (2, 3, 1), (3, 1, 2), (1, 2, 3)]


def test_the_tags_of_compose_are_read(tmp_path: Path) -> None:
    """`!reset` takes a key away and `!override` is its value: both are compose's own."""
    file = tmp_path / "compose.yml"
    text = (
        "{services: {api: {ports: !reset [], image: !override x, cap_drop: !override [ALL], deploy: !override {a: 1}}}}"
    )
    file.write_text(text)
    api = read_compose(file)["services"]["api"]
    assert api == {"ports": None, "image": "x", "cap_drop": ["ALL"], "deploy": {"a": 1}}
