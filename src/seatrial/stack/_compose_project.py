"""Testcontainers' DockerCompose with the repairs that a harness needs.

A project name for each run (two stacks of one folder must not share containers), an environment handed to compose
alone, output kept for the message when a command fails, and no waiting of its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from testcontainers.compose import DockerCompose

from seatrial.core import EnvironmentFailure

SHOWN = 20


class CommandFailed(Exception):
    """A compose command ended with an error; its output is the message."""


@dataclass
class Project(DockerCompose):
    """One compose project, known by its name."""

    name: str = ""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 600.0

    @cached_property
    def compose_command_property(self) -> list[str]:
        """Return the beginning of every command, with the project's name and folder."""
        command: list[str] = [*super().compose_command_property, "--project-name", self.name]
        return [*command, "--project-directory", str(self.context)] if self.compose_file_name else command

    def _run_command(self, cmd: str | list[str], context: str | None = None) -> Any:
        """Run a command of compose; replaces one that knows neither an environment nor a time limit."""
        words = cmd.split() if isinstance(cmd, str) else cmd
        done = subprocess.run(
            words,
            cwd=context or self.context,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=self.timeout_s,
            check=False,
        )
        if done.returncode:
            raise CommandFailed(done.stderr.decode(errors="replace").strip() or f"exit code {done.returncode}")
        return done

    def build_images(self, services: Sequence[str]) -> None:
        """Build what has to be built; raises EnvironmentFailure with the end of the builder's output."""
        try:
            self._run_command([*self.compose_command_property, "--progress", "plain", "build", *services])
        except CommandFailed as error:
            raise EnvironmentFailure(
                "cannot build an image",
                slug="compose-build-failed",
                where=", ".join(services),
                remedy="mend the Dockerfile, or see that what it fetches can be reached",
                details="\n".join(str(error).splitlines()[-SHOWN:]),
            ) from error

    def pull_image(self, service: str) -> None:
        """Fetch the image of a service; raises CommandFailed."""
        self._run_command([*self.compose_command_property, "pull", "--quiet", service])

    def remove(self, *, kill: bool) -> None:
        """Stop (or kill) and remove everything of this project; needs no compose file."""
        command = ["docker", "compose", "--project-name", self.name]
        if kill:
            subprocess.run([*command, "kill"], env=dict(self.environment), capture_output=True, check=False)
        down = [*command, "down", "--volumes", "--remove-orphans"]
        subprocess.run(down, env=dict(self.environment), capture_output=True, check=False, cwd=Path("/"))
