"""axe, by which pages are held against WCAG: fetched once from the registry that npm knows, and known by its sum."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from seatrial.browse._chromium import Unavailable
from seatrial.browse._tab import Tab

VERSION = "4.14.1"
SUM = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
PATIENCE_S = 60.0
HASTE = ("--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
# What it runs: WCAG 2.2, A and AA, and what it calls best practices. By itself it leaves out how large a target is.
RULES = "{rules: {'target-size': {enabled: true}}}"
RUN = f"axe.run({RULES}).then(r => JSON.stringify(r.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html)])))"


@dataclass(frozen=True, slots=True)
class Axe:
    """The source of axe."""

    source: str

    def violations(self, tab: Tab) -> tuple[tuple[str, str], ...]:
        """Return each rule that the page breaks, with what is wrong and where."""
        tab.value(f"{self.source}; 1")
        found = json.loads(tab.value(RUN))
        return tuple((rule, f"{wrong}: {' '.join(places[:3])}") for rule, wrong, places in found)


def fetch_axe(cache: Path) -> Axe:
    """Return axe from the cache, fetched when it is the first time; raises Unavailable."""
    file = cache / f"axe-{VERSION}.min.js"
    if not file.exists() or sha256(file.read_bytes()).hexdigest() != SUM:
        _fetch(file)
    return Axe(file.read_text(encoding="utf-8"))


def _fetch(file: Path) -> None:
    npm = shutil.which("npm")
    if not npm:
        raise Unavailable(f"there is no npm on this machine to fetch axe-core {VERSION} with")
    # In the cache itself: what is whole takes its name in one step, also where two runs fetch it at once.
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        command = [npm, "pack", f"axe-core@{VERSION}", "--silent", *HASTE, "--pack-destination", folder]
        try:
            subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=True
            )
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                source = archive.extractfile("package/axe.min.js")
                content = source.read() if source else b""
        except (OSError, subprocess.SubprocessError, StopIteration, tarfile.TarError, KeyError) as error:
            raise Unavailable(f"npm cannot fetch axe-core {VERSION}: see that its registry can be reached") from error
        if sha256(content).hexdigest() != SUM:
            raise Unavailable(f"what npm fetched as axe-core {VERSION} is something else")
        part = Path(folder, file.name)
        part.write_bytes(content)
        part.replace(file)
