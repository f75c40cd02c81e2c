"""Variables that a service is given: which of them nothing in it could read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import Settings, StackSettings, load_settings
from seatrial.stack import compose_model, image_of, left_over

ROOT = Path(__file__).parents[2]
COPIES = "FROM python:3.13\nCOPY requirements.txt .\nCOPY --chown=me:me app /app\n"
Found = Callable[..., set[str] | None]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Return a function that lays a service out and returns its left-over variables, None where nothing is said."""

    def judge(*, code: tuple[str, ...] = ("app",), service: Mapping[str, Any] | None = None, **files: str) -> Any:
        (tmp_path / "app").mkdir()
        laid_out = {"compose.yml": "services: {}", "Dockerfile": COPIES, "app/main.py": "", **files}
        for name, text in laid_out.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        given = {"build": ".", "environment": {"WANTED": "1"}, **(service or {})}
        settings = Settings(stack=StackSettings(compose=("compose.yml",)))
        image = image_of(given, settings, tmp_path, code)
        return left_over(given, image.globs()) if image else None

    return judge


READS = {
    "by name": 'import os\nx = os.environ["WANTED"]',
    "by a helper from elsewhere": 'from decouple import config\nx = config("WANTED")',
    "from a list": 'import os\nNAMES = ("A", "WANTED")\nx = [os.getenv(name) for name in NAMES]',
    "put together": 'import os\ndef read(name): return os.getenv(f"WAN{name}")',
    "by addition": 'import os\ndef read(prefix): return os.environ[prefix + "TED"]',
    "made up": "import os\ndef read(name): return os.getenv(name.upper())",
    "as settings": "class Config(BaseSettings):\n    wanted: str",
    "everything": "import os\nx = dict(os.environ)",
    "everything, imported": "from os import environ\nx = {**environ}",
    "beyond this Python": "def broken(:\n",
}


@pytest.mark.parametrize("code", READS.values(), ids=READS)
def test_what_could_be_read_is_not_left_over(found: Found, code: str) -> None:
    """However a variable is read: by a name, or by one that could be its own."""
    assert found(**{"app/main.py": code}) == set()


PARTS = {
    "a prefix": ("MY_WANTED", 'class Config(BaseSettings):\n    model_config = dict(env_prefix="my_")'),
    "a prefix of a reader's": ("MY_WANTED", 'with env.prefixed("MY_"):\n    x = env("WANTED")'),
    "a suffix": ("MY_WANTED", 'x = read(name + "_WANTED")'),
    "a nested field": ("DATABASE__URL", "class Config(BaseSettings):\n    database: Database"),
}


@pytest.mark.parametrize(("name", "code"), PARTS.values(), ids=PARTS)
def test_a_part_of_a_name_is_enough(found: Found, name: str, code: str) -> None:
    """What reads it knows the rest."""
    assert found(service={"environment": [f"{name}=1"]}, **{"app/main.py": code}) == set()


READS_NOT = {
    "nothing": "",
    "another": 'import os\nx = os.environ["OTHER"] if "OTHER_" in os.environ else None',
    "a comment": "# WANTED was read here.\nx = 1",
    "a sentence": '"""WANTED was read here."""',
    "an attribute": "x = config.WANTED",
    "a default": 'import os\nx = os.environ.get("OTHER", "nothing WANTED")',
}


@pytest.mark.parametrize("code", READS_NOT.values(), ids=READS_NOT)
def test_what_no_code_reads_is_left_over(found: Found, code: str) -> None:
    """What is written about a variable does not read it."""
    assert found(**{"app/main.py": code, "README.md": "WANTED", ".env": "WANTED=1"}) == {"WANTED"}


ELSEWHERE: dict[str, dict[str, Any]] = {
    "an entry point": {"entrypoint.sh": 'exec server --wanted "$WANTED"'},
    "the Dockerfile": {"Dockerfile": f"{COPIES}CMD server --wanted $WANTED"},
    "the command": {"service": {"command": ["sh", "-c", "server $$WANTED"]}},
    "the health check": {"service": {"healthcheck": {"test": "curl localhost:$$WANTED"}}},
    "another language": {"server.js": "const wanted = process.env.WANTED"},
    "Python beside the code": {"gunicorn.conf.py": 'bind = os.environ["WANTED"]'},
}


@pytest.mark.parametrize("files", ELSEWHERE.values(), ids=ELSEWHERE)
def test_it_may_be_read_elsewhere(found: Found, files: dict[str, Any]) -> None:
    """By anything that is copied into the image, whatever its language, or by the service's own words."""
    assert found(**files) == set()


UNKNOWN: dict[str, dict[str, Any]] = {
    "no code is declared": {"code": ()},
    "an image from elsewhere": {"service": {"build": None, "image": "postgres:17"}},
    "code that is not copied": {"Dockerfile": "FROM golang\nCOPY go.mod cmd /src/\n"},
    "another stage's files": {"Dockerfile": "FROM nginx\nCOPY --from=web app /app\n"},
    "code of elsewhere": {"code": ("../app",)},
    "no Dockerfile here": {"service": {"build": "https://example.org/repository.git"}},
}


@pytest.mark.parametrize("facts", UNKNOWN.values(), ids=UNKNOWN)
def test_of_what_cannot_be_read_nothing_is_said(found: Found, facts: dict[str, Any]) -> None:
    """A service that is not made of the declared code may be in any language."""
    assert found(**facts) is None


@pytest.mark.parametrize(
    "line", ["COPY . .", 'COPY ["app", "/app"]', "ADD app/main.py /app/", "copy ./app /app", "COPY a* /app"]
)
def test_code_is_copied_in_many_ways(found: Found, line: str) -> None:
    """As a whole, by a pattern or file by file."""
    assert found(Dockerfile=f"FROM python\n{line}\n") == {"WANTED"}


def test_what_no_image_holds_reads_nothing(found: Found) -> None:
    """Files that are ignored, compose files and what is no text do not count."""
    files = {
        "tests.sh": "$WANTED",
        ".dockerignore": "# tools\n\n*.sh\n",
        "data.bin": "WANTED\0",
        "compose.prod.yml": "WANTED",
    }
    assert found(**files) == {"WANTED"}


@pytest.mark.parametrize("file", ["seatrial.toml", "seatrial.scale.toml"])
def test_of_the_reference_stack_one_variable_is_a_library_s(file: str) -> None:
    """Both services that are built of its code are judged, and all that they are given is read, but for that one."""
    settings = load_settings(ROOT / file)
    assert settings.posture
    services, code = compose_model(settings, ROOT)["services"], settings.posture.code
    images = {name: image_of(service, settings, ROOT, code) for name, service in services.items()}
    judged = {name: left_over(services[name], image.globs()) for name, image in images.items() if image}
    assert judged == {name: {"OTEL_EXPORTER_OTLP_HEADERS"} for name in ("api", "worker")}


BESIDE = """
import importlib.abc
import sys
import threading
from pathlib import Path

from seatrial.config import Settings, StackSettings
from seatrial.stack import image_of

halfway, asked = threading.Event(), threading.Event()


class Halfway(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "docker.api":
            halfway.set()
            asked.wait(0.3)


settings = Settings(stack=StackSettings(compose=("compose.yml",)))
image = image_of({"build": "."}, settings, Path.cwd(), ("app",))
sys.meta_path.insert(0, Halfway())
failed = []
threading.excepthook = lambda told: failed.append(told.exc_value)
starting = threading.Thread(target=lambda: __import__("docker"))
starting.start()
halfway.wait()
read = image.globs()
starting.join()
assert not failed, failed
assert read
"""


def test_reading_an_image_beside_the_start_of_a_stack(tmp_path: Path) -> None:
    """Both need the engine's library: of two threads that import parts of it one got half of it, and broke."""
    for name, text in {"compose.yml": "services: {}", "Dockerfile": COPIES, "app/main.py": "x = 1"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", BESIDE], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
