"""Checks of ours beside the engine's: directed requests over the document, and every answer looked at once more.

what the engine sent --Ground--> probes, each with requests of its own --> the others, over all answers --> outcomes
"""

from seatrial.fuzz.probes._anew import BY_ASKING, BY_LOOKING, Anew
from seatrial.fuzz.probes._ask import Asker
from seatrial.fuzz.probes._ground import Besides, Ground
from seatrial.fuzz.probes._look import probe

__all__ = ["BY_ASKING", "BY_LOOKING", "Anew", "Asker", "Besides", "Ground", "probe"]
