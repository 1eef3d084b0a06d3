"""RTP over real sockets with asyncio."""

from __future__ import annotations

from rtp.aio.audio_session import AudioSession, Playable, Recording
from rtp.aio.chance import live_entropy
from rtp.aio.ports import Arrival, MediaPorts, MediaPortsConfig, OpenPorts, TraceSink, TransportAddress
from rtp.aio.shared_port import SharedPort, media_ports
from rtp.aio.wav import WavWriter, read_wav, write_wav

__all__ = [
    "Arrival",
    "AudioSession",
    "MediaPorts",
    "MediaPortsConfig",
    "OpenPorts",
    "Playable",
    "Recording",
    "SharedPort",
    "TraceSink",
    "TransportAddress",
    "WavWriter",
    "live_entropy",
    "media_ports",
    "read_wav",
    "write_wav",
]
