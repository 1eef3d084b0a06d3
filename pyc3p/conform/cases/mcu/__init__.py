"""Cases for an MCU, one module a family."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.case import Case, known_cases
from pyc3p.conform.cases.mcu import absence, calls, conferences, documents, leg_control, principals

#: In the order in which they are run.
FAMILIES: Final = (conferences, principals, documents, calls, leg_control, absence)


def mcu_cases() -> tuple[Case, ...]:
    """All of them, in their order; cases of other modules that were imported come last."""
    order = {module.__name__: place for place, module in enumerate(FAMILIES)}
    return tuple(sorted(known_cases("mcu"), key=lambda case: order.get(case.run.__module__, len(order))))
