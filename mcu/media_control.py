"""What an application does with the sound of an A/V MCU: gains, keys, announcements, recordings.

Sound is 8 kHz, mono, signed 16-bit little-endian. Commands for a leg or a conference that is not here, or not in the
state for it, raise ``LocalProtocolError`` with nothing changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import rtp
from c3p import Request
from mcu.audio.prompts import Playback
from mcu.audio.tap import Tap
from mcu.config import McuConfig
from mcu.context import Context
from mcu.errors import LocalProtocolError
from mcu.events import LegId
from mcu.identity import conference_id
from mcu.leg import Leg
from mcu.legs.hold import Holds
from mcu.media import Media

if TYPE_CHECKING:
    from mcu.conference import Conference

#: The largest factor, 18 dB: what is louder than that is not sound any more, but clipping.
MAX_GAIN: Final = 8.0


class MediaControl:
    """The part of an `Mcu` that is called ``media_control``."""

    def __init__(self, context: Context, config: McuConfig, media: Media, holds: Holds) -> None:
        self._context, self._config, self._media, self._holds = context, config, media, holds

    # One leg ---------------------------------------------------------------------------------------------------------

    def set_gains(self, leg: LegId, *, input_gain: float = 1.0, output_gain: float = 1.0) -> None:
        """Factors for what a leg says and for what it hears, from 0 to `MAX_GAIN`; 1.0 changes nothing.

        They change within 20 ms, without a click. A gain of 0 is not muting: the roster does not show it. Raises
        ``LocalProtocolError``, as all of this class does.
        """
        known = self._connected(leg)
        if not (0.0 <= input_gain <= MAX_GAIN and 0.0 <= output_gain <= MAX_GAIN):
            raise LocalProtocolError(f"a gain is from 0 to {MAX_GAIN:g}")
        known.gains = input_gain, output_gain
        known.conference.mixer.set_gains(leg, input_gain=input_gain, output_gain=output_gain)

    def send_dtmf(self, leg: LegId, digits: str, *, duration: float = 0.1, pause: float = 0.06) -> None:
        """Press keys to the far end (RFC 4733): ``0``-``9``, ``*``, ``#``, ``A``-``D``, each ``duration`` seconds long.

        They take the place of the mix for that time, and leave from the next tick on. Raises also for what is not a
        key, for more than 64 that wait, and when the far end takes no telephone events.
        """
        stream = self._connected(leg).stream
        assert stream is not None
        try:
            stream.send_dtmf(digits, duration=duration, pause=pause)
        except rtp.LocalProtocolError as error:
            raise LocalProtocolError(str(error)) from error

    def hold(self, leg: LegId, *, now: float) -> None:
        """Put a leg on hold: it hears ``McuConfig.hold_music``, and nobody hears it.

        Ends in `HoldChanged` or `HoldFailed`. Raises ``LocalProtocolError`` also when it is on hold so already, or an
        offer of either side is open. Then drain all and read ``next_timeout``.
        """
        self.put_on_hold(self._connected(leg), holding=True, now=now)

    def resume(self, leg: LegId, *, now: float) -> None:
        """Take a leg back that ``hold`` put there. Ends, raises and obliges as that does."""
        self.put_on_hold(self._connected(leg), holding=False, now=now)

    def put_on_hold(self, leg: Leg, *, holding: bool, request: Request | None = None, now: float) -> None:
        """The same for a command of a Focus, which gets its response. Raises ``LocalProtocolError``."""
        self._holds.change(self._connected(leg.id), holding=holding, request=request, now=now)

    def play(self, leg: LegId, sound: bytes, *, every: float | None = None) -> None:
        """Let one leg hear a sound in place of the mix, once, or again ``every`` so many seconds; what plays ends.

        Raises ``LocalProtocolError`` also for a leg on hold, which has its music, and for half a sample.
        """
        known = self._connected(leg)
        if known.held_here:
            raise LocalProtocolError("that leg is on hold")
        if not sound or len(sound) % 2:
            raise LocalProtocolError("a sound is whole samples of 16 bits, and has one")
        self._media.play(known, Playback(sound, every=every))

    def stop(self, leg: LegId) -> None:
        """End what ``play`` began: the leg hears the mix. Raises ``LocalProtocolError`` for a leg on hold."""
        known = self._connected(leg)
        if known.held_here:
            raise LocalProtocolError("that leg is on hold")
        self._media.play(known, None)

    # One conference --------------------------------------------------------------------------------------------------

    def announce(self, conference: str, sound: bytes) -> bool:
        """Let everybody in a conference hear a sound, beside each other; those on hold do not.

        Sounds come one after the other. False, and nothing done, when four wait already. Raises
        ``LocalProtocolError`` for a sound that is none.
        """
        if not sound or len(sound) % 2:
            raise LocalProtocolError("a sound is whole samples of 16 bits, and has one")
        return self._conference(conference).mixer.announcements.play(sound)

    def tap(self, conference: str, leg: LegId | None = None) -> Tap:
        """Get a copy of the mix, or of what one leg says, from the next tick on.

        It waits in the tap for at most 10 s; take it from there more often. Who is muted is silent there,
        too. Raises also when ``McuConfig.max_taps`` are on the conference. Whether people may be recorded, and are to
        be told, is the business of the application.
        """
        mixer = self._conference(conference).mixer
        if leg is not None and self._connected(leg).conference.mixer is not mixer:
            raise LocalProtocolError("that leg is in another conference")
        if len(mixer.taps) >= self._config.max_taps:
            raise LocalProtocolError(f"{self._config.max_taps} taps are on this conference already")
        tap = Tap(mixer.conference)
        mixer.taps.add(leg, tap)
        return tap

    def close_tap(self, tap: Tap) -> None:
        """No more of that. What waits in it may still be taken; closing it again changes nothing."""
        if not tap.ended:
            self._conference(tap.conference).mixer.taps.close(tap)

    # What is here ----------------------------------------------------------------------------------------------------

    def _conference(self, uri: str) -> Conference:
        found = self._context.conferences.get(conference_id(uri) or "")
        if found is None:
            raise LocalProtocolError("that conference is not on this MCU")
        return found

    def _connected(self, number: LegId) -> Leg:
        leg = self._context.legs.get(number)
        if leg is None or not leg.connected or leg.at_door or leg.stream is None:
            raise LocalProtocolError("that leg is not connected")  # at the door it has its own prompts
        if leg.at_door:
            raise LocalProtocolError("that leg is not in the conference yet")
        return leg
