"""Codecs that make one octet of each sample, for many frames at once."""

from __future__ import annotations

from typing import Final

from mcu.plane.columns import FRAME, Octets, Rows, Samples, np
from mcu.plane.mixing import Mixed
from rtp import CODINGS

#: Codecs that make one octet of each sample; each has the number of its place here.
TABLED: Final = tuple(coding for coding in CODINGS.values() if coding.codes is not None)
NUMBERS: Final = {name: TABLED.index(coding) for name, coding in CODINGS.items() if coding.codes is not None}
_DECODED: Final = np.frombuffer(b"".join(each.decode(bytes(range(256))) for each in TABLED), "<i2").reshape(-1, 256)
#: The same for two octets that follow on each other: to look up half as often takes two thirds of the time.
_PAIRS: Final = tuple(
    np.stack([np.tile(table, 256), np.repeat(table, 256)], axis=-1).view("<i4").ravel() for table in _DECODED
)
_ENCODED: Final = tuple(np.frombuffer(coding.codes or b"", dtype=np.uint8) for coding in TABLED)


def decode(numbers: Rows, payload: Octets) -> Samples:
    """Payloads, one a row, each in the codec with the number of its row."""
    if (numbers == numbers[0]).all():
        pairs = np.ascontiguousarray(payload).view("<u2")
        return np.take(_PAIRS[numbers[0]], pairs, mode="clip").view("<i2")
    return np.take(_DECODED, payload + 256 * numbers[:, None])


def encode(number: int, pcm: Samples) -> Octets:
    """Frames, one a row, in one codec."""
    return np.take(_ENCODED[number], pcm.view("<u2"))


def payloads(mixed: Mixed, conference: Rows, numbers: Rows) -> Octets:
    """What each leg hears in the codec with its number; a frame that many hear is encoded once. A row whose number is
    -1 has nothing."""
    size = len(numbers)
    payload = np.empty((size, FRAME), dtype=np.uint8)
    shared = np.ones(size, dtype=np.bool_)
    shared[mixed.private_rows] = False
    for number in range(len(TABLED)):
        spoken = numbers == number
        rows = np.nonzero(spoken & shared)[0]
        if len(rows):
            where = conference[rows]
            heard = np.zeros(len(mixed.total), dtype=np.bool_)
            heard[where] = True
            frames = encode(number, mixed.shared(np.nonzero(heard)[0]))
            payload[rows] = frames[np.cumsum(heard)[where] - 1]
        apart = np.nonzero(spoken[mixed.private_rows])[0]
        if len(apart):
            payload[mixed.private_rows[apart]] = encode(number, mixed.private[apart])
    return payload
