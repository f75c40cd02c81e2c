"""Which stages run, on which variant of the stack, in which order, within which budget."""

from seatrial.campaign._campaign import Campaign
from seatrial.campaign._compare import (
    SENT,
    Calibrated,
    Comparison,
    Task,
    calibrate_machine,
    compare,
    figures_in,
    log_ratios,
    median_cost,
    medians,
    random_seed,
    shown_in,
)
from seatrial.campaign._contest import CPU, Burst, Pair
from seatrial.campaign._crew import crew_of, read_address
from seatrial.campaign._entered import Entered
from seatrial.campaign._faults import Fault, fault_files, load_fault
from seatrial.campaign._limits import Planned, allowance, plan_deep_limits, plan_limits
from seatrial.campaign._load import choose_load
from seatrial.campaign._matrix import tell_matrix
from seatrial.campaign._options import Options, resolve_out
from seatrial.campaign._patching import check_patch, with_patch_base
from seatrial.campaign._replay import Stage, find_finding, replay_finding, set_stage
from seatrial.campaign._run import (
    UP,
    Run,
    check_address_pool,
    choose,
    declared_people,
    new_run_id,
    open_run,
    point_latest,
    profile_in_effect,
    sends_apart,
    variables_ahead,
    why_unminted,
)
from seatrial.campaign._shards import as_shard, commit_here, digest_of, note_left_out
from seatrial.campaign._sides import ROLES, Role, Side, commit_started
from seatrial.campaign._smoke import tell_sent
from seatrial.campaign._stacks import Stacks
from seatrial.campaign._stay import KEY, bring_up, is_gone, take_down
from seatrial.campaign._suites import (
    SUITES,
    check_selection,
    in_suite_order,
    metric_belongs,
    part_of,
    suite_named,
    suites_of,
)
from seatrial.campaign._traffic import Foreseen, foresee
from seatrial.campaign._variables import filled_in

__all__ = [
    "CPU",
    "KEY",
    "ROLES",
    "SENT",
    "SUITES",
    "UP",
    "Burst",
    "Calibrated",
    "Campaign",
    "Comparison",
    "Entered",
    "Fault",
    "Foreseen",
    "Options",
    "Pair",
    "Planned",
    "Role",
    "Run",
    "Side",
    "Stacks",
    "Stage",
    "Task",
    "allowance",
    "as_shard",
    "bring_up",
    "calibrate_machine",
    "check_address_pool",
    "check_patch",
    "check_selection",
    "choose",
    "choose_load",
    "commit_here",
    "commit_started",
    "compare",
    "crew_of",
    "declared_people",
    "digest_of",
    "fault_files",
    "figures_in",
    "filled_in",
    "find_finding",
    "foresee",
    "in_suite_order",
    "is_gone",
    "load_fault",
    "log_ratios",
    "median_cost",
    "medians",
    "metric_belongs",
    "new_run_id",
    "note_left_out",
    "open_run",
    "part_of",
    "plan_deep_limits",
    "plan_limits",
    "point_latest",
    "profile_in_effect",
    "random_seed",
    "read_address",
    "replay_finding",
    "resolve_out",
    "sends_apart",
    "set_stage",
    "shown_in",
    "suite_named",
    "suites_of",
    "take_down",
    "tell_matrix",
    "tell_sent",
    "variables_ahead",
    "why_unminted",
    "with_patch_base",
]
