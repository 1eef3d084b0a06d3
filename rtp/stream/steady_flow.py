"""A leg in steady flow as plain numbers: what changes while nothing but ordinary packets come and go.

A `MediaStream` that says ``steady()`` gives these, and is not to be used until ``resume`` gave it them back. Between
the two somebody who has many legs may do with arrays what the stream would have done, packet by packet and frame by
frame. An ordinary packet is one that would change nothing but these numbers: RTP with twelve octets of header,
of the agreed format, as long as a frame, from the locked source and its address, that follows on the one before by
number and by timestamp. Whatever else comes is for the stream.

With SRTP a packet is an ordinary one by its header, which is not encrypted, and when it is authentic. With AES-CM the
key stream and the tag of each can be had from ``keys``. Otherwise packets are opened by ``open`` and sealed by
``seal``, one by one and in their order, and the stream counts those that are forged.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rtp.codecs.coding import AudioCoding
from rtp.srtp.steady_keys import SteadyKeys
from rtp.stream.play_delay import SteadyDelay

TransportAddress = tuple[str, int]


@attrs.define(kw_only=True)
class SteadyBuffer:
    """A jitter buffer that plays, and from whose play point on nothing is missing. Lengths are samples."""

    jitter: float
    target: int  #: how long packets shall wait
    delay: SteadyDelay
    waiting: list[bytes] = attrs.field(repr=False)  #: frames of PCM, the next one to be played first
    last: bytes = attrs.field(repr=False)  #: the frame that was played last
    played: int = 0  #: frames, since it was asked


@attrs.define(kw_only=True)
class SteadyInbound:
    """What comes in."""

    ssrc: int  #: of the source
    source: TransportAddress  #: where it sends from
    payload_type: int
    coding: AudioCoding = attrs.field(repr=False)
    next_number: int  #: sequence number of the packet that is to come
    next_timestamp: int
    arrival: float  #: of the packet before it, monotonic seconds
    jitter: float  #: as reports count it (RFC 3550 section 6.4.1), in samples
    buffer: SteadyBuffer
    keys: SteadyKeys | None = attrs.field(default=None, repr=False)
    #: Gives the packet inside one of SRTP; ``None``, and counted by the stream, for a forged one. ``None``: no SRTP.
    open: Callable[[bytes], bytes | None] | None = attrs.field(default=None, repr=False)
    overhead: int = 0  #: octets by which such a packet is longer
    arrived: int = 0  #: packets, since it was asked


@attrs.define(kw_only=True)
class SteadyOutbound:
    """What goes out: one packet of one frame each time."""

    ssrc: int
    payload_type: int
    coding: AudioCoding = attrs.field(repr=False)
    number: int  #: sequence number of the next packet
    timestamp: int  #: of the next sample
    talkspurt: bool  #: the next packet begins one
    destination: TransportAddress | None
    sends: bool  #: whether anything leaves at all
    proven: bool  #: whether somebody at the destination takes part: then everything leaves
    grace_ends: float  #: until when everything leaves, if not
    next_unproven: float  #: when a packet may leave after that
    unproven_interval: float  #: seconds between two of these
    keys: SteadyKeys | None = attrs.field(default=None, repr=False)
    #: Makes SRTP of a packet; raises LocalProtocolError when the key is used up. ``None``: no SRTP.
    seal: Callable[[bytes], bytes] | None = attrs.field(default=None, repr=False)
    withheld: int = 0  #: frames that did not leave because of that, since it was asked
    sent: int = 0  #: packets, since it was asked
    sent_at: float = 0.0  #: when the last of these left
    sent_timestamp: int = 0  #: and its timestamp


@attrs.define(kw_only=True)
class SteadyFlow:
    """Both directions. ``inbound`` is ``None`` while the leg hears nothing: then no packet is an ordinary one."""

    inbound: SteadyInbound | None
    outbound: SteadyOutbound

    @property
    def received_at(self) -> float | None:
        """When the last packet came, since it was asked."""
        return None if self.inbound is None or not self.inbound.arrived else self.inbound.arrival

    @property
    def sent_at(self) -> float | None:
        """When the last packet left, since it was asked."""
        return self.outbound.sent_at if self.outbound.sent else None
