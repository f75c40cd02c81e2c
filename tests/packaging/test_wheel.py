"""The wheel holds exactly what is tracked, is built through the sdist, and works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTENT = ("suites", "load", "contracts", "fixtures", "reports")


def tracked(*folders: str) -> set[str]:
    """Return what git tracks below these folders and is still there."""
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    return {name for name in listed if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)], check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_wheel_is_what_is_tracked(wheel: Path) -> None:
    """Every tracked file of the engine and of the five content folders is in the wheel, and nothing else is."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    engine = {name.removeprefix("src/") for name in tracked("src")}
    content = {f"seatrial/_content/{name}" for name in tracked(*CONTENT)}
    assert names == engine | content


def test_installed_wheel_works_alone(wheel: Path, tmp_path: Path) -> None:
    """Installed elsewhere, the command finds its suites and faults in the wheel."""
    place = tmp_path / "a place with a space"
    venv.create(place, with_pip=False, symlinks=True, system_site_packages=False)
    site = next(place.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # The dependencies are this environment's; the package itself must come from the wheel.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(dependencies))
    done = subprocess.run(
        [str(place / "bin" / "python"), "-m", "seatrial", "checks", "explain", "ratelimit.isolation"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "proved by    ratelimit-shared-bucket" in done.stdout
    where = subprocess.run(
        [str(place / "bin" / "python"), "-c", "import seatrial; print(seatrial.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(site) in where
