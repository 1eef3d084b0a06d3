"""Who waits for a flow, where it may lead, and what the driver was asked."""

from __future__ import annotations

from collections import deque
from typing import Protocol

import attrs

from sip.flow import Destination, Flow
from sip.ids import WantId
from sip.timers import Timer


class Waiter(Protocol):
    """Something that cannot be sent before a flow is found."""

    def flow_ready(self, flow: Flow, now: float) -> None:
        """Send on ``flow``."""
        ...

    def flow_unavailable(self, now: float) -> None:
        """Give up: every destination failed."""
        ...


@attrs.define(eq=False)
class Search:
    """One waiter on its way through the destinations that are left to try."""

    waiter: Waiter
    destinations: deque[Destination]
    size: int  #: octets to be sent
    may_switch: bool  #: whether a large message may go over TCP in place of UDP
    first: Destination | None = None  #: tried before the others where it is found
    active: bool = True


@attrs.define(eq=False)
class Want:
    """One question to the driver, and who waits for its answer."""

    id: WantId
    destination: Destination | None  #: None for a look-up
    deadline: Timer
    searches: list[Search] = attrs.field(factory=list)


#: What tells destinations apart: transport, host, port, and the name that a certificate must prove.
Hop = tuple[str, str, int, str | None]
