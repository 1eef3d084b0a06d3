"""How a simulation fails."""

from __future__ import annotations


class SimulationFailed(AssertionError):
    """What was waited for did not happen, or a machine broke; the text has the seed and the ladder."""
