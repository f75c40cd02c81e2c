"""Coverage of shards: what several runs recorded, each where it had the source, is one figure."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from coverage import CoverageData

from seatrial.config import CoverageSettings, MergeSettings
from seatrial.core import Evidence, Outcome
from seatrial.cover import Collector
from seatrial.cover.recorded import unite

MAIN = """def f(x):
    if x:
        return 1
    return 2


def g():
    return 3
"""
SETTINGS = CoverageSettings(services=("api",), source="svc", packages=("app",))
TRUE, FALSE = {(-1, 1), (1, 7), (7, -1), (-1, 2), (2, 3), (3, -1)}, {(-1, 1), (1, 7), (7, -1), (-1, 2), (2, 4), (4, -1)}


def shard(root: Path, arcs: set[tuple[int, int]]) -> tuple[Path, Evidence]:
    """Return the coverage folder of a run on a machine of its own, and what it measured."""
    source(root)
    data = root / "share" / "data"
    data.mkdir(parents=True)
    with closing(CoverageData(str(data / ".coverage.api.host.1.x"))) as recorded:
        recorded.set_context(root.name)
        recorded.add_arcs({"/app/app/main.py": arcs})
    return root / "out", Collector(SETTINGS, root=root).collect(root / "share", out=root / "out")


def source(root: Path) -> Path:
    """Check the source out."""
    (root / "svc" / "app").mkdir(parents=True)
    (root / "svc" / "app" / "main.py").write_text(MAIN)
    return root


def figures(evidence: Evidence) -> dict[str, float]:
    """Return lines and branches in percent."""
    return {found.name: found.value for found in evidence.measurements}


def test_lines_and_branches_are_those_of_any_shard(tmp_path: Path) -> None:
    """Two of three branches' ends on two machines are all on both; who reached a line is still known."""
    one, alone = shard(tmp_path / "one", TRUE)
    two, _ = shard(tmp_path / "two", FALSE)
    assert figures(alone) == {"coverage.total": pytest.approx(100 * 4 / 6), "coverage.branches": 50.0}
    here = source(tmp_path / "here")
    found = unite({"shard 1/2": one, "shard 2/2": two}, SETTINGS, root=here, out=here / "out")
    assert figures(found) == {"coverage.total": pytest.approx(100 * 5 / 6), "coverage.branches": 100.0}
    assert [result.outcome for result in found.results] == [Outcome.PASSED] * 2, found.results
    told = (here / "out" / "attribution.json").read_text()
    assert '"3":["one"],"4":["two"]' in told
    assert 'filename="svc/app/main.py"' in (here / "out" / "coverage.xml").read_text()


def test_a_shard_without_its_data_leaves_no_figure(tmp_path: Path) -> None:
    """An upload that leaves hidden files out is told, by the shard's name; it is not what nobody executed."""
    one, _ = shard(tmp_path / "one", TRUE)
    two, _ = shard(tmp_path / "two", FALSE)
    (two / ".coverage").unlink()
    here = source(tmp_path / "here")
    found = unite({"shard 1/2": one, "shard 2/2": two}, SETTINGS, root=here, out=here / "out")
    assert figures(found) == {}
    assert found.results[0].outcome is Outcome.INCONCLUSIVE
    assert "shard 2/2: 1 data files cannot be read (.coverage: " in found.results[0].reason


def test_data_of_other_tools_is_merged_where_shards_are(tmp_path: Path) -> None:
    """Without any service measured, it is all that there is."""
    here = source(tmp_path)
    (here / "lcov.info").write_text("SF:svc/app/main.py\nDA:1,1\nDA:2,1\nend_of_record\n")
    merge = MergeSettings(files=("lcov.info",), component="unit", source="svc")
    settings = CoverageSettings(services=(), source="svc", packages=("app",), merge=(merge,))
    found = unite({}, settings, root=here, out=here / "out")
    assert figures(found)["coverage.components.unit"] == pytest.approx(100 * 2 / 6)
