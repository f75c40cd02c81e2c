"""The files by which a pipeline and a platform deploy a service: what they say, where, and what is wrong with it.

file --lines of every value--> document --schema--> workflow                  --> flaws
                                   document --platforms: whose?--> workloads --> flaws
"""

from seatrial.manifests._deployment import (
    Limits,
    beneath,
    misread,
    movable_images,
    unknown_endpoints,
    unknown_variables,
    workloads_of,
)
from seatrial.manifests._monitoring import metrics_exposed, metrics_named, recorded
from seatrial.manifests._pipeline import (
    Flaw,
    called_in,
    deployed_from_elsewhere,
    looked_after,
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
from seatrial.manifests.platforms import Workload, cpus, memory

__all__ = [
    "Document",
    "Flaw",
    "Limits",
    "Unreadable",
    "Workflow",
    "Workload",
    "beneath",
    "called_in",
    "cpus",
    "deployed_from_elsewhere",
    "looked_after",
    "malformed",
    "memory",
    "metrics_exposed",
    "metrics_named",
    "misread",
    "movable_images",
    "not_started",
    "overpowered",
    "read_documents",
    "recorded",
    "unbounded",
    "ungated",
    "unknown_endpoints",
    "unknown_variables",
    "unpinned",
    "unprotected",
    "unverified",
    "workloads_of",
]
