"""What kind of datagram arrived on a media port (RFC 5761 section 4, RFC 7983 section 7)."""

from __future__ import annotations

from enum import Enum


class DatagramKind(Enum):
    RTP = "rtp"
    RTCP = "rtcp"
    STUN = "stun"
    DTLS = "dtls"
    GARBAGE = "garbage"


def classify(data: bytes) -> DatagramKind:
    """By the first two octets, the same for SRTP. RTCP packet types are 192 to 223 (RFC 5761 section 4)."""
    if len(data) < 4:
        return DatagramKind.GARBAGE
    first = data[0]
    if 128 <= first <= 191:
        return DatagramKind.RTCP if 192 <= data[1] <= 223 else DatagramKind.RTP
    if first <= 3:
        return DatagramKind.STUN if len(data) >= 20 else DatagramKind.GARBAGE
    return DatagramKind.DTLS if 20 <= first <= 63 else DatagramKind.GARBAGE
