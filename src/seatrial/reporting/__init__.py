"""One file per format; every report is rebuilt from the recorded events."""

from seatrial.reporting._past import past_run
from seatrial.reporting._summary import summarise
from seatrial.reporting._verdict import SCHEMA, verdict_of
from seatrial.reporting._write import REPORTERS, VERDICT, report_names, write_reports

__all__ = ["REPORTERS", "SCHEMA", "VERDICT", "past_run", "report_names", "summarise", "verdict_of", "write_reports"]
