"""What a transaction needs of those that keep it: the rest of their element, as far as transactions know it."""

from __future__ import annotations

from typing import Protocol

from sip.config import EndpointConfig
from sip.context import Context
from sip.timers import Queue, Timers
from sip.transport.transport import Transport


class TransactionOwner(Protocol):
    """What client and server transactions share; each adds what it reports there."""

    context: Context
    config: EndpointConfig
    timers: Timers
    transport: Transport
    patience: float  #: seconds: 64*T1, how long timers B, F and H run
    lingering: Queue  #: timers D, J, L and M
    settling: Queue  #: timers I and K
