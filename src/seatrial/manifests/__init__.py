"""The files by which a pipeline and a platform deploy a service: what they say, where, and what is wrong with it.

file --lines of every value--> document --schema--> workflow --> flaws
"""

from seatrial.manifests._pipeline import (
    Flaw,
    deployed_from_elsewhere,
    malformed,
    not_started,
    overpowered,
    unbounded,
    ungated,
    unpinned,
    unprotected,
    unverified,
)
from seatrial.manifests._read import Document, Unreadable, read_documents
from seatrial.manifests._workflow import Workflow

__all__ = [
    "Document",
    "Flaw",
    "Unreadable",
    "Workflow",
    "deployed_from_elsewhere",
    "malformed",
    "not_started",
    "overpowered",
    "read_documents",
    "unbounded",
    "ungated",
    "unpinned",
    "unprotected",
    "unverified",
]
