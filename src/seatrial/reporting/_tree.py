"""The coverage tree, from coverage/components.json: components, their files, and who reached which lines of these.

found --tree_of--> branches (a component each) and leaves (a file in one of them), what needs a look first
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial.reporting._addresses import address

FUZZER = "contract"
TOTAL = "total"
WHOLE, REST = "every file", "(in no component)"


def tree_of(found: Mapping[str, Any], doubted: Sequence[str]) -> dict[str, Any]:
    """Return what stands in the tree; `doubted` are components with a rule that does not hold, which are unfolded.

    Leaves stand so that each component has its first ones shown before any has all: in one component, the files with
    the most lines that no request reached come first, then those with the most lines that one suite alone reached.
    """
    files = _files(found)
    branches = [_branch(row, files[name], name in doubted) for name, row in _rows(found, files).items()]
    leaves = [leaf for branch in branches for leaf in _leaves(branch["name"], files[branch["name"]])]
    leaves.sort(key=lambda leaf: leaf["rank"])
    return {"branches": branches, "leaves": leaves}


def _files(found: Mapping[str, Any]) -> defaultdict[str, list[Mapping[str, Any]]]:
    """Return the files of each branch; one that is in several components stands in each."""
    files: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    files[TOTAL] = found["files"]
    for file in found["files"]:
        for name in file["components"] or [REST]:
            files[name].append(file)
    return files


def _rows(found: Mapping[str, Any], files: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    """Return figures by branch: of components, and of what is in none; of all as one where there are none."""
    rows = {row["name"]: row for row in found["components"]}
    if set(rows) <= {TOTAL}:
        return rows
    rows.pop(TOTAL, None)
    return {**rows, REST: {"name": REST, **_sums(files[REST])}} if REST in files else rows


def _sums(files: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {key: sum(file[key] for file in files) for key in ("lines", "covered", "unreached")}


def _branch(row: Mapping[str, Any], files: Sequence[Mapping[str, Any]], is_open: bool) -> dict[str, Any]:
    name = row["name"]
    return {
        "name": name,
        "title": WHOLE if name == TOTAL else name,
        "address": address("coverage", name),
        "lines": row["lines"],
        "share": percent(row["covered"], row["lines"]),
        "unreached": row["unreached"],
        "files": len(files),
        "open": is_open,
    }


def _leaves(branch: str, files: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the files of a branch, the most interesting first."""
    for rank, file in enumerate(sorted(files, key=_dull)):
        yield {"rank": rank, "branch": branch, **_leaf(file, branch)}


def _dull(file: Mapping[str, Any]) -> tuple[int, int, str]:
    return -file["unreached"], -sum(file["only"].values()), file["file"]


def _leaf(file: Mapping[str, Any], branch: str) -> dict[str, Any]:
    where = file["where"]
    return {
        "file": file["file"],
        "address": address("coverage", f"{branch}\n{file['file']}"),
        "lines": file["lines"],
        "share": percent(file["covered"], file["lines"]),
        "by": [(called(suite), percent(count, file["lines"])) for suite, count in most_first(file["suites"])],
        "alone": [(called(suite), count, where["only"].get(suite, "")) for suite, count in most_first(file["only"])],
        "unreached": file["unreached"],
        "unreached_lines": where["unreached"],
        "others": [name for name in file["components"] if name != branch],
    }


def percent(count: int, lines: int) -> float | None:
    """Return a share, None of nothing."""
    return 100 * count / lines if lines else None


def most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return what is not 0, the most first."""
    return sorted(((name, count) for name, count in counts.items() if count), key=lambda pair: (-pair[1], pair[0]))


def called(suite: str) -> str:
    """Return what a reader calls whoever reached a line."""
    return "the fuzzer (contract)" if suite == FUZZER else suite
