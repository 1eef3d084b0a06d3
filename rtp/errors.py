"""The errors of this package.

::

    RtpError (ValueError)
    +-- LocalProtocolError       our own caller asked for something impossible; nothing changed
    +-- RemoteProtocolError      the peer sent something unusable; ``status_hint`` says what SIP may answer
        +-- MalformedSdp         not a session description (RFC 8866 section 9)
        +-- MalformedPacket      not an RTP, RTCP or payload-format packet
        +-- LimitExceeded        larger than a named limit allows
        +-- NegotiationError     no agreement between offer and answer (RFC 3264)
        |   +-- NoCommonCodec    nothing that both sides can use in any media line
        |   +-- EncryptionMismatch
        +-- AuthenticationFailed an SRTP packet whose tag does not fit
        +-- ReplayedPacket       an SRTP packet that was seen before or is too old
"""

from __future__ import annotations

from typing import ClassVar


class RtpError(ValueError):
    """Anything that goes wrong in this package."""


class LocalProtocolError(RtpError):
    """Our own caller asked for something that the protocol forbids."""


class RemoteProtocolError(RtpError):
    """The peer sent something that cannot be used."""

    status_hint: ClassVar[int] = 400  #: SIP status for the request that carried it (RFC 3261 section 21.4)


LocalRtpError = LocalProtocolError  #: its name before all packages named it alike
RemoteRtpError = RemoteProtocolError  #: its name before all packages named it alike


class MalformedSdp(RemoteProtocolError):
    """A session description breaks the grammar."""

    def __init__(self, why: str, line: str = "") -> None:
        super().__init__(f"{why}: {line[:80]!r}" if line else why)
        self.line = line


class MalformedPacket(RemoteProtocolError):
    """A packet breaks the rules of its header or payload format."""


class LimitExceeded(RemoteProtocolError):
    """The input is larger than a named limit."""

    status_hint = 413


class NegotiationError(RemoteProtocolError):
    """Offer and answer do not lead to a usable session."""

    status_hint = 488


class NoCommonCodec(NegotiationError):
    """No media line has a codec, transport and address that both sides can use."""


class EncryptionMismatch(NegotiationError):
    """One side requires encryption that the other does not do; answer 488 with Warning 308."""

    warning_code: ClassVar[int] = 308
    reason: ClassVar[str] = "Encryption Levels not compatible"


class AuthenticationFailed(RemoteProtocolError):
    """The authentication tag of an SRTP or SRTCP packet is wrong (RFC 3711 section 3.3)."""


class ReplayedPacket(RemoteProtocolError):
    """The index of an SRTP or SRTCP packet was seen before or lies left of the window (RFC 3711 section 3.3.2)."""
