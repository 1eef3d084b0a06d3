"""Real-time media without I/O: SDP with offer and answer, RTP, RTCP, SRTP, jitter buffer, G.711, telephone events.

>>> import rtp
>>> packet = rtp.RtpPacket.parse(bytes.fromhex("80000001000000a0cafebabe") + b"\\xff" * 160)
>>> packet.payload_type, packet.timestamp, hex(packet.ssrc)
(0, 160, '0xcafebabe')
>>> offer = rtp.offer(rtp.Capabilities(), "192.0.2.1", 40000)
>>> offer.media[0].formats
('0', '8', '13', '101')
"""

from rtp.agreement import Agreement, MediaAgreement, Role, negotiate
from rtp.capabilities import Capabilities
from rtp.codec import CN, G722, PCMA, PCMU, TELEPHONE_EVENT, Codec
from rtp.comfort_noise import ComfortNoise, NoiseGenerator
from rtp.direction import Direction
from rtp.encryption import Encryption
from rtp.errors import (
    AuthenticationFailed,
    EncryptionMismatch,
    LimitExceeded,
    LocalRtpError,
    MalformedPacket,
    MalformedSdp,
    NegotiationError,
    NoCommonCodec,
    RemoteRtpError,
    ReplayedPacket,
    RtpError,
)
from rtp.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rtp.media_description import MediaDescription
from rtp.offer_answer import answer, offer
from rtp.offer_answer_session import OfferAnswerSession
from rtp.packet import RtpPacket
from rtp.rtcp import (
    ApplicationDefined,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SdesChunk,
    SenderReport,
    SourceDescription,
    UnknownRtcp,
    build_compound,
    parse_rtcp,
)
from rtp.sdes import Crypto, InlineKey
from rtp.sdp import SessionDescription
from rtp.sdp_level import SdpLimits
from rtp.sdp_lines import Attribute, Connection, Origin
from rtp.telephone_event import TelephoneEvent

__all__ = [
    "CN",
    "G722",
    "PCMA",
    "PCMU",
    "TELEPHONE_EVENT",
    "Agreement",
    "ApplicationDefined",
    "Attribute",
    "AuthenticationFailed",
    "Capabilities",
    "Codec",
    "ComfortNoise",
    "Connection",
    "Crypto",
    "Direction",
    "Encryption",
    "EncryptionMismatch",
    "Goodbye",
    "InlineKey",
    "LimitExceeded",
    "LocalRtpError",
    "MalformedPacket",
    "MalformedSdp",
    "MediaAgreement",
    "MediaDescription",
    "NegotiationError",
    "NoCommonCodec",
    "NoiseGenerator",
    "OfferAnswerSession",
    "Origin",
    "ReceiverReport",
    "RemoteRtpError",
    "ReplayedPacket",
    "ReportBlock",
    "Role",
    "RtcpPacket",
    "RtpError",
    "RtpPacket",
    "SdesChunk",
    "SdpLimits",
    "SenderReport",
    "SessionDescription",
    "SourceDescription",
    "TelephoneEvent",
    "UnknownRtcp",
    "alaw_decode",
    "alaw_encode",
    "answer",
    "build_compound",
    "negotiate",
    "offer",
    "parse_rtcp",
    "ulaw_decode",
    "ulaw_encode",
]
