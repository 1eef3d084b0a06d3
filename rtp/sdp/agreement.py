"""Read an offer and its answer: what both sides will do (RFC 3264 sections 6 to 7, RFC 3605, RFC 5761)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from enum import Enum
from functools import cached_property
from typing import Final

import attrs

from rtp.errors import EncryptionMismatch, NegotiationError, NoCommonCodec
from rtp.sdp.bandwidth import wants_no_rtcp
from rtp.sdp.codec import AUXILIARY, Codec
from rtp.sdp.direction import Direction
from rtp.sdp.encryption import is_rtp, is_secure
from rtp.sdp.media_description import MediaDescription
from rtp.sdp.offer_answer import effective_direction
from rtp.sdp.sdes import Crypto, parse_crypto_lines
from rtp.sdp.session_description import SessionDescription

_DEFAULT_PTIME: Final = 20  #: ms, when the peer does not say (RFC 3551 section 4.2)
_PTIME_RANGE: Final = (10, 200)  #: ms; outside of it a wish is not followed
#: Both may have a fraction (RFC 8866 section 6.4), which no packet of ours can follow.
_WHOLE_PART: Final = re.compile(r"\s*([0-9]{1,5})(?:\.[0-9]*)?\s*", re.ASCII)

TransportAddress = tuple[str, int]


class Role(Enum):
    """Which of the two descriptions is ours."""

    OFFERER = "offerer"
    ANSWERER = "answerer"


@attrs.frozen(kw_only=True)
class MediaAgreement:
    """One media line that both sides use. Everything is seen from our side."""

    index: int  #: number of the m-line
    kind: str
    proto: str  #: of the answer
    codec: Codec  #: the voice codec that we send, with the peer's payload type
    receive_codecs: Mapping[int, Codec] = attrs.field(hash=False)  #: every format we may get, by our payload type
    telephone_event: int | None = None  #: payload type to send; None: the peer takes no telephone events
    comfort_noise: int | None = None  #: payload type to send; None: send continuously
    remote_rtp: TransportAddress | None = None  #: None while the peer is on hold by the unspecified address
    remote_rtcp: TransportAddress | None = None  #: None: no RTCP is wanted
    direction: Direction = Direction.SENDRECV
    held: bool = False  #: the peer does not want to hear us: sendonly, inactive, or the unspecified address
    ptime: int = _DEFAULT_PTIME  #: ms in one packet that the peer wishes to receive
    maxptime: int | None = None  #: ms
    rtcp_mux: bool = False
    label: str | None = None
    local_crypto: Crypto | None = None  #: encrypts what we send
    remote_crypto: Crypto | None = None  #: decrypts what we receive

    @property
    def secure(self) -> bool:
        """Whether the media is encrypted."""
        return self.local_crypto is not None


@attrs.frozen
class Agreement:
    """The result for all lines; a refused or switched-off line is None."""

    media: tuple[MediaAgreement | None, ...]

    @cached_property
    def audio(self) -> MediaAgreement | None:
        """The audio line in use, None when the session has been switched off."""
        for item in self.media:
            if item is not None and item.kind == "audio":
                return item
        return None


def negotiate(offered: SessionDescription, answered: SessionDescription, role: Role = Role.OFFERER) -> Agreement:
    """What an offer and its answer amount to, for the side named by ``role``.

    Raises NoCommonCodec when no line is usable (the answerer should have said 488), EncryptionMismatch when the
    answer left the level of encryption, NegotiationError when the answer does not mirror the offer.
    """
    if len(answered.media) != len(offered.media):
        raise NegotiationError(f"offer has {len(offered.media)} media lines, answer {len(answered.media)}")
    lines: list[MediaAgreement | None] = []
    mismatch: EncryptionMismatch | None = None
    for index, media in enumerate(offered.media):
        _check_mirror(media, answered.media[index])
        try:
            lines.append(_line(index, offered, answered, role))
        except EncryptionMismatch as error:
            mismatch = mismatch or error
            lines.append(None)
    if not any(lines) and not offered.silent:
        raise mismatch or NoCommonCodec(
            "no media line was accepted with a format, transport and address that we can use"
        )
    return Agreement(tuple(lines))


def _check_mirror(offered: MediaDescription, answered: MediaDescription) -> None:
    if answered.kind.lower() != offered.kind.lower():
        raise NegotiationError(f"{offered.kind} line answered by a {answered.kind} line")


def _line(index: int, offered: SessionDescription, answered: SessionDescription, role: Role) -> MediaAgreement | None:
    theirs, ours = (answered, offered) if role is Role.OFFERER else (offered, answered)
    remote, local = theirs.media[index], ours.media[index]
    offer_line, answer_line = offered.media[index], answered.media[index]
    if offer_line.rejected or answer_line.rejected or not is_rtp(answer_line.proto):
        return None
    connection = theirs.connection_of(remote)
    codecs = _shared(offer_line, answer_line)
    voice = [codec for codec in codecs if codec.encoding.upper() not in AUXILIARY]
    if not voice or connection is None or not (connection.usable or connection.on_hold):
        return None
    mux = remote.has("rtcp-mux") and local.has("rtcp-mux")
    peer = effective_direction(theirs, remote)
    local_crypto, remote_crypto = _keys(offer_line, answer_line, role)
    sending = {codec.key: codec for codec in reversed(remote.codecs)}
    remote_rtp = (_canonical(connection.address), remote.port) if connection.usable else None
    return MediaAgreement(
        index=index,
        kind=remote.kind.lower(),
        proto=answer_line.proto,
        codec=sending[voice[0].key],
        # Whatever we wrote may come, before the answer and after it (RFC 3264 sections 5.1 and 6.1).
        receive_codecs={codec.payload_type: codec for codec in local.codecs},
        telephone_event=_number(sending, codecs, "TELEPHONE-EVENT", voice[0].clock_rate),
        comfort_noise=_number(sending, codecs, "CN", voice[0].clock_rate),
        remote_rtp=remote_rtp,
        remote_rtcp=None if wants_no_rtcp(theirs, remote) else _rtcp_address(remote, remote_rtp, mux),
        direction=ours.direction_of(local) & peer.reversed,
        held=not peer.receives,
        ptime=_ptime(remote),
        maxptime=_milliseconds(remote, "maxptime"),
        rtcp_mux=mux,
        label=local.attribute("label") or remote.attribute("label"),
        local_crypto=local_crypto,
        remote_crypto=remote_crypto,
    )


def _shared(offered: MediaDescription, answered: MediaDescription) -> list[Codec]:
    """The formats of the answer, its first being the one to use, that stood in the offer."""
    keys = {codec.key for codec in offered.codecs}
    return [codec for codec in answered.codecs if codec.key in keys]


def _number(
    sending: Mapping[tuple[str, int, int], Codec], shared: list[Codec], encoding: str, clock_rate: int
) -> int | None:
    key = (encoding, clock_rate, 1)
    return sending[key].payload_type if key in [codec.key for codec in shared] else None


def _rtcp_address(remote: MediaDescription, rtp: TransportAddress | None, mux: bool) -> TransportAddress | None:
    if rtp is None or mux:
        return rtp
    fields = (remote.attribute("rtcp") or "").split()
    if fields and fields[0].isascii() and fields[0].isdigit() and len(fields[0]) <= 5 and 0 < int(fields[0]) < 65_536:
        return (_canonical(fields[3]) if len(fields) >= 4 else rtp[0], int(fields[0]))
    return (rtp[0], rtp[1] + 1) if rtp[1] < 65_535 else None


def _canonical(host: str) -> str:
    """An address as sockets write it (RFC 5952), so that what comes from there is known; a name stays as it is."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _milliseconds(media: MediaDescription, name: str) -> int | None:
    found = _WHOLE_PART.fullmatch(media.attribute(name) or "")
    return None if found is None else int(found[1])


def _ptime(media: MediaDescription) -> int:
    wish = _milliseconds(media, "ptime") or _DEFAULT_PTIME
    longest = _milliseconds(media, "maxptime") or _PTIME_RANGE[1]
    low, high = _PTIME_RANGE
    # Whole 10 ms: G.711 in other lengths is legal, but nothing in the field sends it.
    return max(low, min(wish, longest, high) // 10 * 10)


def _keys(offered: MediaDescription, answered: MediaDescription, role: Role) -> tuple[Crypto | None, Crypto | None]:
    """(local, remote) keys, both None for plain RTP. The keys decide, whatever the profile (``rtp.sdp.encryption``)."""
    if not is_secure(answered.proto) and _plain(offered, answered):
        if is_secure(offered.proto):
            raise EncryptionMismatch("encryption was required, the answer is plain")
        return None, None
    offered_lines = {line.tag: line for line in parse_crypto_lines(offered.attributes_named("crypto"))}
    chosen = parse_crypto_lines(answered.attributes_named("crypto"))
    match = offered_lines.get(chosen[0].tag) if len(chosen) == 1 else None
    if match is None or match.suite != chosen[0].suite:
        raise EncryptionMismatch("the answer has no crypto line that fits one of the offer")
    return (match, chosen[0]) if role is Role.OFFERER else (chosen[0], match)


def _plain(offered: MediaDescription, answered: MediaDescription) -> bool:
    rejected = (answered.attribute("encryption") or "").strip() == "rejected"
    return rejected or not (offered.has("crypto") and answered.has("crypto"))
