"""A name that is kept: whole systems are in :mod:`pyc3p.elements`."""

from __future__ import annotations

from pyc3p.elements.farm import Farm, FarmPlan, Handset, Person, build_farm

__all__ = ["Farm", "FarmPlan", "Handset", "Person", "build_farm"]
