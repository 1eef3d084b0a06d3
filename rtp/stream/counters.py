"""What a leg counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from rtp.stream.inbound_media import InboundMedia
    from rtp.stream.sender import RtpSender


@attrs.frozen(kw_only=True)
class MediaCounters:
    """A snapshot. Packets unless said otherwise."""

    received: int  #: of the locked source, as its reports count them
    lost: int  #: likewise; negative when there were more duplicates than losses
    late: int  #: came after their time to be played
    duplicates: int
    dropped: int  #: the jitter buffer was full
    concealed: int  #: frames that were made up for lost or late packets
    refused: int  #: from another source or address than the locked one
    looped: int  #: under our own SSRC
    malformed: int  #: neither RTP, RTCP nor anything else that may come
    unknown_format: int  #: payload type that was not agreed, or a payload of the wrong form
    foreign: int  #: STUN and DTLS, which we do not answer
    unauthenticated: int  #: SRTP that was forged, replayed or under another key
    sent: int
    sent_octets: int  #: octets of payload
    withheld: int  #: frames that were not sent to an address from which nothing came
    jitter: float  #: seconds
    round_trip: float | None  #: seconds; None until known

    @classmethod
    def of(cls, inbound: InboundMedia, sender: RtpSender, *, withheld: int, round_trip: float | None) -> MediaCounters:
        """What the halves of a leg have counted."""
        source, buffer, counts = inbound.lock.last, inbound.jitter, inbound.counts
        return cls(
            received=source.received if source else 0,
            lost=source.lost if source else 0,
            late=buffer.late,
            duplicates=buffer.duplicates,
            dropped=buffer.dropped,
            concealed=buffer.concealed,
            refused=inbound.lock.refused + counts["refused"],
            looped=counts["looped"],
            malformed=counts["malformed"],
            unknown_format=counts["unknown_format"],
            foreign=counts["foreign"],
            unauthenticated=counts["unauthenticated"],
            sent=sender.packets,
            sent_octets=sender.octets,
            withheld=withheld,
            jitter=source.jitter / source.clock_rate if source else 0.0,
            round_trip=round_trip,
        )
