"""The sound of one conference in the media plane: its legs, and what is apart from their frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from mcu.audio.active_speaker import ActiveSpeaker
from mcu.audio.announcements import Announcements
from mcu.audio.level_meter import LevelMeter
from mcu.audio.mixer import Mixer
from mcu.audio.tap import Taps
from mcu.events import LegId
from mcu.plane.line import Broken, Line, Sent
from mcu.plane.mixing import Mixing
from mcu.plane.speaking import Speaking
from rtp import MediaStream


class Plane(Protocol):
    """What a conference needs of its `MediaPlane`."""

    @property
    def mixing(self) -> Mixing:
        """What is remembered of each leg, where there are arrays."""

    @property
    def speaking(self) -> Speaking:
        """Who has the floor in each conference, where there are arrays."""

    @property
    def arrays(self) -> bool:
        """Whether there are."""

    def add(self, leg: LegId, stream: MediaStream, conference: ConferenceAudio) -> Line:
        """Let a leg take part."""

    def remove(self, line: Line) -> None:
        """Forget it."""

    def close(self, conference: ConferenceAudio) -> None:
        """The conference is over."""


class ConferenceAudio:
    """Made by `MediaPlane.open`, which mixes it."""

    def __init__(
        self,
        plane: Plane,
        conference: str,
        index: int,
        *,
        speaker: ActiveSpeaker[LegId],
        meter: LevelMeter[LegId] | None,
    ) -> None:
        self.conference = conference
        self.index = index  #: among the conferences of the plane; changes when another one closes
        self.lines: dict[LegId, Line] = {}
        self.announcements = Announcements()  #: what everybody hears, one after the other
        self.taps = Taps()
        self.levels: dict[LegId, int] | None = None  #: dBov of those who spoke, in the tick in which they are due
        self.mixer: Mixer[LegId] = Mixer(plane.mixing.settings)  #: what is remembered, unless the plane has arrays
        self._plane = plane
        self._speaker, self._meter = speaker, meter  #: likewise

    @property
    def speaker(self) -> LegId | None:
        """Who has the floor."""
        return self._plane.speaking.current(self.index) if self._plane.arrays else self._speaker.current

    def to_arrays(self) -> None:
        """What is remembered goes to the arrays of the plane."""
        selected, mixing = self.mixer.selected, self._plane.mixing
        for leg, line in self.lines.items():
            mixing.take(line.row, self.mixer.channel(leg), selected=leg in selected)
        self._plane.speaking.take(self.index, self._rows(), self._speaker, self._meter)

    def from_arrays(self) -> None:
        """It comes back."""
        mixing = self._plane.mixing
        for leg, line in self.lines.items():
            mixing.give(line.row, self.mixer.channel(leg))
        self.mixer.selected = tuple(leg for leg, line in self.lines.items() if mixing.selected[line.row])
        self._plane.speaking.give(self.index, self._rows(), self._speaker, self._meter)

    def _rows(self) -> dict[LegId, int]:
        return {leg: line.row for leg, line in self.lines.items()}

    def add(self, leg: LegId, stream: MediaStream) -> Line:
        """Let a leg take part from the next tick on."""
        self.mixer.add(leg)
        line = self._plane.add(leg, stream, self)
        self.lines[leg] = line
        return line

    def remove(self, leg: LegId) -> bool:
        """Take a leg out; true when it was the active speaker."""
        self.taps.end(leg)
        line = self.lines.pop(leg, None)
        if line is None:
            return False
        if self._plane.arrays:
            spoke = self._plane.speaking.forget(self.index, leg)
        else:
            spoke = self._speaker.remove(leg)
            if self._meter is not None:
                self._meter.remove(leg)
        self.mixer.remove(leg)
        self._plane.remove(line)
        return spoke

    def close(self) -> None:
        """The conference is over: nothing sounds there any more."""
        for leg in tuple(self.lines):
            self.remove(leg)
        self.taps.end_all()
        self._plane.close(self)

    def set_gains(self, leg: LegId, *, input_gain: float, output_gain: float) -> None:
        """Factors for what a leg says and for what it hears."""
        self.mixer.set_gains(leg, input_gain=input_gain, output_gain=output_gain)
        self._plane.mixing.set_gains(self.lines[leg].row, input_gain=input_gain, output_gain=output_gain)

    def filter(self, leg: LegId, *, muted: bool, deaf: bool) -> None:
        """What is taken in from a leg, and given to it."""
        self.mixer.set_muted(leg, muted)
        self.mixer.set_deaf(leg, deaf)
        self._plane.mixing.filter(self.lines[leg].row, muted=muted, deaf=deaf)

    def tick(self, now: float, out: list[Sent], broken: list[Broken]) -> bool:
        """One frame for everybody, leg by leg; true when the active speaker changed."""
        lines = self.lines
        frames: dict[LegId, bytes | None] = {}
        for leg, line in lines.items():
            try:
                frames[leg] = line.stream.pop_frame(now=now)
            except Exception as error:
                broken.append((leg, error, "mix", now))
        mix = self.mixer.mix(frames, self.announcements.next_frame())
        if self.taps:
            self.record(mix.whole, lambda line: frames.get(line.leg))
        for leg, line in lines.items():
            try:
                stream, alone = line.stream, None if line.playback is None else line.frame()
                payload = mix.encoded(leg, line.codec, stream.encode) if alone is None else stream.encode(alone)
                csrc = mix.contributors_to(leg) if alone is None else ()
                for sent in stream.send_frame(payload=payload, csrc=csrc, now=now):
                    out.append((leg, *sent))
            except Exception as error:
                broken.append((leg, error, "mix", now))
        loud = self.mixer.energies
        self.levels = None if self._meter is None else self._meter.update(loud, now=now)
        return self._speaker.update(loud, now=now)

    def record(self, whole: bytes | None, frame_of: Callable[[Line], bytes | None]) -> None:
        """One frame for each tap; who is muted is not recorded either."""
        for tap in self.taps.on(None):
            tap.write(whole)
        for leg in self.taps.legs:
            line = self.lines.get(LegId(leg))
            frame = None if line is None or self.mixer.is_muted(line.leg) else frame_of(line)
            for tap in self.taps.on(leg):
                tap.write(frame)
