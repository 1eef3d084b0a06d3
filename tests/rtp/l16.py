"""A codec with another clock than those of the table: L16 at 16 kHz (RFC 3551 section 4.5.11)."""

from __future__ import annotations

from rtp import AudioCoding, Codec


def l16_decode(payload: bytes) -> bytes:
    """Network byte order (RFC 3551 section 4.5.11), every second sample."""
    return b"".join(payload[n + 1 : n + 2] + payload[n : n + 1] for n in range(0, len(payload), 4))


def l16_encode(pcm: bytes) -> bytes:
    return b"".join(2 * (pcm[n + 1 : n + 2] + pcm[n : n + 1]) for n in range(0, len(pcm), 2))


L16 = AudioCoding(l16_decode, l16_encode, silence=b"\0", clock_rate=16_000, octet_rate=32_000)
EVENTS = Codec(payload_type=101, encoding="telephone-event", clock_rate=16_000, fmtp="0-15")
L16_CODEC = Codec(payload_type=96, encoding="L16", clock_rate=16_000)
