"""What differs between two runs: one model, told as JSON, Markdown, lines of a terminal and a page.

    Record, Record --differences_of--> JSON data (reports/schema/run-compare-1.schema.json) --> whoever tells it

The runs are of two times, and so not paired: figures of load are informational, whatever they say.
"""

from seatrial.reporting.compare._changed import changed_lines
from seatrial.reporting.compare._differences import SCHEMA, differences_of
from seatrial.reporting.compare._findings import STATES, listed
from seatrial.reporting.compare._html import write_page
from seatrial.reporting.compare._lines import lines_of

__all__ = ["SCHEMA", "STATES", "changed_lines", "differences_of", "lines_of", "listed", "write_page"]
