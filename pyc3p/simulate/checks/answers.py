"""Every request but ACK gets exactly one final answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from typing import Final

from pyc3p.simulate.history import Death
from sip import Request
from sip.testing import Crossing, met_with_silence, unanswered

#: Seconds before the death of an element in which a request may have come that it did not live to answer: those of
#: a call that rings, and of the longest transaction.
UNANSWERED_BEFORE_DEATH: Final = 100.0


def unanswered_requests(
    crossings: Sequence[Crossing],
    deaths: Iterable[Death],
    lost_flows: Iterable[object] = (),
    *,
    proxies: Container[str] = ("proxy",),
) -> list[str]:
    """Complain of each request that arrived and got no final answer, or several; ``proxies`` send some on.

    Not of what an element got so shortly before its death that it did not live to answer, nor of what came on a
    connection that broke, nor of a proxy whose branches were silent (RFC 4320 section 4.2).
    """
    died: defaultdict[str, list[float]] = defaultdict(list)
    for death in deaths:
        died[death.element].append(death.at)
    lost = frozenset(lost_flows)

    def died_with(crossing: Crossing) -> bool:
        at = died.get(crossing.receiver or "", ())
        return crossing.flow is None and any(0.0 <= end - crossing.at <= UNANSWERED_BEFORE_DEATH for end in at)

    # What an element sent is an answer to others, whoever got it.
    counted = [each for each in crossings if each.flow not in lost and not (died_with(each) and _is_request(each))]

    def excuse(receiver: str, request: Request) -> bool:
        if receiver not in proxies or request.method in ("INVITE", "REGISTER", "CANCEL"):
            return False
        return met_with_silence(crossings, receiver, request)

    return unanswered(counted, excuse)


def _is_request(crossing: Crossing) -> bool:
    return not crossing.arrived.startswith(b"SIP/")
