"""Does one version take longer than another? Paired bursts, exact ranks, three verdicts; pure functions throughout.

log ratios of pairs --bounds (Wilcoxon, Hodges-Lehmann)--> look by look --> pass | fail | inconclusive
log ratios of one version against itself --the same rule, again and again--> what a machine can tell apart
"""

from seatrial.swarm.compare._calibrate import Calibration, calibrate
from seatrial.swarm.compare._conclude import Conclusion, Errors, conclude
from seatrial.swarm.compare._holm import adjusted
from seatrial.swarm.compare._ranks import Bounds, bounds, p_greater
from seatrial.swarm.compare._sequential import ALPHA, CLEARLY, LOOKS, SLOWER, TOLERATED, Judged, judge, looks_up_to
from seatrial.swarm.compare._trend import FEWEST, Trend, trend

__all__ = [
    "ALPHA",
    "CLEARLY",
    "FEWEST",
    "LOOKS",
    "SLOWER",
    "TOLERATED",
    "Bounds",
    "Calibration",
    "Conclusion",
    "Errors",
    "Judged",
    "Trend",
    "adjusted",
    "bounds",
    "calibrate",
    "conclude",
    "judge",
    "looks_up_to",
    "p_greater",
    "trend",
]
