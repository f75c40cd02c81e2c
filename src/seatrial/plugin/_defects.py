"""Collect several defects in one check: a suite looks at everything before it ends."""

from __future__ import annotations

from seatrial.core import Check, Finding
from seatrial.plugin._outcomes import DefectsFound


class Defects:
    """The findings of one item so far; `none()` ends it when there are any."""

    def __init__(self, check: Check) -> None:
        self._check = check
        self.found: list[Finding] = []

    def add(  # noqa: PLR0913 - the fields of a finding, all by keyword
        self,
        title: str,
        *,
        cause: str,
        operation: str = "",
        location: str = "",
        evidence: tuple[str, ...] = (),
        detail: str = "",
        replay: str = "",
    ) -> None:
        """Note one defect; `cause` is a stable word for it, never a value that changes between runs."""
        self.found.append(
            Finding(
                check=self._check.slug,
                severity=self._check.severity,
                title=title,
                cause=cause,
                operation=operation,
                location=location,
                evidence=evidence,
                detail=detail,
                replay=replay,
            )
        )

    def none(self) -> None:
        """Fail the item when a defect was noted."""
        if self.found:
            more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
            raise DefectsFound(self.found[0].title + more, pytrace=False)
