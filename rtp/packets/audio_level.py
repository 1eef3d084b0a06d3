"""Audio levels in RTP header extensions: of the sender (RFC 6464) and of the mixed contributors (RFC 6465)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import attrs

from rtp.codecs.pcm import samples_of
from rtp.errors import LocalProtocolError, MalformedPacket

CLIENT_TO_MIXER: Final = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
MIXER_TO_CLIENT: Final = "urn:ietf:params:rtp-hdrext:csrc-audio-level"
SILENCE: Final = 127  #: the level of digital silence and of a muted sender
_FULL_SCALE: Final = 32767
_MAX_CONTRIBUTORS: Final = 15  #: as many as there can be CSRC


def level_of(pcm: bytes) -> int:
    """The level of some PCM: root mean square in dBov with the sign dropped, 0 (loudest) to 127."""
    samples = samples_of(pcm)
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return SILENCE
    level = 20 * math.log10(math.sqrt(energy / len(samples)) / _FULL_SCALE)
    return min(SILENCE, max(0, round(-level)))


@attrs.frozen
class AudioLevel:
    """What a client says about the packet that carries it (RFC 6464 section 3)."""

    level: int  #: 0-127, dBov with the sign dropped
    voice: bool = False  #: the client takes the packet for speech, when ``vad=on`` was agreed

    @classmethod
    def parse(cls, element: bytes) -> AudioLevel:
        # In the two-byte form an octet of padding may have been counted in.
        """Raises MalformedPacket for another length."""
        if not 1 <= len(element) <= 2:
            raise MalformedPacket(f"audio level of {len(element)} octets")
        return cls(element[0] & 0x7F, element[0] > 0x7F)

    def __bytes__(self) -> bytes:
        return bytes([self.voice << 7 | _checked(self.level)])


def parse_contributor_levels(element: bytes, contributors: Sequence[int]) -> dict[int, int]:
    """Levels by CSRC, in whose order they stand (RFC 6465 section 3); raises MalformedPacket."""
    if len(element) > _MAX_CONTRIBUTORS or len(element) != len(contributors):
        raise MalformedPacket(f"{len(element)} levels for {len(contributors)} contributors")
    return {ssrc: octet & 0x7F for ssrc, octet in zip(contributors, element, strict=True)}


def build_contributor_levels(levels: Sequence[int]) -> bytes:
    """One octet for each CSRC, in the order of the CSRC list; raises LocalProtocolError."""
    if len(levels) > _MAX_CONTRIBUTORS:
        raise LocalProtocolError("more than 15 contributors")
    return bytes(_checked(level) for level in levels)


def _checked(level: int) -> int:
    if not 0 <= level <= SILENCE:
        raise LocalProtocolError(f"audio level {level} is not 0 to 127")
    return level
