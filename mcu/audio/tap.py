"""A copy of what sounds in a conference, for whoever records it or listens to it by machine.

Sound is 8 kHz, mono, signed 16-bit little-endian. A tap has no hole: where nothing sounded, and where a late tick
skipped a frame, it has silence, so that its length is the time that has passed.
"""

from __future__ import annotations

from collections import deque
from typing import Final

FRAME: Final = 320  #: octets of 20 ms
SILENCE: Final = bytes(FRAME)
#: Frames that wait for an application, 10 s: whoever has not come by then does not keep up, and memory has an end.
MAX_WAITING: Final = 500


class Tap:
    """What the whole mix is, or what one leg says while it is not muted. Made by `MediaControl.tap`."""

    def __init__(self, conference: str, *, limit: int = MAX_WAITING) -> None:
        self.conference = conference  #: Conference-URI
        self.lost = 0  #: frames that nobody took in time; the oldest go first
        self.ended = False  #: nothing comes any more: the leg is gone, or the conference, or the tap was closed
        self._frames: deque[bytes] = deque(maxlen=limit)

    def write(self, frame: bytes | None) -> None:
        """One frame; ``None`` is silence."""
        self.lost += len(self._frames) == self._frames.maxlen
        self._frames.append(SILENCE if frame is None else frame)

    def take(self) -> bytes:
        """All sound since the last call."""
        sound = b"".join(self._frames)
        self._frames.clear()
        return sound


class Taps:
    """The taps of one conference, by the leg that they are on; ``None`` for the whole mix."""

    def __init__(self) -> None:
        self._taps: dict[int | None, list[Tap]] = {}

    def __bool__(self) -> bool:
        return bool(self._taps)

    def __len__(self) -> int:
        return sum(map(len, self._taps.values()))

    def on(self, leg: int | None) -> list[Tap]:
        """Those on one leg, or on the mix."""
        return self._taps.get(leg, [])

    @property
    def legs(self) -> list[int]:
        """Legs that somebody listens to."""
        return [leg for leg in self._taps if leg is not None]

    def add(self, leg: int | None, tap: Tap) -> None:
        self._taps.setdefault(leg, []).append(tap)

    def close(self, tap: Tap) -> None:
        """Nothing goes there any more; what waits may still be taken."""
        tap.ended = True
        for leg, taps in tuple(self._taps.items()):
            self._taps[leg] = [each for each in taps if each is not tap]
            if not self._taps[leg]:
                del self._taps[leg]

    def end(self, leg: int) -> None:
        """The leg is gone."""
        for tap in self._taps.pop(leg, ()):
            tap.ended = True

    def end_all(self) -> None:
        """The conference is over."""
        for taps in self._taps.values():
            for tap in taps:
                tap.ended = True
        self._taps.clear()
