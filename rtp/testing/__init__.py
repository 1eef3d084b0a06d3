"""Hypothesis strategies for the values of this package, a network that delays, loses and reorders, and judges of media.

Needs the ``testing`` extra (``pip install '.[testing]'`` in a checkout).
"""

from __future__ import annotations

from rtp.testing.judges.description import check_answer, check_description, check_next_description
from rtp.testing.judges.finding import Finding, Force
from rtp.testing.judges.stream import MediaPacket, check_stream
from rtp.testing.strategies import (
    Impairment,
    addresses,
    attributes,
    capabilities,
    codecs,
    media_descriptions,
    pcm,
    report_blocks,
    rtcp_compounds,
    rtcp_packets,
    rtcp_reports,
    rtp_packets,
    session_descriptions,
    ssrcs,
    telephone_events,
)

__all__ = [
    "Finding",
    "Force",
    "Impairment",
    "MediaPacket",
    "addresses",
    "attributes",
    "capabilities",
    "check_answer",
    "check_description",
    "check_next_description",
    "check_stream",
    "codecs",
    "media_descriptions",
    "pcm",
    "report_blocks",
    "rtcp_compounds",
    "rtcp_packets",
    "rtcp_reports",
    "rtp_packets",
    "session_descriptions",
    "ssrcs",
    "telephone_events",
]
