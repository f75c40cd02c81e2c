"""Does one version take longer than another? Paired bursts, exact ranks, three verdicts; pure functions throughout.

log ratios of pairs --bounds (Wilcoxon, Hodges-Lehmann)--> look by look --> pass | fail | inconclusive
log ratios of one version against itself --the same rule, again and again--> what a machine can tell apart
rows of two runs, which are not paired --intervals--> what is certain of each figure (informational)
"""

from seatrial.swarm.compare._apart import Within
from seatrial.swarm.compare._calibrate import Calibration, calibrate
from seatrial.swarm.compare._conclude import Conclusion, Errors, conclude
from seatrial.swarm.compare._held import APART, LATENCIES, Held, State, figures_within, hold
from seatrial.swarm.compare._holm import adjusted
from seatrial.swarm.compare._ranks import Bounds, bounds, p_greater
from seatrial.swarm.compare._recorded import ALL, Series, read_series
from seatrial.swarm.compare._sequential import ALPHA, CLEARLY, LOOKS, SLOWER, TOLERATED, Judged, judge, looks_up_to
from seatrial.swarm.compare._trend import FEWEST, Trend, trend

__all__ = [
    "ALL",
    "ALPHA",
    "APART",
    "CLEARLY",
    "FEWEST",
    "LATENCIES",
    "LOOKS",
    "SLOWER",
    "TOLERATED",
    "Bounds",
    "Calibration",
    "Conclusion",
    "Errors",
    "Held",
    "Judged",
    "Series",
    "State",
    "Trend",
    "Within",
    "adjusted",
    "bounds",
    "calibrate",
    "conclude",
    "figures_within",
    "hold",
    "judge",
    "looks_up_to",
    "p_greater",
    "read_series",
    "trend",
]
