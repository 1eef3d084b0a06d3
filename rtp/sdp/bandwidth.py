"""A bandwidth of zero: the writer wants no media, and no RTCP either (RFC 3264 section 5, RFC 3556 section 2)."""

from __future__ import annotations

from typing import Final

from rtp.sdp.media_description import MediaDescription
from rtp.sdp.session_description import SessionDescription

_OF_MEDIA: Final = ("AS", "TIAS", "CT")  #: kinds that bound what is sent to the writer; CT of the whole session

_OF_RTCP: Final = ("RS", "RR")  #: what senders of media have for RTCP, and what receivers have


def wants_no_media(description: SessionDescription, media: MediaDescription) -> bool:
    """Whether the writer of a line receives nothing; a figure of the line beats the session's."""
    if not (media.bandwidths or description.bandwidths):
        return False
    figures = media.bandwidths_of(_OF_MEDIA) or description.bandwidths_of(_OF_MEDIA)
    return 0 in figures.values()


def wants_no_rtcp(description: SessionDescription, media: MediaDescription) -> bool:
    """Whether RTCP is switched off: for want of media, or because neither senders nor receivers may use any."""
    if not (media.bandwidths or description.bandwidths):
        return False
    shares = media.bandwidths_of(_OF_RTCP) or description.bandwidths_of(_OF_RTCP)
    return shares == {"RS": 0, "RR": 0} or wants_no_media(description, media)
