"""Installs a seeded fault in a service's interpreter once the module that holds its application is imported.

SEATRIAL_FAULT is the fault's file, SEATRIAL_APPLICATION is `module:attribute`. The attribute is a Celery application,
an ASGI application, or a function that returns one. Standard library only, Python 3.8 syntax; run by sitecustomize.
A fault that cannot be installed ends the process with code 70: a service that runs without its defect would prove
nothing. `python -m module` does not import `module`, so that no fault gets into it that way.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import os
import sys
import traceback
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Sequence  # noqa: UP035 - Python 3.8 cannot subscript collections.abc

NOT_INSTALLED = 70


class Finder:
    """Let the others find the awaited module, and act when it has been executed."""

    def __init__(self, module: str, attribute: str, fault: str) -> None:
        self.module = module
        self.attribute = attribute
        self.fault = fault

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the others' spec of the awaited module, with a loader that tells us."""
        if name != self.module:
            return None
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find(name, path, target) if find else None
            if spec is not None:
                self.watch(spec)
                return spec
        return None

    def watch(self, spec: ModuleSpec) -> None:
        """Replace the loader's `exec_module` on this one instance: whoever looks at the loader sees the original."""
        loader: Any = spec.loader
        original = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            original(module)
            self.arrived(module)

        loader.exec_module = exec_module

    def arrived(self, module: ModuleType) -> None:
        """Install the fault, or in what a factory will make."""
        try:
            *parents, last = self.attribute.split(".")
            owner = functools.reduce(getattr, parents, module)
            value = getattr(owner, last)
            if is_factory(value):
                setattr(owner, last, self.wrapped(value))
            else:
                self.install(value)
        except BaseException:
            give_up()

    def wrapped(self, factory: Any) -> Any:
        """Return a factory whose product carries the fault."""

        @functools.wraps(factory)
        def make(*arguments: Any, **named: Any) -> Any:
            product = factory(*arguments, **named)
            try:
                self.install(product)
            except BaseException:
                give_up()
            return product

        return make

    def install(self, application: Any) -> None:
        """Apply what the fault has for this role; nothing when it has none."""
        role = "worker" if hasattr(application, "conf") and hasattr(application, "task") else "api"
        # Faults share helpers that lie beside them.
        sys.path.insert(0, str(Path(self.fault).parent))
        try:
            install = getattr(load(self.fault), f"install_{role}", None)
            if install is not None:
                install(application)
        finally:
            sys.path.remove(str(Path(self.fault).parent))


def is_factory(value: Any) -> bool:
    """Return whether a value has to be called to get the application."""
    return isinstance(value, (FunctionType, functools.partial)) or inspect.ismethod(value) or inspect.isclass(value)


def load(path: str) -> ModuleType:
    """Return the fault as a module."""
    spec = importlib.util.spec_from_file_location("seatrial_fault", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def give_up() -> None:
    """End the process: frameworks would catch an exception and go on."""
    traceback.print_exc()
    sys.stderr.write("seatrial: the fault could not be installed\n")
    sys.stderr.flush()
    os._exit(NOT_INSTALLED)


def wait() -> None:
    """Put the finder in front of all others."""
    module, _, attribute = os.environ["SEATRIAL_APPLICATION"].partition(":")
    if module in sys.modules:
        raise SystemExit(f"{module} was imported before the fault could be installed")
    sys.meta_path.insert(0, Finder(module, attribute, os.environ["SEATRIAL_FAULT"]))


if __name__ == "seatrial_hook" and not globals().get("PROBE"):
    wait()
