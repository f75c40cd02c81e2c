"""What `seatrial contract` makes of its words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from documents import OK, document

from seatrial.campaign import Options
from seatrial.cli._fuzzing import reading, what_is_meant
from seatrial.config import Settings

CONFIG = f"""
[stack]
entry = "app:8000"
[stack.local.services.app]
command = [{sys.executable!r}, "-m", "http.server", "--bind", "127.0.0.1", "{{port}}"]
ready = "/"
"""


@pytest.mark.parametrize("words", [("contract",), ("contract", "fuzz")], ids=" ".join)
def test_fuzz_needs_no_word(words: tuple[str, ...], product: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """What is no command is an argument of `fuzz`."""
    done = product(*words, "http://127.0.0.1:9", "--stack", "local", cwd=Path.cwd())
    assert done.returncode == 2
    assert "both a URL and --stack local are given" in done.stderr
    assert "seatrial contract fuzz" in done.stderr


@pytest.mark.parametrize(
    ("source", "service", "document"),
    [
        ("", "", ""),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", ""),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/", ""),
        ("http://127.0.0.1:8000/v2/api.json", "http://127.0.0.1:8000", "http://127.0.0.1:8000/v2/api.json"),
        ("/docs/api.yaml", "", "file:///docs/api.yaml"),
    ],
)
def test_source_is_a_service_or_a_document(source: str, service: str, document: str) -> None:
    """A URL without a path is who is asked; one with a path, and a file, is what is read."""
    assert what_is_meant(source) == (service, document)


def test_document_that_is_named_is_read() -> None:
    """What is named goes before what the settings say, which need not have the table, and repeats the run."""
    settings = reading(Settings(), "file:///docs/api.yaml")
    assert settings.contract
    assert settings.contract.source("http://127.0.0.1:8000", Path()) == "file:///docs/api.yaml"
    line = Options(document="file:///docs/api.yaml", only=("contract",)).repeat(seed=7, driver="local")
    assert line == "seatrial contract file:///docs/api.yaml --stack local --profile quick --seed 7"
    options = Options(operations=("GET /a",), only=("contract",))
    line = options.repeat(seed=7, driver="local")
    assert line == "seatrial contract --stack local --profile quick --seed 7 --only 'GET /a'"
    assert Options.from_json(options.to_json()) == options


HEAD = "openapi: 3.1.0\ninfo: {title: a, version: '1'}\n"
BAD = {
    "invalid": (
        "openapi: 3.1.0\ninfo: {title: a, version: 1}\npaths: {}\n",
        "contract-not-openapi",
        "#/info/version: 1",
    ),
    "HTML": ("<html></html>", "contract-unreadable", "it is HTML"),
    "lost": (HEAD + "paths: {/a: {$ref: b.yaml}}", "contract-reference", "#/paths/~1a/$ref: b.yaml cannot read"),
    "circular": (HEAD + "paths: {/a: {$ref: '#/paths/~1a'}}", "contract-reference", "#/paths/~1a leads in a circle"),
}


@pytest.mark.parametrize(("text", "slug", "says"), BAD.values(), ids=BAD.keys())
def test_file_that_is_no_document_is_a_usage_error(
    text: str, slug: str, says: str, product: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """What is wrong, where it stands and in which file is told before anything is started."""
    (tmp_path / "api.yaml").write_text(text)
    (tmp_path / "seatrial.toml").write_text(CONFIG)
    done = product("contract", "api.yaml", "--stack", "local", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"[{slug}]" in done.stderr
    assert says in done.stderr
    assert f"where: {(tmp_path / 'api.yaml').as_uri()}" in done.stderr
    assert not (tmp_path / ".seatrial").exists()


@pytest.mark.parametrize(
    ("old", "new", "code", "told"),
    [
        (200, 200, 0, "changes: none"),
        (200, 201, 0, "safe      POST /a: body: request-length-widened: maxLength 200 -> maxLength 201"),
        (201, 200, 1, "breaking  POST /a: body: request-length-narrowed: maxLength 201 -> maxLength 200"),
    ],
)
def test_diff_ends_as_it_found(  # noqa: PLR0913, PLR0917 - a case and its fixtures
    old: int, new: int, code: int, told: str, product: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Nothing that breaks is 0, something is 1; no configuration is needed."""
    for name, most in (("old.json", old), ("new.yaml", new)):
        (tmp_path / name).write_text(json.dumps(taking(most)))
    done = product("contract", "diff", "old.json", "new.yaml", cwd=tmp_path)
    assert (done.returncode, told in done.stdout) == (code, True), done
    found = json.loads(product("contract", "diff", "old.json", "new.yaml", "--json", cwd=tmp_path).stdout)
    assert found["failed"] is bool(code)
    assert [change["new"] for change in found["changes"]] == ["#/components/schemas/Text"] * (old != new)


def test_diff_reads_the_configuration(product: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """What a project decided about a kind counts here too, and a slip in it is told."""
    for name, most in (("old.json", 201), ("new.json", 200)):
        (tmp_path / name).write_text(json.dumps(taking(most)))
    file = tmp_path / "seatrial.toml"
    file.write_text('[contract.severity]\nrequest-length-narrowed = "safe"\n')
    assert product("contract", "diff", "old.json", "new.json", cwd=tmp_path).returncode == 0
    file.write_text('[contract.severity]\nrequest-length-narowed = "safe"\n')
    done = product("contract", "diff", "old.json", "new.json", cwd=tmp_path)
    assert (done.returncode, "[contract-kind]" in done.stderr) == (2, True), done


def test_diff_of_what_is_not_there(product: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    """A file that is missing is wrong usage, a URL where nobody answers is the environment's fault."""
    (tmp_path / "old.json").write_text(json.dumps(taking(1)))
    assert product("contract", "diff", "old.json", "none.json", cwd=tmp_path).returncode == 2
    assert product("contract", "diff", "old.json", "http://127.0.0.1:9/openapi.json", cwd=tmp_path).returncode == 3


def taking(most: int) -> dict[str, Any]:
    """Return a document with an operation that takes a text of some length."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Text"}}}
    operation = {"requestBody": {"content": content}, "responses": {"200": OK}}
    components = {"schemas": {"Text": {"type": "string", "maxLength": most}}}
    return document({"/a": {"post": operation}}, components=components)


@pytest.mark.parametrize(
    ("auth", "code", "slug"),
    [
        ('kind = "api-key"\nvariable = "SEATRIAL_NO_SUCH_KEY"', 2, "auth-variable-unset"),
        ('kind = "bearer"\ncommand = ["false"]', 3, "auth-command-failed"),
    ],
)
def test_who_cannot_authenticate_is_told_before_anything_is_started(
    auth: str, code: int, slug: str, product: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """Nobody is asked as nobody in place of a user that is declared."""
    (tmp_path / "seatrial.toml").write_text(f"{CONFIG}\n[auth]\n{auth}\n")
    done = product("contract", "--stack", "local", cwd=tmp_path)
    assert (done.returncode, f"[{slug}]" in done.stderr) == (code, True), done
    assert "stage" not in done.stdout
