"""Renew contracts/openapi.json from what the reference stack serves: `make renew-contract`, after a new route."""

from __future__ import annotations

import tempfile
from pathlib import Path

from seatrial.campaign import Options, Stacks, open_run
from seatrial.config import load_settings
from seatrial.openapi import canonical, served_document

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Start the stack as local processes, take its document, and stop it."""
    settings = load_settings(ROOT / "seatrial.toml")
    assert settings.contract
    with tempfile.TemporaryDirectory() as folder:
        run = open_run(settings, Options(stack="local", out=folder, seed=1))
        stacks = Stacks(run, collector=None)
        try:
            document = served_document(settings, stacks.get("clean").url())
        finally:
            stacks.stop_all()
            run.close()
    (ROOT / "contracts" / "openapi.json").write_text(canonical(document), encoding="utf-8")


if __name__ == "__main__":
    main()
