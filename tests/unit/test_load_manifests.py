"""The manifests for the operator of the Locust project: as its own definition says, and what they would run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from seatrial.cli._load import load_command, send_command
from seatrial.cli._worker import worker_command

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "load" / "distributed"
STUB = '#!/bin/sh\nexec python3 -c "import json, sys; print(json.dumps(sys.argv[1:]))" "$@"\n'
HOST = "seatrial-load-master.default.svc"


def read(name: str) -> Any:
    """Return what a manifest holds."""
    return yaml.safe_load((FOLDER / "kubernetes" / name).read_text(encoding="utf-8"))


def definition() -> Any:
    """Return what the operator's definition says of this kind, closed: a cluster drops what it does not know."""
    crd = yaml.safe_load((ROOT / "tests" / "schemas" / "locusttest-crd.yaml").read_text(encoding="utf-8"))
    found = crd["spec"]
    (version,) = found["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"] |= {name: {} for name in ("apiVersion", "kind", "metadata")}
    close(schema)
    return {"group": f"{found['group']}/{version['name']}", "kind": found["names"]["kind"], "schema": schema}


def close(schema: Any) -> None:
    """Refuse properties that an object does not name."""
    if isinstance(schema, dict):
        if "properties" in schema and isinstance(schema["properties"], dict):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)


def test_the_test_is_one_of_the_operators() -> None:
    """Group, version, kind and every field are known, and of the right type."""
    manifest, known = read("locusttest.yaml"), definition()
    assert (manifest["apiVersion"], manifest["kind"]) == (known["group"], known["kind"])
    jsonschema.Draft202012Validator(known["schema"]).validate(manifest)


@pytest.mark.parametrize("spoilt", [{"worker": 3}, {"workers": 0}, {"locustfile": {"file": "x"}}, {"args": ["a"]}])
def test_what_the_operator_does_not_know_is_refused(spoilt: dict[str, Any]) -> None:
    """The definition as it is used here would have found that."""
    manifest = read("locusttest.yaml")
    manifest["spec"] |= spoilt
    assert not jsonschema.Draft202012Validator(definition()["schema"]).is_valid(manifest)


def test_the_files_are_those_of_the_test() -> None:
    """The one has the other's name, and both the same number of workers and the same target."""
    spec, files = read("locusttest.yaml")["spec"], read("configmap.yaml")
    assert spec["locustfile"]["configMap"]["name"] == files["metadata"]["name"]
    url, *words = shlex.split(spec["args"])
    assert words[words.index("--workers") + 1] == str(spec["workers"])
    environment = {one["name"]: one["value"] for one in spec["env"]}
    assert url == f"http://{environment['SEATRIAL_ALLOW_TARGET']}"


def words_of(role: Sequence[str], tmp_path: Path) -> list[str]:
    """Return what the image runs for the operator's words: these, and then `args`."""
    spec = read("locusttest.yaml")["spec"]
    stub = tmp_path / "bin" / "seatrial"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    environment = {**os.environ, **{one["name"]: one["value"] for one in spec["env"]}}
    done = subprocess.run(
        [FOLDER / "entrypoint.sh", *role, *shlex.split(spec["args"])], check=True, capture_output=True, text=True,
        env={**environment, "PATH": f"{stub.parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_master_is_a_load_that_could_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's words for a master end in a command that plans the load of the mounted files."""
    load, *words = words_of(["--master"], tmp_path)
    assert load == "load"
    assert words[words.index("--bind") + 1] == "0.0.0.0:5557"
    for name, text in read("configmap.yaml")["data"].items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    assert send_command.main(["--plan", *words], standalone_mode=False) == 0


def test_a_worker_connects_to_the_operators_service(tmp_path: Path) -> None:
    """The operator's words for a worker end in one of ours, whatever else is for the master."""
    load, worker, *words = words_of(["--worker", "--master-host", HOST], tmp_path)
    assert (load, load_command.commands[worker]) == ("load", worker_command)
    given = worker_command.make_context(worker, words).params
    assert (given["master"], given["wait_s"], given["allow_target"]) == (HOST, 300, "api:8000")
