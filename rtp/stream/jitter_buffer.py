"""The jitter buffer of one receiving leg: packets in when they come, one frame out at every tick.

It holds PCM by extended RTP timestamp, so that any packet length comes out as frames of one length. It knows no
clock: ``push`` and ``pop`` are told the time, and the play point moves by one frame with every ``pop``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import attrs

from rtp.codecs.comfort_noise import NoiseGenerator
from rtp.codecs.pcm import SAMPLE_RATE, attenuated, crossfaded
from rtp.field_types import ABOVE_ZERO, checks_types
from rtp.shown import Shown
from rtp.stream.play_delay import SMOOTHING, PlayDelay, Step
from rtp.stream.steady_flow import SteadyBuffer

_ATTENUATION: Final = (1.0, 0.7, 0.4)  #: of the last frame, repeated for lost ones; silence after these


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class JitterBufferConfig(Shown):
    """Lengths in seconds unless said otherwise."""

    #: Hz: samples a second of the PCM, whatever the clock of the codec
    clock_rate: int = attrs.field(default=SAMPLE_RATE, metadata=ABOVE_ZERO)
    frame: float = attrs.field(default=0.02, metadata=ABOVE_ZERO)  #: one ``pop``
    min_delay: float = 0.02  #: less would lose a packet whenever it comes a moment late
    max_delay: float = 0.2  #: more hurts talk more than loss does
    capacity: float = 0.5  #: what a burst may hold before its oldest part is dropped
    max_packets: int = 50  #: the same as a bound on memory, whatever the packets are
    reset_jump: float = 2.0  #: a jump of the timestamp beyond this is a new stream


class FrameKind(Enum):
    """Where a frame comes from."""

    VOICE = "voice"
    CONCEALED = "concealed"  #: made up for a lost packet, or silence in its place
    NOISE = "noise"  #: comfort noise


@attrs.frozen
class Frame:
    """One frame of sound."""

    kind: FrameKind
    pcm: bytes


class Pushed(Enum):
    """What became of a packet."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    LATE = "late"


class JitterBuffer:
    """See the module.

    Counters of packets: ``late``, ``duplicates``, ``dropped``; of frames: ``concealed``, ``inserted`` and ``skipped``
    (left out, to be rid of delay); of samples: ``trimmed`` (from packets that came partly too late); of streams:
    ``resets``.
    """

    def __init__(self, config: JitterBufferConfig | None = None) -> None:
        self.config = config = config or JitterBufferConfig()
        self._frame = round(config.frame * config.clock_rate)  # samples; likewise all below
        self._capacity = round(config.capacity * config.clock_rate)
        self._reset_jump = round(config.reset_jump * config.clock_rate)
        self._bounds = round(config.min_delay * config.clock_rate), round(config.max_delay * config.clock_rate)
        self._silence = bytes(2 * self._frame)
        self._delay = PlayDelay(frame=self._frame, shortest=self._bounds[0], longest=self._bounds[1])
        self._generator = NoiseGenerator()
        self.late = self.duplicates = self.dropped = 0  # packets
        self.concealed = self.inserted = self.skipped = 0  # frames
        self.trimmed = 0  # samples
        self.resets = 0
        self._jitter = 0.0
        self._target = self._bounds[0]
        self._pieces: dict[int, bytes] = {}
        self._noise_at: dict[int, int] = {}
        self._highest: int | None = None  #: extended timestamp of the newest packet
        self._clear()

    def _clear(self) -> None:
        self._pieces.clear()
        self._noise_at.clear()
        self._highest = None
        self._play: int | None = None  #: the next sample to play; None before a talkspurt
        self._played_until: int | None = None  #: end of the sound that was really played
        self._waiting_since: float | None = None
        self._arrival: tuple[float, int] | None = None
        self._misses = 0  #: frames concealed in a row
        self._last = self._silence
        self._noise: int | None = None  #: level while the peer sends comfort noise

    def reset(self) -> None:
        """Begin again, for another source or another time line. The jitter seen so far is kept as a first guess."""
        self.resets += 1
        self._clear()

    # What an observer may ask

    @property
    def depth(self) -> float:
        """Seconds of sound that are waiting."""
        return sum(map(len, self._pieces.values())) / 2 / self.config.clock_rate

    @property
    def target_delay(self) -> float:
        """Seconds that packets shall wait: twice the jitter and one packet, within the bounds."""
        return self._target / self.config.clock_rate

    @property
    def counters(self) -> Mapping[str, int]:
        """How often a packet or a frame was late, doubled, dropped, made up and so on, by what it was."""
        names = ("late", "duplicates", "dropped", "concealed", "inserted", "skipped", "trimmed", "resets")
        return {name: getattr(self, name) for name in names}

    # Packets in

    def push(self, timestamp: int, pcm: bytes, *, now: float, marker: bool = False) -> Pushed:
        """One packet of sound; ``timestamp`` in samples, modulo 2**32, ``marker`` begins a talkspurt."""
        samples = len(pcm) // 2
        if not samples:
            return Pushed.LATE
        at = self._arrived(timestamp, now)
        low, high = self._bounds
        self._target = max(low, min(high, round(2 * self._jitter) + samples))
        self._rewind_if_needed(at, now, marker)
        floor = self._played_until if self._play is None else self._play
        if floor is not None and at < floor:
            if at + samples <= floor:
                self.late += 1
                return Pushed.LATE
            self.trimmed += floor - at
            pcm, at = pcm[2 * (floor - at) :], floor
        if at in self._pieces:
            self.duplicates += 1
            return Pushed.DUPLICATE
        self._pieces[at] = pcm
        if self._play is not None:
            self._delay.arrived(at - self._play, self._target)
        elif self._waiting_since is None:
            self._waiting_since = now
        if len(self._pieces) > 1:
            self._bound()
        return Pushed.STORED

    def push_noise(self, timestamp: int, level: int, *, now: float) -> None:
        """A comfort noise packet: from ``timestamp`` on pauses sound like ``level`` dBov below zero."""
        at = self._arrived(timestamp, now)
        if self._play is None and not self._pieces:
            self._noise = level
            return
        if len(self._noise_at) < self.config.max_packets:
            self._noise_at[at] = level

    def _arrived(self, timestamp: int, now: float) -> int:
        """The extended timestamp; measures jitter, and resets after a jump."""
        at = self._extend(timestamp)
        if self._highest is not None and abs(at - self._highest) > self._reset_jump:
            self.reset()
        if self._highest is None or at > self._highest:
            self._highest = at
        if self._arrival is not None:
            arrival, before = self._arrival
            difference = abs((now - arrival) * self.config.clock_rate - (at - before))
            # More than the buffer can even out is a pause of the sender, not jitter.
            if difference < self._capacity:
                self._jitter += (difference - self._jitter) * SMOOTHING
        self._arrival = now, at
        return at

    def _extend(self, timestamp: int) -> int:
        if self._highest is None:
            return timestamp + (1 << 32)
        difference = (timestamp - self._highest + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        return self._highest + difference

    def _rewind_if_needed(self, at: int, now: float, marker: bool) -> None:
        """Choose the play point afresh at a talkspurt, and when the buffer had run dry before an unheard packet:
        then it is better to wait longer from now on than to lose it."""
        unheard = self._played_until is None or at >= self._played_until
        if self._play is None or self._pieces or not unheard:
            return
        starved = self._misses > 0 and 0 < self._play - at <= self._capacity
        if marker or starved or self._noise is not None:
            self._play, self._waiting_since = None, now

    def _bound(self) -> None:
        """Drop the oldest sound beyond the capacity."""
        newest = max(self._pieces)
        while len(self._pieces) > self.config.max_packets or newest - min(self._pieces) > self._capacity:
            del self._pieces[min(self._pieces)]
            self.dropped += 1
            first = min(self._pieces)
            if self._play is not None and self._play < first:
                self._delay.shift(self._play - first)
                self._play = first

    # Steady flow: see ``rtp.stream.steady_flow``

    @property
    def idle(self) -> bool:
        """Whether ``pop`` gives nothing and changes nothing until a packet comes."""
        waits = self._waiting_since is not None or self._pieces or self._noise_at
        return self._play is None and not waits and self._noise is None and not self._misses

    def steady(self) -> tuple[SteadyBuffer, int, float] | None:
        """The numbers, with timestamp and arrival of the newest packet; ``None`` when a frame is not there in turn."""
        play, frame, arrival = self._play, self._frame, self._arrival
        if play is None or arrival is None or self._misses or self._noise is not None or self._noise_at:
            return None
        count, delay = len(self._pieces), self._delay.steady()
        if delay is None or self._played_until != play or not self._highest == arrival[1] == play + (count - 1) * frame:
            return None
        waiting = [self._pieces.get(play + number * frame, b"") for number in range(count)]
        if any(len(pcm) != 2 * frame for pcm in (*waiting, self._last)):
            return None
        steady = SteadyBuffer(jitter=self._jitter, target=self._target, delay=delay, waiting=waiting, last=self._last)
        return steady, arrival[1], arrival[0]

    def resume(self, steady: SteadyBuffer, *, arrival: float) -> None:
        """Go on from there; the newest packet came at ``arrival``."""
        frame = self._frame
        play = self._play = self._played_until = (self._play or 0) + steady.played * frame
        self._pieces = {play + number * frame: pcm for number, pcm in enumerate(steady.waiting)}
        self._highest = play + (len(steady.waiting) - 1) * frame
        self._arrival = arrival, self._highest
        self._jitter, self._target, self._last = steady.jitter, steady.target, steady.last
        self._delay.resume(steady.delay)

    # Frames out

    def pop(self, *, now: float) -> Frame | None:
        """The frame of this tick; None when the peer sends nothing."""
        if self._play is None and not self._start(now):
            return self._pause()
        play = self._play
        assert play is not None
        if self._noise_at:
            self._take_noise(play + self._frame)
        pcm = self._pieces.pop(play, None)
        if pcm is None or len(pcm) != 2 * self._frame:
            pcm = self._assemble(play, pcm)
        if pcm is not None and self._delay.settled:
            return self._voice(play, pcm)
        while pcm is None and self._pieces and self._delay.too_long:
            # A frame that was lost, or a pause, is the best one to leave out.
            play = self._leave_out(play)
            pcm = self._take(play)
        if pcm is None:
            return self._missing(play)
        step = self._delay.step(pcm)
        if step is Step.PUT_IN:
            self._pieces[play] = pcm
            self._delay.shift(self._frame)
            self.inserted += 1
            return Frame(FrameKind.CONCEALED, self._last)
        if step is Step.LEAVE_OUT:
            following = self._take(play + self._frame)
            if following is not None:
                play, pcm = self._leave_out(play), crossfaded(pcm, following, self._frame // 2)
        return self._voice(play, pcm)

    def _take(self, play: int) -> bytes | None:
        """One frame out of what waits; None when nothing falls into it."""
        pcm = self._pieces.pop(play, None)
        return pcm if pcm is not None and len(pcm) == 2 * self._frame else self._assemble(play, pcm)

    def _leave_out(self, play: int) -> int:
        """Play on from the next frame; what was left out counts as played."""
        self.skipped += 1
        self._delay.shift(-self._frame)
        self._play = self._played_until = play + self._frame
        return play + self._frame

    def _voice(self, play: int, pcm: bytes) -> Frame:
        self._play = self._played_until = play + self._frame
        self._misses = 0
        self._noise = None
        self._last = pcm
        return Frame(FrameKind.VOICE, pcm)

    def _start(self, now: float) -> bool:
        """Begin a talkspurt when its first packet has waited for the target delay."""
        if self._waiting_since is None or now - self._waiting_since < self._target / self.config.clock_rate - 1e-6:
            return False
        self._play = play = min(self._pieces)
        self._delay.begin(self._target, max(self._pieces) - play)
        self._waiting_since = None
        return True

    def _pause(self) -> Frame | None:
        """Before a talkspurt."""
        if self._noise is not None:
            return self._noise_frame(self._noise)
        if self._misses:  # it had run dry, and waits for the buffer to fill again
            return self._conceal()
        return None

    def _noise_frame(self, level: int) -> Frame:
        return Frame(FrameKind.NOISE, self._generator.frame(level, self._frame))

    def _take_noise(self, end: int) -> None:
        for at in sorted(self._noise_at):
            if at < end:
                self._noise = self._noise_at.pop(at)

    def _assemble(self, play: int, first: bytes | None) -> bytes | None:
        """Cut one frame out of pieces of other lengths, silence in the gaps; None when nothing falls into it."""
        if first is not None:
            self._pieces[play] = first
        end, sound = play + self._frame, bytearray()
        for at in sorted(at for at in self._pieces if at < end):
            piece = self._pieces.pop(at)
            begin = max(play + len(sound) // 2, at)
            stop = min(at + len(piece) // 2, end)
            if stop > begin:
                sound += bytes(2 * (begin - play) - len(sound)) + piece[2 * (begin - at) : 2 * (stop - at)]
            if at + len(piece) // 2 > end:
                self._pieces.setdefault(end, piece[2 * (end - at) :])
        if not sound:
            return None
        return bytes(sound) + bytes(2 * self._frame - len(sound))

    def _missing(self, play: int) -> Frame | None:
        if self._noise is not None:
            self._play = play + self._frame
            return self._noise_frame(self._noise)
        if not self._pieces and not self._noise_at and self._misses >= len(_ATTENUATION):
            # Nothing follows: the peer fell silent without a word.
            self._play, self._misses = None, 0
            return None
        self._play = play + self._frame
        return self._conceal()

    def _conceal(self) -> Frame:
        factor = _ATTENUATION[self._misses] if self._misses < len(_ATTENUATION) else 0.0
        self._misses += 1
        self.concealed += 1
        return Frame(FrameKind.CONCEALED, attenuated(self._last, factor) if factor else self._silence)
