"""Cases for SIP elements, one module a family."""

from __future__ import annotations

from typing import Final

from pyc3p.conform.case import Case, known_cases
from pyc3p.conform.cases.sip import (
    cancel,
    dialogs,
    digest,
    headers,
    malformed,
    offer_answer,
    proxy,
    registrar,
    session_timer,
    streams,
    subscriptions,
    torture,
    transactions,
    user_agent,
)

#: In the order in which they are run: what is gentle first.
FAMILIES: Final = (
    transactions,
    headers,
    registrar,
    digest,
    proxy,
    user_agent,
    cancel,
    dialogs,
    offer_answer,
    session_timer,
    subscriptions,
    streams,
    torture,
    malformed,
)


def sip_cases() -> tuple[Case, ...]:
    """All of them, in their order; cases of other modules that were imported come last."""
    order = {module.__name__: place for place, module in enumerate(FAMILIES)}
    return tuple(sorted(known_cases(), key=lambda case: order.get(case.run.__module__, len(order))))
