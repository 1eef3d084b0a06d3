"""G.711, both laws (ITU-T G.711; RFC 3551 section 4.5.14): one octet a sample, 8000 samples a second.

PCM is bytes of signed 16-bit little-endian samples. Everything goes through tables that are built once at import, so
that a frame costs microseconds without any extension module.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from rtp.codecs.coding import AudioCoding
from rtp.codecs.pcm import samples_of
from rtp.errors import LocalProtocolError

_ULAW_BIAS: Final = 132  #: added before the logarithm, so that the smallest segment is linear
_ULAW_CLIP: Final = 32635  #: the largest magnitude whose biased value has 15 bits


def _ulaw_to_linear(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + _ULAW_BIAS) << (code >> 4 & 7)
    return _ULAW_BIAS - magnitude if code & 0x80 else magnitude - _ULAW_BIAS


def _linear_to_ulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    biased = min(abs(sample), _ULAW_CLIP) + _ULAW_BIAS
    exponent = biased.bit_length() - 8
    return ~(sign | exponent << 4 | biased >> (exponent + 3) & 0x0F) & 0xFF


def _alaw_to_linear(code: int) -> int:
    code ^= 0x55
    segment, mantissa = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = mantissa + 8 if segment == 0 else (mantissa + 0x108) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


def _linear_to_alaw(sample: int) -> int:
    mask, value = (0xD5, sample >> 3) if sample >= 0 else (0x55, -(sample >> 3) - 1)
    segment = max(0, value.bit_length() - 5)
    return (segment << 4 | (value >> max(segment, 1) & 0x0F)) ^ mask


def _look_up_each(codes: bytes, pcm: bytes) -> bytes:
    return bytes(map(codes.__getitem__, samples_of(pcm, "H")))


@lru_cache(maxsize=1)
def _look_up() -> Callable[[bytes, bytes], bytes]:
    """The fastest way here to turn PCM into codes; numpy, where it is installed, takes a fifth of the time."""
    try:
        import numpy
    except ImportError:
        return _look_up_each
    tables: dict[bytes, numpy.typing.NDArray[numpy.uint8]] = {}

    def look_up_all(codes: bytes, pcm: bytes) -> bytes:
        table = tables.get(codes)
        if table is None:
            table = tables[codes] = numpy.frombuffer(codes, numpy.uint8)
        return bytes(table[numpy.frombuffer(pcm, "<u2")])

    return look_up_all


class _Law:
    """Encoder and decoder of one law."""

    def __init__(self, to_linear: Callable[[int], int], from_linear: Callable[[int], int]) -> None:
        self.linear: tuple[int, ...] = tuple(to_linear(code) for code in range(256))
        self._low = bytes(value & 0xFF for value in self.linear)
        self._high = bytes(value >> 8 & 0xFF for value in self.linear)
        # Indexed by the sample as an unsigned number: 0..32767, then -32768..-1.
        samples = (*range(32768), *range(-32768, 0))
        self.codes: bytes = bytes(from_linear(sample) for sample in samples)

    def decode(self, payload: bytes) -> bytes:
        pcm = bytearray(2 * len(payload))
        pcm[0::2] = payload.translate(self._low)
        pcm[1::2] = payload.translate(self._high)
        return bytes(pcm)

    def encode(self, pcm: bytes) -> bytes:
        if len(pcm) % 2:
            raise LocalProtocolError("PCM of an odd number of octets")
        return _look_up()(self.codes, pcm)


_ULAW: Final = _Law(_ulaw_to_linear, _linear_to_ulaw)
_ALAW: Final = _Law(_alaw_to_linear, _linear_to_alaw)

ULAW_DECODE_TABLE: Final[tuple[int, ...]] = _ULAW.linear  #: sample of each code
ALAW_DECODE_TABLE: Final[tuple[int, ...]] = _ALAW.linear
ULAW_ENCODE_TABLE: Final[bytes] = _ULAW.codes  #: code of each sample, indexed by ``sample & 0xFFFF``
ALAW_ENCODE_TABLE: Final[bytes] = _ALAW.codes
ULAW_SILENCE: Final = 0xFF
ALAW_SILENCE: Final = 0xD5


def ulaw_decode(payload: bytes) -> bytes:
    """mu-law octets to PCM, -32124 to 32124."""
    return _ULAW.decode(payload)


def ulaw_encode(pcm: bytes) -> bytes:
    """PCM to mu-law octets; raises LocalProtocolError on half a sample."""
    return _ULAW.encode(pcm)


def alaw_decode(payload: bytes) -> bytes:
    """A-law octets to PCM, -32256 to 32256."""
    return _ALAW.decode(payload)


def alaw_encode(pcm: bytes) -> bytes:
    """PCM to A-law octets; raises LocalProtocolError on half a sample."""
    return _ALAW.encode(pcm)


ULAW: Final = AudioCoding(ulaw_decode, ulaw_encode, bytes([ULAW_SILENCE]), codes=ULAW_ENCODE_TABLE)
ALAW: Final = AudioCoding(alaw_decode, alaw_encode, bytes([ALAW_SILENCE]), codes=ALAW_ENCODE_TABLE)
