"""What a caller asks of a run."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from seatrial.config import SMOKE, Profile, RunProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of one run; everything else stands in `seatrial.toml`.

    `seed` None means a random one; `timeout_s` None means no limit; `command` is what the user typed, `config` the
    configuration that he named, if not the nearest. `document` is what the contract is read from, if not from where the
    settings say; `operations` are the labels of what is fuzzed, if that is not all. A `proof` is all that is wanted:
    without `deep`, it disturbs no service. So is a `load`: of these `scenarios` (none are all), or in their place of
    `paths`, of `operations` of the `contract`, or of the recording `har` (of which host, if of several: `har_host`),
    with `writes` or without; at another rate, for another time or by another number of `processes` than they declare,
    if one is given. Of `workers` elsewhere, that many send it together; their master listens at `bind` and waits for
    them for `wait_s`. With `ui`, Locust's web page is beside it. `patch_base` stands in for that of the settings.
    To `cover` means to measure the services whatever suites run.
    As number `shard` of the parts (from 1; 0: none) into which the `asked` suites are divided by `shares`, `only` are
    those of its own.
    """

    stack: str = "auto"
    profile: RunProfile = "quick"
    only: tuple[str, ...] = ()
    shard: int = 0
    shares: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    fault: str = ""
    out: str = ""
    seed: int | None = None
    keep: bool = False
    deep: bool = False
    proof: bool = False
    load: bool = False
    scenarios: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    contract: bool = False
    har: str = ""
    har_host: str = ""
    writes: bool = False
    rate_per_s: float | None = None
    duration_s: float | None = None
    processes: int | None = None
    workers: int | None = None
    bind: str = ""
    wait_s: float | None = None
    ui: bool = False
    cover: bool = False
    timeout_s: float | None = None
    allow_target: str = ""
    address_pool: str = ""
    command: str = ""
    config: str = ""
    document: str = ""
    operations: tuple[str, ...] = ()
    patch_base: str = ""

    @property
    def smoke(self) -> bool:
        """Return whether nothing may be sent that could change something."""
        return self.profile == SMOKE

    @property
    def depth(self) -> Profile:
        """Return how deep instruments look: those of a smoke run do not go by it."""
        return "full" if self.profile == "full" else "quick"

    @property
    def disturbs(self) -> bool:
        """Return whether services that a limit needs may be stopped beside its proof: else that is `deep`."""
        return not self.proof

    def repeat(self, *, seed: int, driver: str) -> str:
        """Return the one line that repeats this run."""
        words = self._of_load(driver, seed) if self.load else self._of_suites(driver, seed)
        words += [f"--fault {self.fault}"] if self.fault else []
        words += ["--deep"] if self.deep else []
        words += [f"--address-pool {self.address_pool}"] if self.address_pool else []
        words += [f"--allow-target {shlex.quote(self.allow_target)}"] if self.allow_target else []
        words += [f"--patch-base {shlex.quote(self.patch_base)}"] if self.patch_base else []
        words += [f"--config {shlex.quote(self.config)}"] if self.config else []
        return " ".join(words)

    def _of_suites(self, driver: str, seed: int) -> list[str]:
        contract = bool(self.document or self.operations)
        words = ["seatrial contract" if contract else "seatrial run"]
        words += [shlex.quote(self.document)] if self.document else []
        words += [f"--stack {driver}", f"--profile {self.profile}", f"--seed {seed}"]
        return [*words, *(f"--only {shlex.quote(name)}" for name in (self.operations if contract else self.only))]

    def _of_load(self, driver: str, seed: int) -> list[str]:
        words = [f"seatrial load {self.profile} --stack {driver} --seed {seed}"]
        words += [f"--scenario {name}" for name in self.scenarios]
        words += [f"--path {shlex.quote(path)}" for path in self.paths]
        words += ["--contract"] if self.contract else []
        words += [f"--har {shlex.quote(self.har)}"] if self.har else []
        words += [f"--har-host {shlex.quote(self.har_host)}"] if self.har_host else []
        words += [f"--only {shlex.quote(label)}" for label in self.operations]
        words += ["--writes"] if self.writes else []
        words += [f"--rate {_plain(self.rate_per_s)}/s"] if self.rate_per_s else []
        words += [f"--duration {_plain(self.duration_s)}s"] if self.duration_s else []
        words += [f"--workers {self.workers} --bind {self.bind}"] if self.workers else []
        words += [f"--wait {_plain(self.wait_s)}s"] if self.wait_s else []
        return [*words, *([f"--processes {self.processes}"] if self.processes else [])]

    def to_json(self) -> str:
        """Return the options as JSON, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Options:
        """Return the options that `to_json` wrote."""
        data: dict[str, Any] = json.loads(text)
        data |= {name: tuple(value) for name, value in data.items() if isinstance(value, list)}
        return cls(**data)


def _plain(number: float) -> str:
    """Return all digits of a number, and no exponent."""
    return f"{Decimal(repr(number)).normalize():f}"


def resolve_out(out: str, root: Path, run: str) -> Path:
    """Return the directory of a run: `--out`, or a new one under `.seatrial/runs`."""
    return Path(out).resolve() if out else root / ".seatrial" / "runs" / run
