"""The voice codecs that this package has: one row for each module beside this one.

A further codec is a module with an `AudioCoding` of its own, and its row here; the offer lists it when it is in
`Capabilities.codecs`. Nothing else changes: packets are cut and timed by what the row says of clock and octets, and
whatever the clock is, the PCM that is kept and mixed has `SAMPLE_RATE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rtp.codecs import g711
from rtp.codecs.coding import AudioCoding
from rtp.sdp.codec import Codec

#: By upper-case encoding name.
CODINGS: Final[Mapping[str, AudioCoding]] = {
    "PCMU": g711.ULAW,
    "PCMA": g711.ALAW,
}


def coding_of(codec: Codec) -> AudioCoding | None:
    """The coding of an agreed format; None when this package has none for its name and clock."""
    coding = CODINGS.get(codec.encoding.upper())
    return coding if coding is not None and coding.clock_rate == codec.clock_rate else None
