"""What leaves a leg."""

from __future__ import annotations

from typing import NamedTuple

from rtp.stream.source_lock import TransportAddress


class Outgoing(NamedTuple):
    """A datagram to be sent from our RTP or RTCP port."""

    kind: str  #: ``rtp`` or ``rtcp``: which of our ports
    data: bytes
    destination: TransportAddress
