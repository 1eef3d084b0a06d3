"""The SRTP protection profiles by the names that SDP gives them (RFC 4568 section 6.2, RFC 6188, RFC 7714)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen
class SrtpProfile:
    """Lengths in octets. ``aead`` profiles have no separate authentication tag."""

    name: str
    key_length: int
    salt_length: int
    tag_length: int  #: of SRTP; SRTCP always has 10 with HMAC-SHA1, 16 with GCM
    aead: bool = False

    @property
    def key_and_salt_length(self) -> int:
        return self.key_length + self.salt_length

    @property
    def rtcp_tag_length(self) -> int:
        return self.tag_length if self.aead else 10


#: Every profile that this package can do, in the order of preference for an offer.
PROFILES: Final[Mapping[str, SrtpProfile]] = {
    profile.name: profile
    for profile in (
        SrtpProfile("AES_CM_128_HMAC_SHA1_80", 16, 14, 10),
        SrtpProfile("AES_CM_128_HMAC_SHA1_32", 16, 14, 4),
        SrtpProfile("AES_256_CM_HMAC_SHA1_80", 32, 14, 10),
        SrtpProfile("AES_256_CM_HMAC_SHA1_32", 32, 14, 4),
        SrtpProfile("AEAD_AES_128_GCM", 16, 12, 16, aead=True),
        SrtpProfile("AEAD_AES_256_GCM", 32, 12, 16, aead=True),
    )
}
