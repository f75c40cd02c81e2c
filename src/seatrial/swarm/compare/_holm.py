"""Holm's correction: several questions at once, and no more wrong answers among all than one question may have."""

from __future__ import annotations

from collections.abc import Mapping


def adjusted(probabilities: Mapping[str, float]) -> dict[str, float]:
    """Return each probability as it counts among all of them: the smallest times their number, and so on upwards."""
    found: dict[str, float] = {}
    most = 0.0
    for rank, name in enumerate(sorted(probabilities, key=lambda name: probabilities[name])):
        most = max(most, min(1.0, probabilities[name] * (len(probabilities) - rank)))
        found[name] = most
    return {name: found[name] for name in probabilities}
