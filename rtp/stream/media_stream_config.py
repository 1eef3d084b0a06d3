"""Settings of the media of one leg."""

from __future__ import annotations

import attrs

from rtp.field_types import checks_types
from rtp.shown import Shown
from rtp.stream.jitter_buffer import JitterBufferConfig
from rtp.stream.rtcp_session import RtcpConfig
from rtp.stream.source_lock import SourcePolicy
from rtp.stream.unproven import UnprovenPolicy


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class MediaStreamConfig(Shown):
    """Times in seconds."""

    #: Without RTP and RTCP the call is taken for dead; RTCP alone keeps it. None: for as long as one likes.
    silence_timeout: float | None = 60.0
    max_datagram: int = 2048  #: octets; legacy peers never exceed 1500, and a jumbo would fill the jitter buffer
    accept_own_ssrc: bool = False  #: hear packets under our own SSRC, for test peers that echo them unchanged
    source: SourcePolicy = SourcePolicy()
    #: How much an address gets from which nothing came. None, for a peer that is trusted to name its own: everything.
    unproven: UnprovenPolicy | None = UnprovenPolicy()
    jitter: JitterBufferConfig = JitterBufferConfig()
    rtcp: RtcpConfig = RtcpConfig()
