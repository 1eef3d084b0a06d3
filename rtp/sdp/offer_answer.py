"""Write an offer, write an answer (RFC 3264, with the dialects of Microsoft's clients).

``rtp.negotiate`` (module ``agreement``) reads the pair; ``OfferAnswerSession`` keeps them over a call.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from rtp.errors import EncryptionMismatch, LocalProtocolError, NegotiationError, NoCommonCodec
from rtp.sdp.bandwidth import wants_no_media
from rtp.sdp.capabilities import Capabilities
from rtp.sdp.codec import AUXILIARY, Codec
from rtp.sdp.direction import Direction
from rtp.sdp.encryption import PLAIN, SECURE, Encryption, is_rtp, level_of
from rtp.sdp.lines import Attribute, Connection, Origin
from rtp.sdp.media_description import MediaDescription
from rtp.sdp.sdes import Crypto, parse_crypto_lines
from rtp.sdp.session_description import SessionDescription


@attrs.frozen(kw_only=True)
class LocalMedia:
    """Our end of the audio line in one description."""

    address: str
    port: int
    rtcp_port: int | None = None  #: None: RTP port + 1, unless multiplexed

    def attributes(self, mux: bool) -> Iterator[Attribute]:
        rtcp_port = self.port if mux else self.rtcp_port if self.rtcp_port is not None else self.port + 1
        if rtcp_port <= 65_535:
            yield Attribute("rtcp", str(rtcp_port))
        if mux:
            yield Attribute("rtcp-mux")


@attrs.frozen
class Running:
    """What the audio of a running call keeps: its profile, and whether it is encrypted."""

    proto: str | None  #: None towards a peer that knows ``a=encryption``: the level chooses
    secure: bool

    @property
    def level(self) -> Encryption:
        """Our level towards further offers of the peer."""
        return Encryption.REQUIRED if self.secure else Encryption.REJECTED


def offer(
    capabilities: Capabilities,
    address: str | None = None,
    port: int | None = None,
    *,
    rtcp_port: int | None = None,
    session_id: int = 0,
    session_version: int = 1,
    direction: Direction | None = None,
    previous: SessionDescription | None = None,
    running: Running | None = None,
) -> SessionDescription:
    """An offer of one audio line.

    With ``previous``, our last description of this session, it is a new offer: same origin, version counted up when
    something changed, every other line of the session kept as a line with port 0 (RFC 3264 section 8). ``running``
    keeps profile and level of encryption. Raises LocalProtocolError when the capabilities contradict themselves.
    """
    _check(capabilities)
    local = _local(capabilities, address, port, rtcp_port)
    audio = _offered_audio(capabilities, local, direction or capabilities.direction, running)
    media = (audio,) if previous is None else _keep_slots(previous, audio)
    return _description(capabilities, local, media, session_id, session_version, previous)


def answer(
    offered: SessionDescription,
    capabilities: Capabilities,
    address: str | None = None,
    port: int | None = None,
    *,
    rtcp_port: int | None = None,
    session_id: int = 0,
    session_version: int = 1,
    direction: Direction | None = None,
    previous: SessionDescription | None = None,
    running: Running | None = None,
) -> SessionDescription:
    """The answer to an offer: the first audio line that fits is accepted, every other line refused with port 0.

    ``running`` passes over lines that would change the level of encryption of a call. Raises EncryptionMismatch when
    every line would be refused and one of them for its level of encryption, else NoCommonCodec; both mean 488. An
    offer that switches the sound off is answered with port 0 everywhere; with lines of other kinds beside it only
    where there is a ``previous`` description.
    """
    _check(capabilities)
    local = _local(capabilities, address, port, rtcp_port)
    wish = direction or capabilities.direction
    level = capabilities.encryption if running is None else running.level
    lines: list[MediaDescription] = []
    accepted, why = False, NegotiationError()
    for media in offered.media:
        line = _refuse(media)
        if not accepted:
            try:
                line, accepted = _accept(offered, media, capabilities, local, wish, level), True
            except NegotiationError as error:
                # One line that cannot be used costs that line alone (RFC 3264 section 6).
                why = error if not isinstance(why, EncryptionMismatch) else why
        lines.append(line)
    if not accepted and not _ends_sound(offered, previous):
        raise (
            why if isinstance(why, EncryptionMismatch) else NoCommonCodec("no media line of the offer can be accepted")
        )
    return _description(capabilities, local, tuple(lines), session_id, session_version, previous)


def _ends_sound(offered: SessionDescription, previous: SessionDescription | None) -> bool:
    """Whether an offer is answered in kind, all ports 0: it switches everything off (RFC 3264 section 8.2).

    In a running session it does so, too, when it switches the sound off and adds what we do not do: to refuse the
    whole of it would let the sound go on. As a first offer that is one without any line for us.
    """
    return bool(offered.media) and (offered.switched_off if previous is None else offered.silent)


def _check(capabilities: Capabilities) -> None:
    numbers = [codec.payload_type for codec in capabilities.formats]
    if not capabilities.codecs or len(set(numbers)) != len(numbers):
        raise LocalProtocolError("capabilities need a voice codec and a payload type of its own for each format")
    if capabilities.encryption is not Encryption.REJECTED and not capabilities.crypto:
        raise LocalProtocolError(f"encryption {capabilities.encryption} needs crypto lines")


def _local(capabilities: Capabilities, address: str | None, port: int | None, rtcp_port: int | None) -> LocalMedia:
    return LocalMedia(
        address=capabilities.address if address is None else address,
        port=capabilities.port if port is None else port,
        rtcp_port=rtcp_port,
    )


def _description(
    capabilities: Capabilities,
    local: LocalMedia,
    media: tuple[MediaDescription, ...],
    session_id: int,
    session_version: int,
    previous: SessionDescription | None,
) -> SessionDescription:
    origin = Origin(session_id, session_version, local.address) if previous is None else previous.origin
    made = SessionDescription(
        origin=origin,
        name=capabilities.session_name,
        connection=Connection(local.address),
        bandwidths=(capabilities.bandwidth,) if capabilities.bandwidth else (),
        media=media,
    )
    if previous is None or made == previous:
        return made
    return attrs.evolve(made, origin=attrs.evolve(origin, session_version=origin.session_version + 1))


def _keep_slots(previous: SessionDescription, audio: MediaDescription) -> tuple[MediaDescription, ...]:
    """The lines of a new offer: audio in its slot, the others switched off in theirs."""
    slot = _audio_slot(previous)
    if slot is None:
        return (*(_refuse(media) for media in previous.media), audio)
    return tuple(audio if index == slot else _refuse(media) for index, media in enumerate(previous.media))


def _audio_slot(description: SessionDescription) -> int | None:
    audio = [index for index, media in enumerate(description.media) if media.kind.lower() == "audio"]
    live = [index for index in audio if not description.media[index].rejected]
    return next(iter(live or audio), None)


def _refuse(media: MediaDescription) -> MediaDescription:
    mid = media.attribute("mid")
    return MediaDescription(
        kind=media.kind,
        port=0,
        proto=media.proto,
        formats=media.formats or ("0",),  # the grammar wants one format, though some offers have none
        attributes=(Attribute("mid", mid),) if mid else (),
    )


def _offered_audio(
    capabilities: Capabilities, local: LocalMedia, direction: Direction, running: Running | None
) -> MediaDescription:
    level = capabilities.encryption
    proto = SECURE if level is Encryption.REQUIRED else PLAIN
    if running is not None:
        proto, level = running.proto or proto, level if running.secure else Encryption.REJECTED
    crypto = () if level is Encryption.REJECTED else capabilities.crypto
    return _audio(
        capabilities,
        local,
        proto=proto,
        codecs=capabilities.formats,
        direction=direction,
        mux=capabilities.rtcp_mux,
        label=capabilities.label,
        encryption=level if capabilities.announce_encryption else None,
        crypto=crypto,
    )


def _audio(
    capabilities: Capabilities,
    local: LocalMedia,
    *,
    proto: str,
    codecs: tuple[Codec, ...],
    direction: Direction,
    mux: bool,
    label: str | None = None,
    mid: str | None = None,
    encryption: Encryption | None = None,
    crypto: tuple[Crypto, ...] = (),
) -> MediaDescription:
    attributes = [Attribute("rtpmap", codec.rtpmap) for codec in codecs]
    attributes += [Attribute("fmtp", f"{codec.payload_type} {codec.fmtp}") for codec in codecs if codec.fmtp]
    attributes.append(Attribute("ptime", str(capabilities.ptime)))
    if capabilities.maxptime is not None:
        attributes.append(Attribute("maxptime", str(capabilities.maxptime)))
    attributes += local.attributes(mux)
    optional = (("mid", mid), ("label", label), ("encryption", encryption and str(encryption)))
    attributes += [Attribute(name, value) for name, value in optional if value]
    attributes += [Attribute("crypto", str(line)) for line in crypto]
    attributes.append(Attribute(str(direction)))
    return MediaDescription(
        kind="audio",
        port=local.port,
        proto=proto,
        formats=tuple(str(codec.payload_type) for codec in codecs),
        attributes=tuple(attributes),
    )


def _accept(
    offered: SessionDescription,
    media: MediaDescription,
    capabilities: Capabilities,
    local: LocalMedia,
    wish: Direction,
    level: Encryption,
) -> MediaDescription:
    """Our answer to one line; raises NegotiationError when we cannot take it."""
    if media.kind.lower() != "audio" or media.rejected or not is_rtp(media.proto):
        raise NoCommonCodec("not audio over RTP")
    connection = offered.connection_of(media)
    codecs = common_codecs(media, capabilities)
    if not codecs or connection is None or not (connection.usable or connection.on_hold):
        raise NoCommonCodec("no common codec, or no address")
    crypto = _choose_crypto(offered, media, capabilities, level)
    announced = capabilities.announce_encryption and media.has("encryption")
    return _audio(
        capabilities,
        local,
        proto=_answered_profile(offered, media, crypto),
        codecs=codecs,
        direction=effective_direction(offered, media).reversed & wish,
        mux=capabilities.rtcp_mux and media.has("rtcp-mux"),
        label=capabilities.label if media.has("label") else None,
        mid=media.attribute("mid"),
        encryption=capabilities.encryption if announced else None,
        crypto=(crypto,) if crypto else (),
    )


def _answered_profile(offered: SessionDescription, media: MediaDescription, crypto: Crypto | None) -> str:
    """That of the offer, except where ``a=encryption`` lets the answer choose (see ``rtp.sdp.encryption``)."""
    chooses = media.has("encryption") or offered.has("encryption")
    return SECURE if crypto is not None and chooses and media.proto.upper() == PLAIN else media.proto


def common_codecs(media: MediaDescription, capabilities: Capabilities) -> tuple[Codec, ...]:
    """The formats of an answer: ours that the line has, in its order and under its numbers; empty without voice."""
    own = {codec.key: codec for codec in capabilities.formats}
    shared = [
        attrs.evolve(codec, fmtp=own[codec.key].fmtp, encoding=own[codec.key].encoding)
        for codec in media.codecs
        if codec.key in own
    ]
    voice = [codec for codec in shared if codec.encoding.upper() not in AUXILIARY]
    if not voice:
        return ()
    keep = voice[:1] if capabilities.one_codec else voice
    # An event or noise format goes with a voice codec only on the same clock (RFC 4733 section 2.1).
    beside = [codec for codec in shared if codec not in voice and codec.clock_rate == voice[0].clock_rate]
    unique = {codec.key: codec for codec in reversed(keep + beside)}  # the first number of each format
    return tuple(unique[key] for key in dict.fromkeys(codec.key for codec in keep + beside))


def effective_direction(description: SessionDescription, media: MediaDescription) -> Direction:
    """What the writer of a line really does: with the unspecified address, or a bandwidth of zero, he receives nothing
    (RFC 3264 sections 8.4 and 5)."""
    direction = description.direction_of(media)
    connection = description.connection_of(media)
    if (connection is not None and connection.on_hold) or wants_no_media(description, media):
        return Direction.of(sends=direction.sends, receives=False)
    return direction


def _choose_crypto(
    offered: SessionDescription, media: MediaDescription, capabilities: Capabilities, ours: Encryption
) -> Crypto | None:
    """The key line of our answer, None for plain RTP; raises EncryptionMismatch."""
    level = level_of(media, offered.attribute("encryption"))
    if Encryption.REJECTED in (level, ours):
        if Encryption.REQUIRED in (level, ours):
            raise EncryptionMismatch(f"offer has encryption {level}, we have {ours}")
        return None
    own = {line.suite: line for line in capabilities.crypto}
    for line in parse_crypto_lines(media.attributes_named("crypto")):
        if line.suite in own:
            return attrs.evolve(own[line.suite], tag=line.tag)
    if Encryption.REQUIRED in (level, ours):
        raise EncryptionMismatch("no usable crypto line in the offer")
    return None
