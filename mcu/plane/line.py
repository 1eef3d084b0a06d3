"""One leg of the media plane."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import attrs

from mcu.audio.prompts import Playback
from mcu.events import LegId
from rtp import MediaStream, SteadyFlow

Sent = tuple[LegId, str, bytes, tuple[str, int]]  #: leg, "rtp" or "rtcp", datagram, destination
Broken = tuple[LegId, Exception, str, float]  #: a leg whose stream raised, what it was to do, and when

#: Packets a second that a leg may have which are no ordinary ones; each costs as much as twenty ordinary ones. Sound of
#: 10 ms, keys and reports together are 130.
SLOW_RATE: Final = 200.0
#: How many of them at once: what a network holds back for half a second, and lets go.
SLOW_BURST: Final = 64.0


class Allowance:
    """How many packets may still come that are not ordinary ones."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left, self._at = SLOW_BURST, -math.inf

    def take(self, now: float) -> bool:
        """Whether one more may."""
        if now > self._at:
            self._left = min(SLOW_BURST, self._left + (now - self._at) * SLOW_RATE)
            self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


@attrs.define(eq=False, slots=True)
class Line:
    """The media of one leg. While it is in steady flow the plane does what its stream would; whoever asks for the
    stream has it back, as if it had done all that itself."""

    leg: LegId
    row: int
    codec: str
    held: MediaStream  #: its stream, which is not to be asked directly while it is in steady flow
    _recall: Callable[[Line], None]
    flow: SteadyFlow | None = None  #: what the stream gave, while it is in steady flow
    destination: tuple[str, int] | None = None
    rests_until: int = 0  #: tick before which it is left to its stream
    playback: Playback | None = None  #: what it hears in place of the mix
    own: Allowance = attrs.Factory(Allowance)  #: of packets from the host that we send to
    others: Allowance = attrs.Factory(Allowance)  #: of those from elsewhere, who are not to use up that

    @property
    def stream(self) -> MediaStream:
        """The stream, which has all that came and went."""
        if self.flow is not None:
            self._recall(self)
        return self.held

    def allows(self, host: str, now: float) -> bool:
        """Whether one more packet from there may come that is no ordinary one."""
        at = self.held.destination if self.flow is None else self.destination
        return (self.own if at is not None and at[0] == host else self.others).take(now)

    def frame(self) -> bytes | None:
        """The next 20 ms of what it hears in place of the mix; ``None`` when there is none, or no more."""
        frame = self.playback.next_frame() if self.playback is not None else None
        if frame is None:
            self.playback = None
        return frame
