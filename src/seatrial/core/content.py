"""Where the five content folders are: inside the wheel, or in the checkout."""

from __future__ import annotations

from pathlib import Path

from seatrial.core.errors import EnvironmentFailure

FOLDERS = ("suites", "load", "contracts", "fixtures", "reports")


def content(folder: str) -> Path:
    """Return one of the content folders; raises EnvironmentFailure when the installation lacks it."""
    package = Path(__file__).resolve().parents[1]
    for place in (package / "_content" / folder, package.parents[1] / folder):
        if place.is_dir():
            return place
    raise EnvironmentFailure(
        f"this installation has no {folder}/",
        slug="content-missing",
        where=str(package / "_content" / folder),
        remedy="install seatrial again",
    )
