"""Keys that come in two ways: many phones, when they are set to do both, tell each key in RTP and in an INFO.

What comes the other way within a moment is the same press. Nothing in either says so; a person does not press one key
in one way and the same key in another.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import Final

#: Seconds between the two: an INFO may be sent when the key is let go, and be repeated on its way (RFC 3261, Timer E).
_APART: Final = 3.0
#: Keys of one way that wait for those of the other; nobody presses more in that time.
_MOST: Final = 32


class KeyWay(enum.Enum):
    """How a key came."""

    RTP = "rtp"  #: a telephone event (RFC 4733)
    INFO = "info"  #: the body of an INFO


class PressedKeys:
    """The keys of one call."""

    def __init__(self) -> None:
        self._lately: dict[KeyWay, deque[tuple[str, float]]] = {way: deque(maxlen=_MOST) for way in KeyWay}

    def is_press(self, digit: str, way: KeyWay, *, now: float) -> bool:
        """Whether a key is pressed that was not heard of in the other way already."""
        other = self._lately[KeyWay.INFO if way is KeyWay.RTP else KeyWay.RTP]
        while other and other[0][1] < now - _APART:
            other.popleft()
        for pressed in other:
            if pressed[0] == digit:
                other.remove(pressed)
                return False
        self._lately[way].append((digit, now))
        return True
