"""What a leg counts."""

from __future__ import annotations

import attrs


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
