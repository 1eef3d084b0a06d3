"""Mixing: everybody hears the sum of the others.

Needs numpy (extra ``mcu``); importing this module without it raises ``MissingExtra``.

One call of ``Mixer.mix`` is one tick of 20 ms. Among the legs with voice the loudest few are the
contributors; their sum is formed once in 32 bits. A contributor hears the sum less its own samples,
subtracted before anything is clipped; all others hear the same frame, which is encoded once a codec.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

import attrs

from mcu.audio.mixer_settings import MixerSettings
from mcu.errors import MissingExtra

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as missing:  # pragma: no cover - tested in a process of its own
    raise MissingExtra("numpy", "mcu", "mixing") from missing

Leg = TypeVar("Leg", bound=Hashable)
Samples = NDArray[np.int16]
Wide = NDArray[np.int32]
Encoder = Callable[[bytes], bytes]


@attrs.define(slots=True)
class Channel:
    """What is remembered of one leg between two ticks."""

    input_gain: float = 1.0
    output_gain: float = 1.0
    muted: bool = False
    deaf: bool = False
    talking: bool = False
    above: int = 0
    below: int = 0
    loudness: float = 0.0
    mixed: float = 0.0  #: factor at the end of its last frame in the sum, 0.0 when it was not in it
    withheld: bool = False  #: it was talking in the last tick and was not in the sum
    heard: float | None = None  #: factor at the end of the last frame it was given to hear

    def listen(self, score: float, settings: MixerSettings) -> None:
        """Decide from the loudness of one frame whether the leg is talking."""
        self.loudness += settings.smoothing * (score - self.loudness)
        if score >= settings.gate:
            self.below = 0
            self.above += 1
            if score >= settings.gate + settings.jump or self.above >= settings.onset_ticks or settings.gate == 0:
                self.talking = True
        else:
            self.above = 0
            self.below += 1
            if self.below >= settings.hangover_ticks:
                self.talking = False


class Mix(Generic[Leg]):
    """The result of one tick."""

    def __init__(self, contributors: tuple[Leg, ...], shared: bytes, private: Mapping[Leg, bytes]) -> None:
        self.contributors = contributors  #: loudest first
        self._shared = shared
        self._private = private
        self._encoded: dict[str, bytes] = {}

    @property
    def silent(self) -> bool:
        """Whether nobody is heard."""
        return not self.contributors

    @property
    def whole(self) -> bytes:
        """The sum of all, as somebody hears it who says nothing."""
        return self._shared

    def frame(self, leg: Leg) -> bytes:
        """What ``leg`` hears: signed 16-bit samples, little-endian."""
        return self._private.get(leg, self._shared)

    def contributors_to(self, leg: Leg) -> tuple[Leg, ...]:
        """Who is in the frame of ``leg``, loudest first: the CSRC list, at most 15 (RFC 3550 section 5.1)."""
        if leg not in self._private:
            return self.contributors[:15]
        return tuple(each for each in self.contributors if each != leg)[:15]

    def encoded(self, leg: Leg, codec: str, encode: Encoder) -> bytes:
        """The frame of ``leg`` in ``codec``; the frame that most legs share is encoded once."""
        private = self._private.get(leg)
        if private is not None:
            return encode(private)
        frame = self._encoded.get(codec)
        if frame is None:
            frame = self._encoded[codec] = encode(self._shared)
        return frame


class Mixer(Generic[Leg]):
    """Mixes the legs of one conference."""

    def __init__(self, settings: MixerSettings | None = None) -> None:
        self.settings = settings or MixerSettings()
        self._channels: dict[Leg, Channel] = {}
        self._selected: tuple[Leg, ...] = ()
        samples = self.settings.frame_samples
        self._silence = bytes(2 * samples)
        # From just above 0 to exactly 1, so that the frame after a ramp needs none.
        self._rise = np.arange(1, samples + 1, dtype=np.float64) / samples
        self.energies: dict[Leg, float] = {}  #: mean square of each leg that was talking in the last tick

    def __contains__(self, leg: Leg) -> bool:
        return leg in self._channels

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, leg: Leg) -> None:
        """Let a leg take part; adding it again changes nothing."""
        self._channels.setdefault(leg, Channel())

    def remove(self, leg: Leg) -> None:
        """Forget a leg; nothing when it is not there."""
        self._channels.pop(leg, None)
        self._selected = tuple(each for each in self._selected if each != leg)

    def set_muted(self, leg: Leg, muted: bool) -> None:
        """Take the leg's input out of the mix, or back in; the change is a ramp of one frame."""
        self._channels[leg].muted = muted

    def set_deaf(self, leg: Leg, deaf: bool) -> None:
        """Give the leg silence to hear, or the mix again; the change is a ramp of one frame."""
        self._channels[leg].deaf = deaf

    def set_gains(self, leg: Leg, *, input_gain: float = 1.0, output_gain: float = 1.0) -> None:
        """Factors for what the leg says and for what it hears; 1.0 leaves samples exactly as they are."""
        channel = self._channels[leg]
        channel.input_gain, channel.output_gain = input_gain, output_gain

    def channel(self, leg: Leg) -> Channel:
        """What is remembered of a leg."""
        return self._channels[leg]

    @property
    def selected(self) -> tuple[Leg, ...]:
        """The contributors of the last tick."""
        return self._selected

    @selected.setter
    def selected(self, legs: tuple[Leg, ...]) -> None:
        """Those whose place others have to take."""
        self._selected = legs

    def is_muted(self, leg: Leg) -> bool:
        """Whether its input is out of the mix."""
        return self._channels[leg].muted

    def mix(self, frames: Mapping[Leg, bytes | None], announcement: bytes | None = None) -> Mix[Leg]:
        """Mix one tick. Legs without a frame (or with ``None``: silence, comfort noise) say nothing.

        Each frame is ``frame_samples`` signed 16-bit little-endian samples; another length is taken as
        silence, as is a leg that was not added. ``announcement`` is a frame that everybody hears besides, whoever is
        loud; it is in nobody's CSRC list.
        """
        size = len(self._silence)
        legs = [
            leg for leg, frame in frames.items() if frame is not None and len(frame) == size and leg in self._channels
        ]
        samples = np.frombuffer(b"".join([frames[leg] or b"" for leg in legs]), dtype="<i2")
        matrix = samples.reshape(len(legs), self.settings.frame_samples)
        self._listen(legs, matrix)
        contributions = self._contributions(legs, matrix)
        if announcement is not None and len(announcement) != size:
            announcement = None
        return self._outputs(contributions, announcement)

    def _listen(self, legs: list[Leg], matrix: Samples) -> None:
        scores = np.abs(matrix.astype(np.int32)).mean(axis=1).tolist() if legs else []
        heard = dict(zip(legs, scores, strict=True))
        for leg, channel in self._channels.items():
            channel.listen(heard.get(leg, 0.0), self.settings)
        talking = [row for row, leg in enumerate(legs) if self._channels[leg].talking and not self._channels[leg].muted]
        squares = np.square(matrix[talking].astype(np.float64)).mean(axis=1).tolist() if talking else []
        self.energies = {legs[row]: square for row, square in zip(talking, squares, strict=True)}
        self._select()

    def _select(self) -> None:
        """Choose the contributors: who is in stays, unless a voice outside is clearly louder."""
        channels, settings = self._channels, self.settings
        able = [leg for leg, channel in channels.items() if channel.talking and not channel.muted]
        held = {leg for leg in self._selected if leg in channels}

        def rank(leg: Leg) -> float:
            return -channels[leg].loudness * (settings.displace_ratio if leg in held else 1.0)

        chosen = sorted(able, key=rank)[: settings.max_contributors]
        self._selected = tuple(sorted(chosen, key=lambda leg: -channels[leg].loudness))

    def _contributions(self, legs: list[Leg], matrix: Samples) -> dict[Leg, Wide]:
        """Each leg's samples as they go into the sum: whole, ramped, or not at all."""
        selected = set(self._selected)
        contributions: dict[Leg, Wide] = {}
        for row, leg in enumerate(legs):
            channel = self._channels[leg]
            after = channel.input_gain if leg in selected else 0.0
            # A voice that begins comes in whole; one that was there but not heard would click, so it is ramped.
            before = channel.mixed or (0.0 if channel.withheld else after)
            channel.mixed, channel.withheld = after, channel.talking and not after
            if before or after:
                wide = matrix[row].astype(np.int32)
                contributions[leg] = wide if before == after == 1.0 else self._ramped(wide, before, after)
        for leg in self._channels.keys() - frozenset(legs):
            self._channels[leg].mixed, self._channels[leg].withheld = 0.0, False
        return contributions

    def _ramped(self, wide: Wide, before: float, after: float) -> Wide:
        factors = before + (after - before) * self._rise if before != after else np.float64(after)
        return np.rint(wide * factors).astype(np.int32)

    def _outputs(self, contributions: Mapping[Leg, Wide], announcement: bytes | None) -> Mix[Leg]:
        total = np.zeros(self.settings.frame_samples, dtype=np.int32)
        if announcement is not None:
            total += np.frombuffer(announcement, dtype="<i2")
        for contribution in contributions.values():
            total += contribution
        private: dict[Leg, bytes] = {}
        for leg, channel in self._channels.items():
            after = 0.0 if channel.deaf else channel.output_gain
            before = after if channel.heard is None else channel.heard
            channel.heard = after
            if before == after == 0.0:
                private[leg] = self._silence
            elif leg in contributions or not before == after == 1.0:
                own = contributions.get(leg)
                wide = total if own is None else total - own
                private[leg] = self._clipped(wide if before == after == 1.0 else self._ramped(wide, before, after))
        contributors = tuple(leg for leg in self._selected if leg in contributions)
        sounds = contributions or announcement is not None
        return Mix(contributors, self._clipped(total) if sounds else self._silence, private)

    @staticmethod
    def _clipped(wide: Wide) -> bytes:
        return np.clip(wide, -32768, 32767).astype("<i2").tobytes()
