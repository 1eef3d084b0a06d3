"""Hypothesis strategies for the values of this package, and a network that delays, loses and reorders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs

try:
    from hypothesis import strategies as st
except ImportError as error:  # pragma: no cover - the message is for people without the extra
    raise ImportError("rtp.testing needs hypothesis: pip install '.[testing]' in a checkout") from error

from rtp.packets.rtcp import (
    ApplicationDefined,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SdesChunk,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
)
from rtp.packets.rtp import RtpPacket
from rtp.packets.telephone_event import TelephoneEvent
from rtp.sdp.capabilities import Capabilities
from rtp.sdp.codec import CN, FIRST_DYNAMIC, PCMA, PCMU, STATIC, TELEPHONE_EVENT, Codec
from rtp.sdp.direction import Direction
from rtp.sdp.lines import Attribute, Connection, Origin
from rtp.sdp.media_description import MediaDescription
from rtp.sdp.session_description import SessionDescription

T = TypeVar("T")

_words = st.integers(0, 0xFFFF_FFFF)
_tokens = st.text("abcdefghijklmnopqrstuvwxyz-0123456789", min_size=1, max_size=12).filter(
    lambda name: name not in frozenset(Direction)
)
_texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=24).filter(
    lambda text: bool(text.strip()) and text[0] != " "
)


def ssrcs() -> st.SearchStrategy[int]:
    """SSRC values that every peer takes: never 0."""
    return st.integers(1, 0xFFFF_FFFF)


def addresses() -> st.SearchStrategy[str]:
    """Addresses of the documentation ranges (RFC 5737, RFC 3849)."""
    return st.builds("192.0.2.{}".format, st.integers(1, 254)) | st.builds(
        "2001:db8::{:x}".format, st.integers(1, 0xFFFF)
    )


def pcm(samples: int = 160) -> st.SearchStrategy[bytes]:
    """PCM of that many samples."""
    return st.binary(min_size=2 * samples, max_size=2 * samples)


# RTP


@st.composite
def _extensions(draw: st.DrawFn) -> tuple[int | None, bytes]:
    profile = draw(st.none() | st.integers(0, 0xFFFF))
    return profile, b"" if profile is None else draw(st.binary(max_size=5)) * 4


def rtp_packets() -> st.SearchStrategy[RtpPacket]:
    """Any valid RTP packet, with every option of the header."""

    def build(extension: tuple[int | None, bytes], **fields: object) -> RtpPacket:
        return RtpPacket(extension_profile=extension[0], extension=extension[1], **fields)  # type: ignore[arg-type]

    return st.builds(
        build,
        _extensions(),
        payload_type=st.integers(0, 127),
        sequence_number=st.integers(0, 0xFFFF),
        timestamp=_words,
        ssrc=_words,
        payload=st.binary(max_size=40),
        marker=st.booleans(),
        csrc=st.lists(_words, max_size=15).map(tuple),
        padding=st.integers(0, 12),
    )


def telephone_events() -> st.SearchStrategy[TelephoneEvent]:
    return st.builds(
        TelephoneEvent,
        st.integers(0, 255),
        st.booleans(),
        st.integers(0, 63),
        st.integers(0, 0xFFFF),
        st.booleans(),
    )


# RTCP


def report_blocks() -> st.SearchStrategy[ReportBlock]:
    lost = st.integers(-(2**23), 2**23 - 1)
    return st.builds(ReportBlock, _words, st.integers(0, 255), lost, _words, _words, _words, _words)


_blocks = st.lists(report_blocks(), max_size=4).map(tuple)
_word_bodies = st.binary(max_size=5).map(lambda data: data * 4)
_items = st.tuples(st.integers(1, 255), st.binary(max_size=20))
_chunks = st.builds(SdesChunk, _words, st.lists(_items, max_size=3).map(tuple))
_reasons = st.none() | st.text("abc def", min_size=1, max_size=20)


def rtcp_reports() -> st.SearchStrategy[RtcpPacket]:
    """Sender and receiver reports."""
    return st.builds(SenderReport, _words, st.integers(0, 2**64 - 1), _words, _words, _words, _blocks, _word_bodies) | (
        st.builds(ReceiverReport, _words, _blocks, _word_bodies)
    )


def rtcp_packets() -> st.SearchStrategy[RtcpPacket]:
    """Any valid RTCP packet."""
    four = st.binary(min_size=4, max_size=4)
    return st.one_of(
        rtcp_reports(),
        st.builds(SourceDescription, st.lists(_chunks, max_size=3).map(tuple)),
        st.builds(Goodbye, st.lists(_words, max_size=3).map(tuple), _reasons),
        st.builds(ApplicationDefined, _words, four, _word_bodies, st.integers(0, 31)),
        st.builds(UnknownRtcp, st.integers(205, 223), st.integers(0, 31), _word_bodies),
    )


def rtcp_compounds() -> st.SearchStrategy[list[RtcpPacket]]:
    """Packets of one datagram, a report first."""
    return st.tuples(rtcp_reports(), st.lists(rtcp_packets(), max_size=4)).map(lambda parts: [parts[0], *parts[1]])


# SDP


def codecs() -> st.SearchStrategy[Codec]:
    """Formats with static and with dynamic numbers."""
    dynamic = st.builds(
        Codec,
        st.integers(FIRST_DYNAMIC, 127),
        _tokens,
        st.sampled_from([8000, 16000, 90000]),
        st.sampled_from([1, 2]),
    )
    return st.sampled_from(list(STATIC.values())) | dynamic


def attributes() -> st.SearchStrategy[Attribute]:
    """Attributes of any name, most of them unknown."""
    return st.builds(Attribute, _tokens, st.none() | _texts)


@st.composite
def media_descriptions(draw: st.DrawFn) -> MediaDescription:
    """Any media section, also of kinds and transports that we refuse."""
    formats = draw(st.lists(codecs(), min_size=1, max_size=6, unique_by=lambda codec: codec.payload_type))
    maps = [Attribute("rtpmap", codec.rtpmap) for codec in formats]
    direction = [Attribute(str(item)) for item in draw(st.lists(st.sampled_from(Direction), max_size=1))]
    connections = draw(st.lists(st.builds(Connection, addresses()), max_size=3))
    return MediaDescription(
        kind=draw(st.sampled_from(["audio", "audio", "video", "message"])),
        port=draw(st.sampled_from([0, 9, 5050, 65_535])),
        proto=draw(st.sampled_from(["RTP/AVP", "RTP/AVP", "RTP/SAVP", "UDP/TLS/RTP/SAVP", "TCP/RTP/AVP", "sip"])),
        formats=tuple(str(codec.payload_type) for codec in formats),
        connection=next(iter(connections), None),
        more_connections=tuple(connections[1:]),
        bandwidths=tuple(draw(st.lists(st.sampled_from(["AS:64", "CT:1000"]), max_size=1))),
        attributes=(*maps, *draw(st.lists(attributes(), max_size=3)), *direction),
        unknown=tuple(draw(st.lists(st.builds("y={}".format, _tokens), max_size=1))),
    )


def session_descriptions() -> st.SearchStrategy[SessionDescription]:
    """Any description; ``bytes`` of it parses to the same."""
    ids = st.integers(0, 2**64 - 1) | st.integers(2**64, 2**100)  # carriers write longer ones than they may
    return st.builds(
        SessionDescription,
        origin=st.builds(Origin, ids, ids, addresses()),
        name=_texts,
        connection=st.builds(Connection, addresses()),
        attributes=st.lists(attributes(), max_size=2).map(tuple),
        media=st.lists(media_descriptions(), max_size=4).map(tuple),
        about=st.lists(st.sampled_from(["i=a call", "e=a@example.com"]), max_size=1).map(tuple),
    )


def capabilities() -> st.SearchStrategy[Capabilities]:
    """One side's abilities: one or both laws in either order, with and without the extras."""
    return st.builds(
        Capabilities,
        codecs=st.sampled_from([(PCMU,), (PCMA,), (PCMU, PCMA), (PCMA, PCMU)]),
        comfort_noise=st.sampled_from([CN, None]),
        telephone_event=st.sampled_from([TELEPHONE_EVENT, attrs.evolve(TELEPHONE_EVENT, payload_type=96), None]),
        one_codec=st.booleans(),
        ptime=st.sampled_from([10, 20, 30, 60]),
        direction=st.sampled_from(Direction),
        rtcp_mux=st.booleans(),
        announce_encryption=st.booleans(),
    )


# Networks


@attrs.frozen(kw_only=True)
class Impairment:
    """What a network does to packets. ``uniform`` gives numbers in [0, 1); times in seconds."""

    uniform: Callable[[], float]
    delay: float = 0.02
    jitter: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0

    def carry(self, sent: Sequence[tuple[float, T]]) -> list[tuple[float, T]]:
        """(time sent, packet) in, (time of arrival, packet) out, in the order of arrival."""
        arrivals = [
            (at + self.delay + self.jitter * self.uniform(), packet)
            for at, packet in sent
            for _ in range(self._copies())
        ]
        return sorted(arrivals, key=lambda arrival: arrival[0])

    def _copies(self) -> int:
        if self.uniform() < self.loss:
            return 0
        return 2 if self.uniform() < self.duplication else 1
