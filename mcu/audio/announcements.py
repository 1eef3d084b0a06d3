"""Sound that everybody in a conference hears besides each other: entry and exit tones, and what is announced."""

from __future__ import annotations

from collections import deque
from typing import Final

FRAME: Final = 320  #: octets of 20 ms
#: Sounds that wait for their turn. Twenty people who come at once need no twenty tones, one after the other.
MAX_WAITING: Final = 4


class Announcements:
    """Plays sounds one after the other. Sound is 8 kHz, mono, signed 16-bit little-endian."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._position = 0

    def play(self, sound: bytes) -> bool:
        """Put a sound at the end; false, and nothing done, when too many wait or it has no sound."""
        if not sound or len(self._waiting) >= MAX_WAITING:
            return False
        self._waiting.append(sound)
        return True

    def stop(self) -> None:
        """Nothing more of what plays and waits."""
        self._waiting.clear()
        self._position = 0

    @property
    def sounds(self) -> bool:
        """Whether there is anything to hear."""
        return bool(self._waiting)

    def next_frame(self) -> bytes | None:
        """The next 20 ms; ``None`` when there is nothing to hear."""
        if not self._waiting:
            return None
        frame = self._waiting[0][self._position : self._position + FRAME]
        self._position += FRAME
        if self._position >= len(self._waiting[0]):
            self._waiting.popleft()
            self._position = 0
        return frame.ljust(FRAME, b"\0")
