"""What our side of a call can do and wants: the input of ``offer`` and ``answer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from rtp.field_types import ABOVE_ZERO, checks_types, wrong
from rtp.sdp.codec import CN, PCMA, PCMU, TELEPHONE_EVENT, Codec
from rtp.sdp.direction import Direction
from rtp.sdp.encryption import Encryption
from rtp.sdp.sdes import Crypto
from rtp.shown import Shown

_LAST_PORT: Final = 65_535
_USUAL_SUITE: Final = "AES_CM_128_HMAC_SHA1_80"  #: mandatory to implement (RFC 4568 section 6.2)


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class Capabilities(Shown):
    """Audio abilities of one side. The defaults are those of the conference server towards a legacy phone."""

    codecs: tuple[Codec, ...] = (PCMU, PCMA)  #: voice codecs, best first
    comfort_noise: Codec | None = CN
    telephone_event: Codec | None = TELEPHONE_EVENT
    one_codec: bool = True  #: an answer names a single voice codec, so that nobody switches in mid-call
    ptime: int = attrs.field(default=20, metadata=ABOVE_ZERO)  #: ms in one packet that we wish to receive
    maxptime: int | None = attrs.field(default=200, metadata=ABOVE_ZERO)  #: ms; None leaves the attribute out
    direction: Direction = Direction.SENDRECV
    rtcp_mux: bool = False
    label: str | None = "main-audio"  #: ties the line to the conference document
    encryption: Encryption = Encryption.REJECTED
    announce_encryption: bool = True  #: print ``a=encryption``; a plain phone does not know it
    crypto: tuple[Crypto, ...] = ()  #: our keys, one line a suite, best first; they encrypt what *we* send
    bandwidth: str | None = "CT:1000"  #: value of the session's ``b=``
    address: str = "127.0.0.1"  #: where we receive, unless given with the call
    #: RTP port, unless given with the call; 9 (discard) says that there is none yet
    port: int = attrs.field(default=9)
    session_name: str = "session"

    @port.validator
    def _is_a_port(self, field: attrs.Attribute[int], value: int) -> None:
        if value > _LAST_PORT:
            raise wrong(self, field.name, value, f"a port, a number from 0 to {_LAST_PORT}")

    def with_fresh_keys(self, octets: Callable[[int], bytes]) -> Capabilities:
        """The same for one call, with keys that no other call has (RFC 3711 section 9.1).

        ``octets`` gives so many random ones. The suites are those of ``crypto``, or the one that everybody has. Raises
        LocalProtocolError for an unknown suite.
        """
        if self.encryption is Encryption.REJECTED:
            return self
        lines = [line.with_fresh_key(octets) for line in self.crypto]
        return attrs.evolve(self, crypto=tuple(lines) or (Crypto.fresh(1, _USUAL_SUITE, octets),))

    @property
    def formats(self) -> tuple[Codec, ...]:
        """Every format in the order in which an offer lists them."""
        extras = (self.comfort_noise, self.telephone_event)
        return (*self.codecs, *[codec for codec in extras if codec is not None])
