"""Modules that are in no package, loaded by their path: suites as pytest loads them, and scripts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from seatrial.core import content
from seatrial.plugin._checks import MARK


def load_script(path: Path) -> ModuleType:
    """Return a script's module; its folder is part of its name, as tests may be called like suites."""
    name = f"{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_suite(config: pytest.Config, name: str) -> ModuleType:
    """Return the module `test_<name>` of the shipped suites; its checks are marked as the plugin would."""
    config.addinivalue_line("markers", f"{MARK}: a check, as the plugin says")
    return load_script(content("suites") / f"test_{name}.py")
