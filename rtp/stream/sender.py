"""What a sender knows of its own stream: numbering, time line, counts (RFC 3550 sections 5.1 and 6.4.1)."""

from __future__ import annotations

import struct
from typing import Final

from rtp.codecs.pcm import SAMPLE_RATE
from rtp.errors import LocalProtocolError

_FIXED: Final = struct.Struct("!BBHII")


class RtpSender:
    """One outgoing SSRC. The first values come from the caller and should be random (RFC 3550 section 5.1).

    Raises LocalProtocolError for an SSRC of zero or more than 32 bits.
    """

    def __init__(self, *, ssrc: int, sequence_number: int, timestamp: int, clock_rate: int = SAMPLE_RATE) -> None:
        # Zero is a legal SSRC, but clients of Microsoft never accept it.
        if not 0 < ssrc <= 0xFFFF_FFFF:
            raise LocalProtocolError("an SSRC is 32 bits and not zero")
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.sequence_number = sequence_number & 0xFFFF  #: of the next packet
        self.timestamp = timestamp & 0xFFFF_FFFF  #: of the next sample
        self.packets = 0
        self.octets = 0  #: of payload
        self._reference: tuple[float, int] | None = None  #: an instant and its timestamp

    def packet(
        self,
        payload: bytes,
        payload_type: int,
        *,
        now: float,
        timestamp: int | None = None,
        marker: bool = False,
        csrc: tuple[int, ...] = (),
        counted: bool = True,
    ) -> bytes:
        """The next packet, serialised. ``timestamp`` differs from the time line only for telephone events;
        ``counted=False`` keeps a repeated payload out of the octet count.

        Raises LocalProtocolError for what does not fit into a header.
        """
        at = self.timestamp if timestamp is None else timestamp
        if len(csrc) > 15 or payload_type > 127:
            raise LocalProtocolError("more than 15 CSRC, or a payload type above 127")
        second = payload_type | 0x80 if marker else payload_type
        header = _FIXED.pack(0x80 | len(csrc), second, self.sequence_number, at, self.ssrc)
        if csrc:
            header += struct.pack(f"!{len(csrc)}I", *csrc)
        self.sequence_number = (self.sequence_number + 1) & 0xFFFF
        self.packets += 1
        if counted:
            self.octets += len(payload)
        if timestamp is None:
            self._reference = now, at
        return header + payload

    def resume(self, packets: int, octets: int, *, timestamp: int, at: float) -> None:
        """So many packets more left, with so many octets each; the last at ``at`` with ``timestamp``."""
        self.sequence_number = self.sequence_number + packets & 0xFFFF
        self.packets += packets
        self.octets += packets * octets
        self._reference = at, timestamp

    def advance(self, samples: int) -> None:
        """Move the time line on; it runs in silence too."""
        self.timestamp = (self.timestamp + samples) & 0xFFFF_FFFF

    def rtp_time(self, *, now: float) -> int:
        """The timestamp of the instant ``now``, for a sender report."""
        if self._reference is None:
            return self.timestamp
        at, timestamp = self._reference
        return (timestamp + round((now - at) * self.clock_rate)) & 0xFFFF_FFFF
