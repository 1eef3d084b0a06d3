"""Cases for a Focus and its Focus Factory, one module a family."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.case import Case, known_cases
from pyc3p.conform.cases.focus import commands, dial_out, factory, factory_documents, following, joining, refusals

#: In the order in which they are run.
FAMILIES: Final = (factory, factory_documents, joining, following, commands, refusals, dial_out)


def focus_cases() -> tuple[Case, ...]:
    """All of them, in their order; cases of other modules that were imported come last."""
    order = {module.__name__: place for place, module in enumerate(FAMILIES)}
    return tuple(sorted(known_cases("focus"), key=lambda case: order.get(case.run.__module__, len(order))))
