"""The Schemathesis driver: fuzz a served OpenAPI document and judge its promises."""

from seatrial.fuzz._document import Operation, canonical, fetch_document, operations_of
from seatrial.fuzz._run import run_contract

__all__ = ["Operation", "canonical", "fetch_document", "operations_of", "run_contract"]
