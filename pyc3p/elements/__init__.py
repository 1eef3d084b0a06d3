"""Elements over real sockets: what ``serve`` and the demo are composed of."""

from __future__ import annotations

from pyc3p.elements.farm import Farm, FarmPlan, Handset, Person, build_farm
from pyc3p.elements.parts import Place

__all__ = ["Farm", "FarmPlan", "Handset", "Person", "Place", "build_farm"]
