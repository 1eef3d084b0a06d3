"""What a voice codec is to the rest of this package: octets to PCM and back."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rtp.codecs.pcm import SAMPLE_RATE


@attrs.frozen
class AudioCoding:
    """How payloads of one voice codec become PCM and back."""

    decode: Callable[[bytes], bytes]
    encode: Callable[[bytes], bytes]
    silence: bytes  #: one octet of silence
    clock_rate: int = SAMPLE_RATE  #: Hz, of timestamps
    #: The code of each sample, indexed by ``sample & 0xFFFF``, when the codec makes one octet of each: a mixer looks up
    #: whole frames in it.
    codes: bytes | None = None
