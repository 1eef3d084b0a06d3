"""Levels of media encryption and how two of them meet (``a=encryption``, an extension of Microsoft's clients).

====================  ==================================  ==================================
level                 offer                               answer that accepts
====================  ==================================  ==================================
rejected              RTP/AVP                             RTP/AVP
optional              RTP/AVP with crypto                 RTP/SAVP with crypto, or RTP/AVP
required              RTP/SAVP with crypto                RTP/SAVP with crypto
====================  ==================================  ==================================

So with ``optional`` the profile of the answer may differ from that of the offer; nowhere else. Phones that do not know
the attribute offer RTP/AVP with crypto all the same, and mean both: they are answered RTP/AVP, with crypto where both
encrypt. Whether a line is encrypted is therefore told by the keys in offer and answer, not by the profile.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from rtp.sdp.media_description import MediaDescription

PLAIN: Final = "RTP/AVP"
SECURE: Final = "RTP/SAVP"


class Encryption(StrEnum):
    """The level that one side wants."""

    REJECTED = "rejected"
    OPTIONAL = "optional"
    REQUIRED = "required"


def is_secure(proto: str) -> bool:
    """Whether a transport profile carries SRTP."""
    return proto.upper() in ("RTP/SAVP", "RTP/SAVPF")


def is_rtp(proto: str) -> bool:
    """Whether we can carry that profile: RTP over UDP, keys if any in SDP (no DTLS, no TCP)."""
    return proto.upper() in ("RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF")


def level_of(media: MediaDescription, stated_by_session: str | None = None) -> Encryption:
    """The level that an offer expresses, by attribute or, where there is none, by profile and keys."""
    stated = media.attribute("encryption") or stated_by_session
    if is_secure(media.proto):
        return Encryption.REQUIRED
    if stated is not None and stated.strip() in frozenset(Encryption):
        return Encryption(stated.strip())
    return Encryption.OPTIONAL if media.has("crypto") else Encryption.REJECTED
