"""Random faults: people, phones and a network that do whatever a seed says, and what must hold all the same.

>>> from pyc3p.simulate import SCENARIOS, simulate
>>> result = simulate(SCENARIOS["calm"], 1, minutes=0.2)
>>> result.complaints
()
"""

from __future__ import annotations

from pyc3p.simulate.run import Result, Simulation, simulate
from pyc3p.simulate.scenario import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Result", "Scenario", "Simulation", "simulate"]
