"""The Stack protocol and its drivers: compose (Testcontainers), local (processes), remote (a URL)."""

from seatrial.stack._abilities import lacks
from seatrial.stack._base import (
    Ability,
    Completed,
    ServiceAddition,
    ServiceState,
    Stack,
    StackPlan,
    Usage,
    Variant,
    Verb,
)
from seatrial.stack._choose import Choice, attach, check_engine, choose_driver, open_stack, require_embedded
from seatrial.stack._code import read_by_code
from seatrial.stack._compose_model import (
    Model,
    compose_model,
    dockerfile_of,
    handed_over,
    image_name,
    read_compose,
    service_lines,
)
from seatrial.stack._engine_host import check_kept, engine_target
from seatrial.stack._environments import ensure_environment
from seatrial.stack._folders import cache_root, folders_of, work_folder
from seatrial.stack._inside.reaper import Sweep, note_undo
from seatrial.stack._left_over import image_of, left_over
from seatrial.stack._local import LocalStack
from seatrial.stack._pip_settings import uv_environment
from seatrial.stack._pool import ServerPool
from seatrial.stack._ready import answers, wait_until
from seatrial.stack._remote import RemoteStack, address_of, check_target, is_loopback, names_of
from seatrial.stack._share import Mounted, Seen, Share
from seatrial.stack._startup import copy_readable, fault_addition, merge_additions, startup_addition, write_startup
from seatrial.stack._state import forget_state, read_state, write_state
from seatrial.stack._sweep import leftovers, run_labels, run_marks, sweep
from seatrial.stack._template import parse_template
from seatrial.stack._watchdog import Watchdog
from seatrial.stack._worktree import GIT, add_worktree, commit_of, common_commit, is_dirty, is_shallow, repository_of

__all__ = [
    "GIT",
    "Ability",
    "Choice",
    "Completed",
    "LocalStack",
    "Model",
    "Mounted",
    "RemoteStack",
    "Seen",
    "ServerPool",
    "ServiceAddition",
    "ServiceState",
    "Share",
    "Stack",
    "StackPlan",
    "Sweep",
    "Usage",
    "Variant",
    "Verb",
    "Watchdog",
    "add_worktree",
    "address_of",
    "answers",
    "attach",
    "cache_root",
    "check_engine",
    "check_kept",
    "check_target",
    "choose_driver",
    "commit_of",
    "common_commit",
    "compose_model",
    "copy_readable",
    "dockerfile_of",
    "engine_target",
    "ensure_environment",
    "fault_addition",
    "folders_of",
    "forget_state",
    "handed_over",
    "image_name",
    "image_of",
    "is_dirty",
    "is_loopback",
    "is_shallow",
    "lacks",
    "left_over",
    "leftovers",
    "merge_additions",
    "names_of",
    "note_undo",
    "open_stack",
    "parse_template",
    "read_by_code",
    "read_compose",
    "read_state",
    "repository_of",
    "require_embedded",
    "run_labels",
    "run_marks",
    "service_lines",
    "startup_addition",
    "sweep",
    "uv_environment",
    "wait_until",
    "work_folder",
    "write_startup",
    "write_state",
]
