"""What alerts and dashboards ask for: nobody notices one that asks for nothing, until it should have rung."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import httpx
import pytest

from seatrial.config import MetricsSettings
from seatrial.manifests import Document, Unreadable, metrics_exposed, metrics_named, read_documents, recorded
from seatrial.plugin import Defects, check, not_applicable


@pytest.fixture
def monitoring(metrics: MetricsSettings, tree: Path) -> Mapping[str, Path]:
    """Return the files with rules and dashboards by their names; ends the check where none are declared."""
    if not metrics.named_in:
        not_applicable("[metrics] named_in is not declared")
    for glob in metrics.named_in:
        assert any(tree.glob(glob)), f"[metrics] named_in: nothing is at {glob}"
    found = sorted({file for glob in metrics.named_in for file in tree.glob(glob)})
    return {str(file.relative_to(tree)): file for file in found}


@check(
    "health.metrics-named",
    title="alerts and dashboards ask for metrics that there are",
    severity="medium",
    presupposes=("health.metrics-exposed",),
)
def test_metrics_named(
    client: httpx.Client, metrics: MetricsSettings, monitoring: Mapping[str, Path], defects: Defects
) -> None:
    """Each metric in an expression of the files is exposed or announced, recorded by a rule, or one of `elsewhere`.

    An alert about a metric that was renamed never rings, and its panel stays empty: both look as if all were well.
    """
    documents = {name: read(name, file, defects) for name, file in monitoring.items()}
    known = metrics_exposed(client.get(metrics.path).text)
    known |= {name for found in documents.values() for document in found for name in recorded(document.value)}
    for file, found in documents.items():
        named = [each for document in found for each in metrics_named(document)]
        if found and not named:
            defects.add(f"{file} names no metric", cause=f"nothing-{file}", location=f"{file}:1")
        for name, line in named:
            if name not in known and not any(fnmatchcase(name, glob) for glob in metrics.elsewhere):
                what = f"there is no metric {name} at {metrics.path} ({file}:{line})"
                defects.add(what, cause=f"{name}-{file}", location=f"{file}:{line}")
    defects.none()


def read(name: str, file: Path, defects: Defects) -> Sequence[Document]:
    """Return the documents of a file; one that cannot be read is a defect."""
    try:
        return read_documents(file)
    except Unreadable as error:
        defects.add(f"{name} cannot be read: {error}", cause=f"unreadable-{name}", location=f"{name}:{error.line}")
        return ()
