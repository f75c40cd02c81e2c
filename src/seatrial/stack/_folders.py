"""Where a run keeps its short-lived files, and where runs share what is expensive to make."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from seatrial.core import EnvironmentFailure
from seatrial.stack._inside.reaper import boot, process_facts

OWNER_FILE = "owner.json"
KEEP_FILE = "keep"
# A Unix socket's path ends at 108 bytes (104 on macOS); the longest name below the folder takes 40.
LONGEST_PARENT = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who made a work folder: `started` and `boot` tell a living harness from another process with its number."""

    run: str
    pid: int
    started: int
    boot: str

    @property
    def alive(self) -> bool:
        """Return whether that harness still runs."""
        facts = process_facts(self.pid)
        return facts is not None and facts.state not in "ZX" and (facts.started, boot()) == (self.started, self.boot)


def work_parent() -> Path:
    """Return the folder of this user's work folders; raises EnvironmentFailure when it is not ours alone."""
    temporary = Path(tempfile.gettempdir())
    place = temporary if len(str(temporary)) <= LONGEST_PARENT else Path("/tmp")  # noqa: S108 - checked to be ours
    parent = place / f"seatrial-{os.getuid()}"
    _make(parent)
    facts = parent.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        raise EnvironmentFailure(
            "the work folder is not ours alone",
            slug="work-folder-unsafe",
            where=str(parent),
            remedy="remove it (somebody else made it, or may write to it), or set TMPDIR to a folder of your own",
        )
    return parent


def work_folder(run: str) -> Path:
    """Return the short-lived folder of a run, made with a mark of its owner; others may pass through but not list it.

    Services of another user (PostgreSQL, containers) reach what lies below by its full path.
    """
    folder = work_parent() / sha256(run.encode()).hexdigest()[:8]
    _make(folder)
    facts = process_facts(os.getpid())
    owner = {"run": run, "pid": os.getpid(), "started": facts.started if facts else 0, "boot": boot()}
    try:
        with (folder / OWNER_FILE).open("x") as file:
            json.dump(owner, file)
    except FileExistsError:
        pass
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def read_owner(folder: Path) -> Owner | None:
    """Return who made a work folder; None when it has no readable mark."""
    try:
        return Owner(**json.loads((folder / OWNER_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def private(path: str, flags: int) -> int:
    """Open a file that only its owner may read."""
    return os.open(path, flags, 0o600)


def folders_of(pid: int) -> list[Path]:
    """Return the work folders of the living harness with this process number."""
    owners = ((folder, read_owner(folder)) for folder in work_parent().iterdir())
    return [folder for folder, owner in owners if owner and owner.pid == pid and owner.alive]


def cache_root() -> Path:
    """Return the folder of what runs share: `SEATRIAL_CACHE`, /var/cache for root, else the user's cache folder.

    Root's home is closed to the unprivileged user that PostgreSQL runs as.
    """
    chosen = os.environ.get("SEATRIAL_CACHE")
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatrial"
    root = Path(chosen) if chosen else Path("/var/cache/seatrial") if os.getuid() == 0 else user
    _make(root.absolute(), mode=0o755)
    return root.absolute()


def _make(folder: Path, *, mode: int = 0o711) -> None:
    try:
        folder.mkdir(parents=True)
        folder.chmod(mode)
    except FileExistsError:
        return
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"cannot write: {error.strerror}",
        slug="folder-unwritable",
        where=str(folder),
        remedy="free some space, or set TMPDIR (work folders) or SEATRIAL_CACHE (cache) to a folder you may write to",
    )
