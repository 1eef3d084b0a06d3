"""Real-time media without I/O: SDP with offer and answer, RTP, RTCP, SRTP, jitter buffer, G.711, telephone events.

>>> import rtp
>>> packet = rtp.RtpPacket.parse(bytes.fromhex("80000001000000a0cafebabe") + b"\\xff" * 160)
>>> packet.payload_type, packet.timestamp, hex(packet.ssrc)
(0, 160, '0xcafebabe')
>>> offer = rtp.offer(rtp.Capabilities(), "192.0.2.1", 40000)
>>> offer.media[0].formats
('0', '8', '13', '101')
"""

from __future__ import annotations

from rtp.codecs.coding import AudioCoding
from rtp.codecs.comfort_noise import ComfortNoise, NoiseGenerator
from rtp.codecs.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode
from rtp.codecs.table import CODINGS
from rtp.entropy import Entropy
from rtp.errors import (
    AuthenticationFailed,
    EncryptionMismatch,
    LimitExceeded,
    LocalProtocolError,
    LocalRtpError,
    MalformedPacket,
    MalformedSdp,
    NegotiationError,
    NoCommonCodec,
    RemoteProtocolError,
    RemoteRtpError,
    ReplayedPacket,
    RtpError,
)
from rtp.events import (
    MediaEvent,
    MediaSilent,
    ReceptionReported,
    RemoteAddressLearned,
    SourceLeft,
    SourceLocked,
    SourceNamed,
    SourceTimedOut,
    SsrcCollided,
    TelephoneEventEnded,
    TelephoneEventStarted,
)
from rtp.packets.audio_level import AudioLevel
from rtp.packets.dtmf_info import DTMF_TYPES, DtmfInfo
from rtp.packets.header_extension import ExtensionMap, build_elements, parse_elements
from rtp.packets.red import RedundantBlock, build_redundant, parse_redundant
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
    build_compound,
    parse_rtcp,
)
from rtp.packets.rtp import RtpPacket
from rtp.packets.telephone_event import TelephoneEvent
from rtp.sdp.agreement import Agreement, MediaAgreement, Role, negotiate
from rtp.sdp.capabilities import Capabilities
from rtp.sdp.codec import CN, G722, PCMA, PCMU, TELEPHONE_EVENT, Codec
from rtp.sdp.defects import SdpDefect
from rtp.sdp.direction import Direction
from rtp.sdp.encryption import Encryption
from rtp.sdp.level import SdpLimits
from rtp.sdp.lines import Attribute, Connection, Origin
from rtp.sdp.media_description import MediaDescription
from rtp.sdp.offer_answer import answer, offer
from rtp.sdp.offer_answer_session import OfferAnswerSession, OfferState
from rtp.sdp.sdes import Crypto, InlineKey
from rtp.sdp.session_description import SessionDescription
from rtp.srtp.context import SrtpContext
from rtp.srtp.steady_keys import SteadyKeys
from rtp.stream.audio_session import PLAIN_PHONE, AudioSession, AudioSink, AudioSource
from rtp.stream.counters import MediaCounters
from rtp.stream.dtmf import DtmfReceiver, DtmfSender
from rtp.stream.jitter_buffer import Frame, FrameKind, JitterBuffer, JitterBufferConfig
from rtp.stream.media_stream import MediaStream
from rtp.stream.media_stream_config import MediaStreamConfig
from rtp.stream.outgoing import Outgoing
from rtp.stream.play_delay import DelayLimits, SteadyDelay
from rtp.stream.pressed_keys import KeyWay, PressedKeys
from rtp.stream.receiver import RtpReceiver
from rtp.stream.rtcp_session import RtcpConfig, RtcpSession
from rtp.stream.sender import RtpSender
from rtp.stream.source_lock import SourcePolicy
from rtp.stream.steady_flow import SteadyBuffer, SteadyFlow, SteadyInbound, SteadyOutbound
from rtp.stream.unproven import UnprovenPolicy

__all__ = [
    "CN",
    "CODINGS",
    "DTMF_TYPES",
    "G722",
    "PCMA",
    "PCMU",
    "PLAIN_PHONE",
    "TELEPHONE_EVENT",
    "Agreement",
    "ApplicationDefined",
    "Attribute",
    "AudioCoding",
    "AudioLevel",
    "AudioSession",
    "AudioSink",
    "AudioSource",
    "AuthenticationFailed",
    "Capabilities",
    "Codec",
    "ComfortNoise",
    "Connection",
    "Crypto",
    "DelayLimits",
    "Direction",
    "DtmfInfo",
    "DtmfReceiver",
    "DtmfSender",
    "Encryption",
    "EncryptionMismatch",
    "Entropy",
    "ExtensionMap",
    "Frame",
    "FrameKind",
    "Goodbye",
    "InlineKey",
    "JitterBuffer",
    "JitterBufferConfig",
    "KeyWay",
    "LimitExceeded",
    "LocalProtocolError",
    "LocalRtpError",
    "MalformedPacket",
    "MalformedSdp",
    "MediaAgreement",
    "MediaCounters",
    "MediaDescription",
    "MediaEvent",
    "MediaSilent",
    "MediaStream",
    "MediaStreamConfig",
    "NegotiationError",
    "NoCommonCodec",
    "NoiseGenerator",
    "OfferAnswerSession",
    "OfferState",
    "Origin",
    "Outgoing",
    "PressedKeys",
    "ReceiverReport",
    "ReceptionReported",
    "RedundantBlock",
    "RemoteAddressLearned",
    "RemoteProtocolError",
    "RemoteRtpError",
    "ReplayedPacket",
    "ReportBlock",
    "Role",
    "RtcpConfig",
    "RtcpPacket",
    "RtcpSession",
    "RtpError",
    "RtpPacket",
    "RtpReceiver",
    "RtpSender",
    "SdesChunk",
    "SdpDefect",
    "SdpLimits",
    "SenderReport",
    "SessionDescription",
    "SourceDescription",
    "SourceLeft",
    "SourceLocked",
    "SourceNamed",
    "SourcePolicy",
    "SourceTimedOut",
    "SrtpContext",
    "SsrcCollided",
    "SteadyBuffer",
    "SteadyDelay",
    "SteadyFlow",
    "SteadyInbound",
    "SteadyKeys",
    "SteadyOutbound",
    "TelephoneEvent",
    "TelephoneEventEnded",
    "TelephoneEventStarted",
    "UnknownRtcp",
    "UnprovenPolicy",
    "alaw_decode",
    "alaw_encode",
    "answer",
    "build_compound",
    "build_elements",
    "build_redundant",
    "negotiate",
    "offer",
    "parse_elements",
    "parse_redundant",
    "parse_rtcp",
    "ulaw_decode",
    "ulaw_encode",
]
