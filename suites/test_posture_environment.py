"""What an operator is told to set: the template of the environment file, compared with what is read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from seatrial.config import PostureSettings, Settings
from seatrial.plugin import Defects, check, not_applicable, not_tested
from seatrial.stack import compose_model, dockerfile_of, image_of, left_over, parse_template, read_by_code, read_compose

INTERPOLATED = re.compile(r"(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)|([A-Za-z_]\w*))")
SET_BY_IMAGE = re.compile(r"^ENV\s+(.+)$", re.MULTILINE)
SET_BY_SYSTEM = frozenset({"HOME", "HOSTNAME", "LANG", "PATH", "PWD", "TMPDIR", "TZ", "USER"})
"""Variables that a container has without anybody setting them."""

Strings = Iterator[str]
Found = Iterator[tuple[str, str, str]]
"""What is wrong: title, cause and location."""


@pytest.fixture
def template(posture: PostureSettings, tree: Path) -> Mapping[str, tuple[int, str]]:
    """Return the variables of the template with line and value; ends the check where none is promised."""
    if not posture.environment_template:
        not_applicable("[posture] environment_template is not declared")
    file = tree / posture.environment_template
    assert file.is_file(), f"there is no {posture.environment_template}"
    found = parse_template(file.read_text(encoding="utf-8"))
    assert found, f"{posture.environment_template} has no variable"
    return found


def strings(value: Any) -> Strings:
    """Yield every text in a document, keys included."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def interpolated(services: Mapping[str, Any]) -> set[str]:
    """Return the variables that compose fills in from its environment."""
    return {match[1] or match[2] for text in strings(services) for match in INTERPOLATED.finditer(text)}


def handed(services: Mapping[str, Any]) -> set[str]:
    """Return the variables that some service built here is given."""
    names: set[str] = set()
    for service in services.values():
        environment = service.get("environment") or {} if service.get("build") else {}
        names |= {str(entry).partition("=")[0] for entry in environment}
    return names


def set_by_image(services: Mapping[str, Any], settings: Settings, tree: Path) -> set[str]:
    """Return the variables that the Dockerfiles of the services set."""
    files = filter(None, (dockerfile_of(service, settings, tree) for service in services.values()))
    lines = [line for file in files for line in SET_BY_IMAGE.findall(file.read_text(encoding="utf-8"))]
    return {word.partition("=")[0] for line in lines for word in line.split()}


def uses_env_file(settings: Settings, tree: Path) -> bool:
    """Return whether a service takes a whole file of variables: then nobody can say which of them it reads."""
    documents = [read_compose(tree / file) for file in settings.stack.compose]
    return any("env_file" in (service or {}) for document in documents for service in document["services"].values())


def unread(services: Mapping[str, Any], posture: PostureSettings, settings: Settings, tree: Path) -> dict[str, str]:
    """Return the variables that services made of our code are given and do not read, each with a service."""
    images = {name: image_of(service, settings, tree, posture.code) for name, service in services.items()}
    globs = {image: image.globs() for image in set(images.values()) if image}
    elsewhere = {*posture.internal, *posture.read_elsewhere, *SET_BY_SYSTEM}
    found: dict[str, str] = {}
    for name, image in images.items():
        given = left_over(services[name], globs[image] | elsewhere) if image else ()
        found |= dict.fromkeys(given, name)
    return found


def line_of(name: str, settings: Settings, tree: Path) -> str:
    """Return where a compose file names a variable first."""
    for file in settings.stack.compose:
        for number, line in enumerate((tree / file).read_text(encoding="utf-8").splitlines(), 1):
            if re.search(rf"\b{name}\b", line):
                return f"{file}:{number}"
    return settings.stack.compose[0]


def compared_with_template(
    template: Mapping[str, tuple[int, str]], wanted: set[str], posture: PostureSettings, *, whole: bool
) -> Found:
    """Yield the variables that the template lacks, and those that it has in vain."""
    for name in sorted(wanted - template.keys()):
        what = f"the compose file fills in {name}, which {posture.environment_template} lacks"
        yield what, f"template-lacks-{name}", posture.environment_template
    for name in sorted(template.keys() - wanted) if not whole else ():
        yield (
            f"nothing reads {name}",
            f"template-left-over-{name}",
            f"{posture.environment_template}:{template[name][0]}",
        )


def compared_with_code(
    services: Mapping[str, Any], known: set[str], posture: PostureSettings, settings: Settings, tree: Path
) -> Found:
    """Yield the variables that the code reads and nobody hands to it, and those that are handed to it in vain."""
    known = known | handed(services) | set_by_image(services, settings, tree) | SET_BY_SYSTEM | set(posture.internal)
    for folder in posture.code:
        for name, where in read_by_code(tree / folder, tree).items():
            if name not in known:
                yield f"the code reads {name}, which the compose file hands to no service", f"not-handed-{name}", where
    for name, service in sorted(unread(services, posture, settings, tree).items()):
        what = f"the compose file hands {name} to {service}, whose code does not read it"
        yield what, f"not-read-{name}", line_of(name, settings, tree)


@check("posture.environment-template", title="the template has every variable and no other", severity="medium")
def test_environment_template(
    template: Mapping[str, tuple[int, str]], posture: PostureSettings, settings: Settings, tree: Path, defects: Defects
) -> None:
    """The template names each variable that the compose file fills in and no other, and none is read or given in vain.

    A variable that is missing is found when something does not work in production; one that nothing reads is set
    by somebody who believes in it. One that the code reads and the compose file hands to no service cannot be set.
    """
    if not settings.stack.compose:
        not_applicable("[stack] compose names no file")
    services = compose_model(settings, tree)["services"]
    wanted, whole = interpolated(services), uses_env_file(settings, tree)
    known = set(template) if whole else set()
    for title, cause, location in (
        *compared_with_template(template, wanted, posture, whole=whole),
        *compared_with_code(services, known, posture, settings, tree),
    ):
        defects.add(title, cause=cause, location=location)
    defects.none()


@check("posture.no-secret-in-template", title="no secret of the template has a value", severity="high", cwe=(798,))
def test_no_secret_in_template(
    template: Mapping[str, tuple[int, str]], posture: PostureSettings, defects: Defects
) -> None:
    """Each secret of the template is empty: a value that is committed is everybody's, and is used as it is."""
    secret = {
        name: place for name, place in template.items() if any(fnmatchcase(name, glob) for glob in posture.secrets)
    }
    if not secret:
        not_applicable("no variable of the template is a secret by [posture] secrets")
    for name, (line, value) in secret.items():
        if value:
            where = f"{posture.environment_template}:{line}"
            defects.add(f"{name} has a value in the template", cause=f"secret-{name}", location=where)
    defects.none()


@check("posture.environment-ignored", title="git never takes the environment file", severity="high", cwe=(538,))
def test_environment_ignored(posture: PostureSettings, tree: Path) -> None:
    """The file with the real values is ignored by git and not tracked: a careless `git add` publishes every secret."""
    if not posture.environment_file:
        not_applicable("[posture] environment_file is not declared")
    file = tree / posture.environment_file
    if git(file.parent, "rev-parse", "--is-inside-work-tree").returncode:
        not_tested("the files of the stack are in no git repository")
    tracked = not git(file.parent, "ls-files", "--error-unmatch", file.name).returncode
    assert not tracked, f"git tracks {posture.environment_file}"
    ignored = not git(file.parent, "check-ignore", "--quiet", file.name).returncode
    assert ignored, f"git does not ignore {posture.environment_file}"


def git(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run git in a folder; ends the check where there is no git."""
    try:
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    except OSError as error:
        not_tested(f"git does not run: {error}")
