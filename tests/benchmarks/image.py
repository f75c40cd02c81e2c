"""Print how long the API image of the reference stack takes to build, and how large it is above its base.

    python tests/benchmarks/image.py [--times 3]

From nothing means without any cached layer (the base image is there); after a change means that a line of Python was
added. The goals: under 2 minutes from nothing, 10 s after a change, and under 250 MB above the base.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

STACK = Path(__file__).parents[2] / "fixtures" / "stack"
BASE, TAG = "python:3.13-slim", "seatrial-benchmark-image"


def timed(*command: str) -> float:
    """Run a command and return how long it took, in seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def size(image: str) -> int:
    """Return the size of an image in bytes."""
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def show(name: str, seconds: Sequence[float]) -> None:
    """Print one figure in seconds."""
    spread = f"min {min(seconds):6.2f}  median {statistics.median(seconds):6.2f}  max {max(seconds):6.2f}"
    print(f"{name:<28} {spread}  n={len(seconds)}")


def changed(tree: Path) -> None:
    """Change a line of Python."""
    with (tree / "app" / "main.py").open("a", encoding="utf-8") as file:
        file.write(f"\n# changed at {time.time_ns()}\n")


def measure(tree: Path, times: int) -> None:
    """Build as often as asked for, and print the figures."""
    build = ("docker", "build", "--quiet", "--tag", TAG, str(tree))
    nothing, change = [], []
    for _ in range(times):
        nothing.append(timed(*build, "--no-cache"))
        changed(tree)
        change.append(timed(*build))
    show("from nothing, s", nothing)
    show("after a change of Python, s", change)
    print(f"{'above its base, MB':<28} {(size(TAG) - size(BASE)) / 1e6:.1f}")


def main() -> None:
    """Measure on a copy of the folder, and remove the image."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seatrial-image-") as folder:
        tree = Path(folder) / "stack"
        shutil.copytree(STACK, tree, ignore=shutil.ignore_patterns("__pycache__", ".venv*"))
        try:
            measure(tree, chosen.times)
        finally:
            subprocess.run(["docker", "rmi", "--force", TAG], check=True, capture_output=True)


if __name__ == "__main__":
    main()
