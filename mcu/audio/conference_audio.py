"""The sound of one conference: every 20 ms a frame from each leg, mixed, and a frame to each leg.

Needs numpy (extra ``mcu``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import attrs

from mcu.audio.active_speaker import ActiveSpeaker, SpeakerSettings
from mcu.audio.announcements import Announcements
from mcu.audio.level_meter import LevelMeter
from mcu.audio.mixer import Encoder, Mixer, table_encoder
from mcu.audio.mixer_settings import MixerSettings
from mcu.audio.prompts import Playback
from mcu.audio.tap import Taps
from mcu.events import LegId
from rtp import CODINGS, MediaEvent, MediaStream, Outgoing

Sent = tuple[LegId, str, bytes, tuple[str, int]]  #: leg, "rtp" or "rtcp", datagram, destination


#: The same tables as those of ``rtp``, looked up for a whole frame at once.
_ENCODERS = {name: table_encoder(coding.codes) for name, coding in CODINGS.items() if coding.codes is not None}


@attrs.define(eq=False, slots=True)
class Line:
    """The media of one leg in its mixer."""

    leg: LegId
    stream: MediaStream
    codec: str
    due: float = -math.inf  #: when the stream wants ``handle_timeout``
    playback: Playback | None = None  #: what it hears in place of the mix

    def frame(self) -> bytes | None:
        """The next 20 ms of what it hears in place of the mix; ``None`` when there is none, or no more."""
        frame = self.playback.next_frame() if self.playback is not None else None
        if frame is None:
            self.playback = None
        return frame

    @property
    def encode(self) -> Encoder:
        return _ENCODERS.get(self.codec, self.stream.encode)

    def timeout(self, now: float) -> tuple[list[MediaEvent], list[Outgoing]]:
        """Reports and silences that are due."""
        events = self.stream.handle_timeout(now=now)
        self.refresh()
        return events, self.stream.data_to_send()

    def refresh(self) -> None:
        """Ask the stream anew when it wants to be called."""
        at = self.stream.next_timeout()
        self.due = math.inf if at is None else at


class ConferenceAudio:
    """Mixes one conference. The sound of one leg that breaks is missing; the others hear each other all the same."""

    def __init__(
        self, conference: str, mixer: MixerSettings, speaker: SpeakerSettings, *, level_interval: float | None = None
    ) -> None:
        self.conference = conference
        self.lines: dict[LegId, Line] = {}
        self.broken: list[tuple[LegId, Exception]] = []  #: legs whose stream raised; whoever ticks takes them out
        self._mixer: Mixer[LegId] = Mixer(mixer)
        self._speaker: ActiveSpeaker[LegId] = ActiveSpeaker(speaker)
        self.announcements = Announcements()  #: what everybody hears, one after the other
        self.taps = Taps()
        self._meter: LevelMeter[LegId] | None = None if level_interval is None else LevelMeter(level_interval)
        self.levels: dict[LegId, int] | None = None  #: dBov of those who spoke, in the tick in which they are due

    @property
    def speaker(self) -> LegId | None:
        return self._speaker.current

    def add(self, leg: LegId, stream: MediaStream) -> Line:
        """Let a leg take part from the next tick on."""
        line = self.lines[leg] = Line(leg, stream, stream.agreement.codec.encoding.upper())
        self._mixer.add(leg)
        return line

    def remove(self, leg: LegId) -> bool:
        """Take a leg out; true when it was the active speaker."""
        self.lines.pop(leg, None)
        self.taps.end(leg)
        self._mixer.remove(leg)
        return self._speaker.remove(leg)

    def close(self) -> None:
        """The conference is over: nothing sounds there any more."""
        self.taps.end_all()

    def set_gains(self, leg: LegId, *, input_gain: float, output_gain: float) -> None:
        """Factors for what a leg says and for what it hears."""
        self._mixer.set_gains(leg, input_gain=input_gain, output_gain=output_gain)

    def filter(self, leg: LegId, *, muted: bool, deaf: bool) -> None:
        """What is taken in from a leg, and given to it."""
        self._mixer.set_muted(leg, muted)
        self._mixer.set_deaf(leg, deaf)

    def tick(self, now: float, out: list[Sent]) -> bool:
        """One frame for everybody; true when the active speaker changed."""
        lines = self.lines
        frames: dict[LegId, bytes | None] = {}
        for leg, line in lines.items():
            try:
                frames[leg] = line.stream.pop_frame(now=now)
            except Exception as error:
                self.broken.append((leg, error))
        mix = self._mixer.mix(frames, self.announcements.next_frame())
        if self.taps:
            self._record(frames, mix.whole)
        for leg, line in lines.items():
            try:
                alone = None if line.playback is None else line.frame()
                payload = mix.encoded(leg, line.codec, line.encode) if alone is None else line.encode(alone)
                csrc = mix.contributors_to(leg) if alone is None else ()
                for sent in line.stream.send_frame(payload=payload, csrc=csrc, now=now):
                    out.append((leg, *sent))
            except Exception as error:
                self.broken.append((leg, error))
        self.levels = None if self._meter is None else self._meter.update(self._mixer.energies, now=now)
        return self._speaker.update(self._mixer.energies, now=now)

    def _record(self, frames: Mapping[LegId, bytes | None], whole: bytes) -> None:
        """One frame for each tap; who is muted is not recorded either."""
        for tap in self.taps.on(None):
            tap.write(whole)
        for leg in self.taps.legs:
            frame = None if self._mixer.is_muted(LegId(leg)) else frames.get(LegId(leg))
            for tap in self.taps.on(leg):
                tap.write(frame)

    def skip(self, now: float) -> None:
        """A frame that nobody will hear: time lines and buffers go on without it."""
        if self.taps:
            for leg in (None, *self.taps.legs):
                for tap in self.taps.on(leg):
                    tap.write(None)
        for leg, line in self.lines.items():
            try:
                line.stream.pop_frame(now=now)
                line.stream.send_frame(now=now)
            except Exception as error:
                self.broken.append((leg, error))
