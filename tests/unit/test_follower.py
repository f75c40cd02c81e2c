"""What a worker of xdist learns from the process that conducts the run."""

from __future__ import annotations

import os
from pathlib import Path

from seatrial.campaign import KEY, Entered, Options
from seatrial.config import Settings
from seatrial.http import SigningKey
from seatrial.plugin._conductor import PHASES
from seatrial.plugin._follower import Follower


def follower_in(work: Path, *entered: Entered) -> Follower:
    """Return a worker of a run on a stack that may tell clients apart, whose suites were entered so."""
    (work / PHASES).mkdir()
    for suite in entered:
        (work / PHASES / f"{suite.suite}.json").write_bytes(suite.to_json())
    SigningKey.generate().save(work / KEY)
    follower = Follower(Settings(), Options(), conductor=os.getpid(), worker="gw0")
    vars(follower)["_facts"] = {"run": "r", "seed": 1, "work": str(work), "directory": str(work), "addresses": True}
    return follower


def test_a_worker_forgoes_addresses_where_the_conductor_does(tmp_path: Path) -> None:
    """Only a stack that was started says whether it tells clients apart: that is known when a suite is entered."""
    follower = follower_in(tmp_path, Entered(suite="a"), Entered(suite="b", alike="there is no relay"))
    follower.enter("a")
    assert len(follower.identities.lease_anonymous(2)) == 2
    follower.enter("b")
    assert follower.identities.lease_anonymous(2) == []
    assert follower.identities.alike == "there is no relay"
