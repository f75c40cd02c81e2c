"""What others published about the formats that we write: schemas, documented fields, and limits of those who read."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
from lxml import etree

SCHEMAS = Path(__file__).parents[1] / "schemas"
GITHUB_RESULTS = 25_000
GITHUB_TAGS = 20
"""Of one rule; GitHub refuses the whole file of one that has more, as it does of more results than that."""
GITLAB_SEVERITIES = {"info", "minor", "major", "critical", "blocker"}
CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": sorted(GITLAB_SEVERITIES)},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!\./|/)"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""What GitLab documents of `artifacts:reports:codequality`: paths are relative, and do not begin with `./`."""


def check_junit(text: str) -> None:
    """Raise where Jenkins' schema refuses a JUnit file."""
    _junit().assertValid(etree.fromstring(text.encode()))


@functools.cache
def _junit() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))


def check_cobertura(text: str) -> None:
    """Raise where the document type of Cobertura refuses a coverage file."""
    with (SCHEMAS / "coverage-04.dtd").open("rb") as file:
        etree.DTD(file).assertValid(etree.fromstring(text.encode()))


def check_sarif(text: str) -> None:
    """Raise where the schema of SARIF or code scanning of GitHub refuses a file."""
    told = json.loads(text)
    _sarif().validate(told)
    for run in told["runs"]:
        rules = run["tool"]["driver"]["rules"]
        assert len(run["results"]) <= GITHUB_RESULTS
        assert all(len(rule["properties"]["tags"]) <= GITHUB_TAGS for rule in rules)
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            (place,) = (location["physicalLocation"] for location in result["locations"])
            assert place["artifactLocation"]["uri"]
            assert place["region"]["startLine"] >= 1
            assert result["partialFingerprints"]["primaryLocationLineHash"]


@functools.cache
def _sarif() -> jsonschema_rs.Draft4Validator:
    return jsonschema_rs.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()))


def check_codequality(text: str) -> None:
    """Raise where a file is no code quality report as GitLab documents it."""
    issues = json.loads(text)
    jsonschema_rs.Draft202012Validator(CODE_QUALITY).validate(issues)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


def check_har(text: str) -> None:
    """Raise where the schema of HAR 1.2 refuses a recording."""
    _har().validate(json.loads(text))


@functools.cache
def _har() -> jsonschema_rs.Draft6Validator:
    parts = {path.name: json.loads(path.read_text()) for path in (SCHEMAS / "har-1.2").glob("*.json")}
    registry = jsonschema_rs.Registry([(f"har:/{name}", part) for name, part in parts.items()])
    return jsonschema_rs.Draft6Validator({"$ref": "har:/har.json"}, registry=registry)


RECORDS = {
    "TN": r".*", "SF": r".+", "FN": r"\d+(,\d+)?,.+", "FNDA": r"\d+,.+", "FNF": r"\d+", "FNH": r"\d+",
    "BRDA": r"\d+,\d+,[^,]+,(-|\d+)", "BRF": r"\d+", "BRH": r"\d+", "DA": r"\d+,\d+(,\S+)?", "LF": r"\d+", "LH": r"\d+",
}  # fmt: skip
"""The records of a tracefile, as geninfo(1) has them."""


def read_lcov(text: str) -> dict[str, dict[int, int]]:
    """Return how often each line of each file ran; raises where a record is none of geninfo's, or a sum is wrong."""
    return {name: lines for name, lines in map(_file, text.split("end_of_record\n")) if name}


def _file(section: str) -> tuple[str, dict[int, int]]:
    pairs = [line.partition(":")[::2] for line in section.splitlines()]
    for name, value in pairs:
        assert re.fullmatch(RECORDS[name], value), f"{name}:{value}"
    told = dict(pairs)
    lines = {int(number): int(hits) for number, hits in (v.split(",")[:2] for n, v in pairs if n == "DA")}
    taken = [value.rpartition(",")[2] for name, value in pairs if name == "BRDA"]
    assert int(told.get("LF", len(lines))) == len(lines)
    assert int(told.get("LH", 0)) == sum(hits > 0 for hits in lines.values())
    assert int(told.get("BRF", 0)) == len(taken)
    assert int(told.get("BRH", 0)) == sum(hits not in {"-", "0"} for hits in taken)
    return told.get("SF", ""), lines


def read_cobertura(text: str) -> Iterator[tuple[str, dict[int, int]]]:
    """Yield each file of a coverage file with how often each of its lines ran."""
    for file in etree.fromstring(text.encode()).iter("class"):
        yield (
            str(file.get("filename")),
            {int(at.get("number", "")): int(at.get("hits", "")) for at in file.iter("line")},
        )
