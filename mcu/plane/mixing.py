"""The mixes of all conferences at once: what `mcu.Mixer` does for one, sample for sample.

A property of the tests mixes the same frames with both. Which leg is in which conference is a column, and so is what a
`Mixer` remembers of each leg.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import attrs

from mcu.audio.mixer import Channel
from mcu.audio.mixer_settings import MixerSettings
from mcu.plane.columns import FRAME, Columns, Flags, Real, Rows, Samples, Whole, Wide, np

MOST_CSRC: Final = 15  #: RFC 3550 section 5.1
#: What a `Channel` has as well, under the same name.
_REMEMBERED: Final = (
    *("input_gain", "output_gain", "muted", "deaf", "talking", "above", "below", "loudness", "mixed", "withheld"),
)


@attrs.define(kw_only=True)
class Mixed:
    """One frame of all conferences."""

    total: Wide  #: sum of each conference, one a row
    private_rows: Rows  #: legs that hear something of their own
    private: Samples  #: and what
    csrc: Whole  #: of each leg, the numbers of whom it hears, loudest first; as many as ``csrc_counts`` are meant
    csrc_counts: Whole
    energy_rows: Rows  #: legs that were talking and are not muted, in the order in which they came
    energies: Real  #: mean square of each of them

    def shared(self, conferences: Rows) -> Samples:
        """What somebody hears in each of these conferences who says nothing, one a row."""
        return _clipped(self.total[conferences])

    def heard(self, row: int, conference: int) -> bytes:
        """What one leg of a conference hears."""
        place = int(np.searchsorted(self.private_rows, row))
        if place < len(self.private_rows) and self.private_rows[place] == row:
            return bytes(self.private[place])
        return self.shared(np.array([conference])).tobytes()


class Mixing(Columns):
    """See the module."""

    FRESH: ClassVar[dict[str, tuple[Any, Any, tuple[int, ...]]]] = {
        "conference": (np.intp, 0, ()),
        "source_id": (np.int64, 0, ()),
        "order": (np.int64, 0, ()),
        "input_gain": (np.float64, 1.0, ()),
        "output_gain": (np.float64, 1.0, ()),
        "muted": (np.bool_, False, ()),
        "deaf": (np.bool_, False, ()),
        "talking": (np.bool_, False, ()),
        "above": (np.int64, 0, ()),
        "below": (np.int64, 0, ()),
        "loudness": (np.float64, 0.0, ()),
        "mixed": (np.float64, 0.0, ()),
        "withheld": (np.bool_, False, ()),
        "heard": (np.float64, np.nan, ()),
        "apart": (np.bool_, True, ()),
        "selected": (np.bool_, False, ()),
    }
    conference: Rows
    source_id: Whole  #: in CSRC lists
    order: Whole  #: in which legs came: among equals the first is first
    input_gain: Real
    output_gain: Real
    muted: Flags
    deaf: Flags
    talking: Flags
    above: Whole  #: frames above the gate in a row
    below: Whole
    loudness: Real
    mixed: Real  #: factor at the end of its last frame in the sum, 0.0 when it was not in it
    withheld: Flags  #: it was talking in the last tick and was not in the sum
    heard: Real  #: factor at the end of the last frame it was given to hear; no number before that
    apart: Flags  #: it may hear something else than what is shared, though it says nothing
    selected: Flags

    def __init__(self, settings: MixerSettings) -> None:
        super().__init__()
        self.settings = settings
        self.conferences = 0
        self._came = 0
        # From just above 0 to exactly 1, so that the frame after a ramp needs none.
        self._rise = np.arange(1, FRAME + 1, dtype=np.float64) / FRAME

    def add(self, conference: int, source_id: int) -> int:
        """A leg takes part; its row."""
        row = self.append()
        self.conference[row], self.source_id[row], self.order[row] = conference, source_id, self._came
        self._came += 1
        return row

    def take(self, row: int, channel: Channel, *, selected: bool = False) -> None:
        """Go on with what a `Mixer` remembered of a leg."""
        for name in _REMEMBERED:
            getattr(self, name)[row] = getattr(channel, name)
        self.heard[row] = np.nan if channel.heard is None else channel.heard
        self.apart[row] = True
        self.selected[row] = selected

    def give(self, row: int, channel: Channel) -> None:
        """Let a `Mixer` go on with it."""
        for name in _REMEMBERED:
            setattr(channel, name, getattr(self, name)[row].item())
        channel.heard = None if np.isnan(self.heard[row]) else float(self.heard[row])

    def set_gains(self, row: int, *, input_gain: float, output_gain: float) -> None:
        """Factors for what a leg says and for what it hears."""
        self.input_gain[row], self.output_gain[row], self.apart[row] = input_gain, output_gain, True

    def filter(self, row: int, *, muted: bool, deaf: bool) -> None:
        """What is taken in from a leg, and given to it."""
        self.muted[row], self.deaf[row], self.apart[row] = muted, deaf, True

    def mix(self, rows: Rows, frames: Samples, announced: dict[int, Samples]) -> Mixed:
        """Mix one tick. ``rows`` have the ``frames``; all others say nothing. ``announced`` is heard in a conference
        besides, whoever is loud."""
        wide = frames.astype(np.int32)
        energy_rows, energies = self._listen(rows, frames, wide)
        ranked = self._select()
        who, own = self._contributions(rows, wide)
        total = np.zeros((self.conferences, FRAME), dtype=np.int32)
        if len(who):
            _add(total, self.conference[who], own)
        for conference, frame in announced.items():
            total[conference] += frame
        private_rows, private = self._private(who, own, total)
        csrc, counts = self._csrc(ranked, who)
        return Mixed(
            total=total,
            private_rows=private_rows,
            private=private,
            csrc=csrc,
            csrc_counts=counts,
            energy_rows=energy_rows,
            energies=energies,
        )

    def _listen(self, rows: Rows, frames: Samples, wide: Wide) -> tuple[Rows, Real]:
        """Decide who is talking; the rows of those who are, and are not muted, with the mean square of each."""
        settings, size = self.settings, self.size
        scores = np.zeros(size)
        # As 16 bits without sign -32768 has an absolute value, too.
        scores[rows] = np.einsum("ij->i", np.abs(frames).view("<u2").astype(np.int32)) / FRAME
        self.loudness[:size] += settings.smoothing * (scores - self.loudness[:size])
        over = scores >= settings.gate
        above = self.above[:size] = np.where(over, self.above[:size] + 1, 0)
        below = self.below[:size] = np.where(over, 0, self.below[:size] + 1)
        at_once = (scores >= settings.gate + settings.jump) | (above >= settings.onset_ticks) | (settings.gate == 0)
        talking = self.talking[:size]
        talking |= over & at_once
        talking &= over | (below < settings.hangover_ticks)
        heard = np.nonzero((talking & ~self.muted[:size])[rows])[0]
        heard = heard[np.argsort(self.order[rows[heard]], kind="stable")]
        sound = frames[heard].astype(np.float64)
        return rows[heard], np.einsum("ij,ij->i", sound, sound) / FRAME

    def _select(self) -> Rows:
        """Choose the contributors: who is in stays, unless a voice outside is clearly louder. Loudest first, conference
        by conference."""
        settings, size = self.settings, self.size
        able = np.nonzero(self.talking[:size] & ~self.muted[:size])[0]
        loudness = -self.loudness[able]
        rank = np.where(self.selected[able], loudness * settings.displace_ratio, loudness)
        order = np.lexsort((self.order[able], rank, self.conference[able]))
        able, loudness = able[order], loudness[order]
        conference = self.conference[able]
        chosen = _places(conference) < settings.max_contributors
        able, loudness, conference = able[chosen], loudness[chosen], conference[chosen]
        self.selected[:size] = False
        self.selected[able] = True
        return able[np.lexsort((loudness, conference))]

    def _contributions(self, rows: Rows, wide: Wide) -> tuple[Rows, Wide]:
        """The samples of each leg as they go into the sum, whole or ramped; the others are left out."""
        size = self.size
        after = np.where(self.selected[rows], self.input_gain[rows], 0.0)
        # A voice that begins comes in whole; one that was there but not heard would click, so it is ramped.
        before = self.mixed[rows]
        before = np.where(before != 0.0, before, np.where(self.withheld[rows], 0.0, after))
        self.mixed[:size], self.withheld[:size] = 0.0, False
        self.mixed[rows], self.withheld[rows] = after, self.talking[rows] & (after == 0.0)
        sounds = np.nonzero((before != 0.0) | (after != 0.0))[0]
        return rows[sounds], self._ramped(wide[sounds], before[sounds], after[sounds])

    def _ramped(self, wide: Wide, before: Real, after: Real) -> Wide:
        """Frames with a factor that goes from one to the other; as they are where both are 1."""
        changed = np.nonzero((before != 1.0) | (after != 1.0))[0]
        if len(changed):
            before, after = before[changed, None], after[changed, None]
            factors = before + (after - before) * self._rise
            wide[changed] = np.rint(wide[changed] * factors).astype(np.int32)
        return wide

    def _private(self, who: Rows, own: Wide, total: Wide) -> tuple[Rows, Samples]:
        """Who does not hear what is shared, and what they hear."""
        order = np.argsort(who)
        who, own = who[order], own[order]
        apart = np.nonzero(self.apart[: self.size])[0]
        after = np.where(self.deaf[apart], 0.0, self.output_gain[apart])
        before = self.heard[apart]
        before = np.where(np.isnan(before), after, before)
        self.heard[apart], self.apart[apart] = after, after != 1.0
        other = (before != 1.0) | (after != 1.0)
        if not other.any():
            return who, _clipped(total[self.conference[who]] - own)
        apart, before, after = apart[other], before[other], after[other]
        rows = np.union1d(who, apart)
        wide = total[self.conference[rows]]
        wide[np.searchsorted(rows, who)] -= own
        places = np.searchsorted(rows, apart)
        wide[places] = self._ramped(wide[places], before, after)
        wide[places[(before == 0.0) & (after == 0.0)]] = 0
        return rows, _clipped(wide)

    def _csrc(self, ranked: Rows, who: Rows) -> tuple[Whole, Whole]:
        """Whom each leg hears, and how many they are."""
        size = self.size
        sounds = np.zeros(size, dtype=np.bool_)
        sounds[who] = True
        ranked = ranked[sounds[ranked]]
        conference = self.conference[ranked]
        place = _places(conference)
        most = int(place.max()) + 1 if len(place) else 0
        loudest = np.zeros((self.conferences, most + 1), dtype=np.int64)
        loudest[conference, place] = self.source_id[ranked]
        count = np.bincount(conference, minlength=self.conferences)
        csrc, counts = loudest[self.conference[:size]], count[self.conference[:size]]
        # Nobody hears itself: what follows on it moves up.
        later = np.arange(most) >= place[:, None]
        csrc[ranked, :most] = np.where(later, csrc[ranked, 1 : most + 1], csrc[ranked, :most])
        counts[ranked] -= 1
        return csrc, np.minimum(counts, MOST_CSRC)


def _places(groups: Rows) -> Rows:
    """The place of each entry among those of its group, which stand together."""
    every = np.arange(len(groups))
    if not len(groups):
        return every
    begins = np.r_[True, groups[1:] != groups[:-1]]
    return every - np.maximum.accumulate(np.where(begins, every, 0))


def _add(total: Wide, where: Rows, own: Wide) -> None:
    """Add each row of one to that row of the other."""
    order = np.argsort(where, kind="stable")
    ordered = where[order]
    starts = np.nonzero(np.r_[True, ordered[1:] != ordered[:-1]])[0]
    if len(starts) == len(where):
        total[where] += own
    else:
        total[ordered[starts]] += np.add.reduceat(own[order], starts, axis=0)


def _clipped(wide: Wide) -> Samples:
    return np.clip(wide, -32768, 32767).astype("<i2")
