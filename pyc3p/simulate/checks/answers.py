"""Every request but ACK gets exactly one final answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyc3p.simulate.history import Death
from sip import Request
from sip.testing import Crossing, met_with_silence, unanswered

#: Seconds before the death of an element in which a request may have come that it did not live to answer: those of
#: a call that rings, and of the longest transaction.
UNANSWERED_BEFORE_DEATH = 100.0


def unanswered_requests(
    crossings: Sequence[Crossing], deaths: Iterable[Death], lost_flows: Iterable[object] = ()
) -> list[str]:
    """Complain of each request that arrived and got no final answer, or several.

    Not of what an element got that died, nor of what came on a connection that broke, nor of a proxy whose branches
    were silent (RFC 4320 section 4.2).
    """
    died = {death.element for death in deaths}
    lost = frozenset(lost_flows)
    counted = [each for each in crossings if each.receiver not in died and each.flow not in lost]

    def excuse(receiver: str, request: Request) -> bool:
        if receiver != "proxy" or request.method in ("INVITE", "REGISTER", "CANCEL"):
            return False
        return met_with_silence(crossings, receiver, request)

    return unanswered(counted, excuse)
