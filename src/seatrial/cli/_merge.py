"""`seatrial merge`: the shards of a run, judged as one."""

from __future__ import annotations

import click

from seatrial.cli._options import config_option, out_option


@click.command(
    "merge",
    epilog="\b\nExamples:\n  seatrial merge shard-1 shard-2 shard-3 --out report\n"
    "  seatrial merge 20260101-120000-abc123 20260101-120010-def456",
)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@out_option
@config_option
def merge_command(runs: tuple[str, ...], out: str, config: str) -> int:
    """Judge the shards of a run (RUN: an id or a directory, of `seatrial run --shard I/N`) as one, in a new run.

    A shard that is missing, broke or cannot be read makes the verdict inconclusive (exit 3); shards of another commit,
    configuration or command are refused.
    """
    from seatrial.cli._merging import merge_runs  # noqa: PLC0415 - heavy

    return merge_runs(runs, out=out, config=config)
