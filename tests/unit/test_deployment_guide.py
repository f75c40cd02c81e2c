"""The platform's guide names files, variables and endpoints that there are, and its hook says what it lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from seatrial.stack import parse_template

ROOT = Path(__file__).parents[2]
STACK = ROOT / "fixtures" / "stack"
GUIDE = (STACK / "docs" / "DEPLOYMENT.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"`([^`\n]+)`", GUIDE)
WORKFLOW = (STACK / ".github" / "workflows" / "ci-cd.yml").read_text(encoding="utf-8")
SETTINGS = re.findall(r"(?:vars|secrets)\.([A-Z_]+)", WORKFLOW)
HANDED = ("API_URL", "DATABASE_URL", "REDIS_URL", "PORT")
OF_OTHERS = ("DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT",)
WORDS = ("NAME=VALUE", "BYPASSRLS")


def test_every_file_is_there() -> None:
    """Also those that commands name."""
    named = {path for text in QUOTED for path in re.findall(r"(?:deploy|monitoring|postgres)/[\w./-]*\w", text)}
    named |= {path for _, path in re.findall(r"\[([^]]+)\]\((\.\./[\w.]+)", GUIDE)}
    assert len(named) > 10  # else nothing was looked at
    gone = [path for path in named if not (STACK / path).exists() and not (STACK / "docs" / path).exists()]
    assert gone == []


def test_every_variable_is_there() -> None:
    """In the template, in the workflow, or among those that the guide explains itself."""
    template = parse_template((STACK / ".env.production.template").read_text(encoding="utf-8"))
    whole = [text for text in QUOTED if re.match(r"[A-Z]+_[A-Z_]+(=|$)", text)]
    named = {text.partition("=")[0] for text in whole if text not in WORDS}
    assert named - {*template, *SETTINGS, *HANDED, *OF_OTHERS} == set()
    assert set(SETTINGS) <= named


def test_every_endpoint_is_there() -> None:
    """By the published contract."""
    paths = json.loads((ROOT / "contracts" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    named = {path for text in QUOTED for path in re.findall(r"(?:^|\s)(/(?:api|metrics)[\w/-]*)", text)}
    assert named
    assert named <= paths.keys()


def hook(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the hook in a copy, with these variables alone."""
    environment = {"PATH": os.environ["PATH"], **variables}
    command = [str(folder / "deploy" / "hook"), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with the hook and one platform of the test's own."""
    (tmp_path / "deploy" / "mine").mkdir(parents=True)
    shutil.copy(STACK / "deploy" / "hook", tmp_path / "deploy")
    script = tmp_path / "deploy" / "mine" / "release"
    script.write_text('#!/bin/sh\necho "$1 $TARGET $IMAGES:$TAG"\nexit 3\n', encoding="utf-8")
    script.chmod(0o755)
    return tmp_path


def test_the_hook_calls_the_platform_s_script(copy: Path) -> None:
    """It hands on what is to be done, images in lower case, and the exit code comes back."""
    done = hook(copy, "rollback", PLATFORM="mine", TARGET="there", IMAGES="ghcr.io/Owner/App", TAG="1")
    assert (done.returncode, done.stdout) == (3, "rollback there ghcr.io/owner/app:1\n")


@pytest.mark.parametrize(
    ("words", "variables", "says"),
    [
        ((), {}, "usage"),
        (("destroy",), {}, "usage"),
        (("deploy",), {"PLATFORM": "mine"}, "TARGET is not set"),
        (("deploy",), {"PLATFORM": "none", "TARGET": "a"}, "there is no"),
    ],
)
def test_the_hook_says_what_it_lacks(copy: Path, words: tuple[str, ...], variables: dict[str, str], says: str) -> None:
    """Nothing is deployed by a guess."""
    done = hook(copy, *words, **variables)
    assert done.returncode == 2
    assert says in done.stderr


STAND_INS = {
    "ssh": 'while [ "$1" != bash ]; do shift; done; exec "$@"',
    "docker": 'echo "$IMAGES $TAG docker $*" >>"$HOME/said"',
    "kubectl": """
shift 2
case $1 in
get) cat "$HOME/${2#*/}" ;;
set) echo "${4#*=}" >"$HOME/${3#*/}"; echo "set $3" >>"$HOME/said" ;;
*) echo "$*" >>"$HOME/said" ;;
esac
""",
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder with stand-ins of the programs that would reach a platform."""
    (tmp_path / "platform").mkdir()
    (tmp_path / "bin").mkdir()
    for name, text in STAND_INS.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (tmp_path / "bin" / name).chmod(0o755)
    return tmp_path


def release(home: Path, platform: str, verb: str, tag: str) -> subprocess.CompletedProcess[str]:
    """Let the hook deploy, or take back, a version."""
    path = f"{home}/bin:{os.environ['PATH']}"
    told = {"HOME": str(home), "PATH": path, "CREDENTIALS": "none", "IMAGES": "r/p", "TAG": tag, "TARGET": "there"}
    return hook(STACK, verb, PLATFORM=platform, **told)


def test_a_machine_goes_back_to_what_ran_before(home: Path) -> None:
    """By one step; what never came to be deployed takes nothing back, and the first version has none before it."""
    assert release(home, "compose", "deploy", "1").returncode == 0
    assert release(home, "compose", "rollback", "1").returncode == 1
    assert release(home, "compose", "deploy", "2").returncode == 0
    said = [release(home, "compose", "rollback", tag).stdout for tag in ("3", "2", "2")]
    assert ["nothing to take back" in each for each in said] == [True, False, True]
    ran = (home / "said").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in ran if " up -d " in line] == ["1", "2", "2", "1", "1"]
    assert all("api worker web" in line for line in ran if " pull " in line)


def test_a_cluster_goes_back_where_it_was_changed(home: Path) -> None:
    """A Deployment that still runs what it ran before would go back one too far."""
    assert release(home, "kubernetes", "deploy", "2").returncode == 0
    (home / "worker").write_text("r/p/backend:1\n", encoding="utf-8")  # to which the deployment did not come
    assert release(home, "kubernetes", "rollback", "2").returncode == 0
    said = (home / "said").read_text(encoding="utf-8").splitlines()
    assert [line for line in said if line.startswith("set")] == [
        f"set deployment/{n}" for n in ("api", "worker", "web")
    ]
    assert [line for line in said if "undo" in line] == ["rollout undo deployment/api", "rollout undo deployment/web"]
