"""What `seatrial contract` makes of its words."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
