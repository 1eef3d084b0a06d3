"""What a voice codec is to the rest of this package: octets to PCM and back."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rtp.codecs.pcm import SAMPLE_RATE


@attrs.frozen
class AudioCoding:
    """How payloads of one voice codec become PCM and back.

    The PCM is what `rtp.codecs.pcm` says, so a codec of another sample rate converts by itself. Only here is known how
    long a payload is: everything else asks ``units`` and ``octets``.
    """

    decode: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]
    silence: bytes  #: one octet of silence
    clock_rate: int = SAMPLE_RATE  #: Hz, of timestamps: ``SAMPLE_RATE`` or a multiple of it
    octet_rate: int = SAMPLE_RATE  #: octets of payload a second
    #: The code of each sample, indexed by ``sample & 0xFFFF``, when the codec makes one octet of each: a mixer looks up
    #: whole frames in it.
    codes: bytes | None = None

    def units(self, octets: int) -> int:
        """How long so many octets of payload are, in units of the clock."""
        return octets * self.clock_rate // self.octet_rate

    def octets(self, units: int) -> int:
        """How many octets a payload of so many units of the clock has."""
        return units * self.octet_rate // self.clock_rate
