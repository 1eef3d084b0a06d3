"""Callers at the door of a conference: prompts, keys, the lobby, and how long all of that may take (`mcu.door`)."""

from __future__ import annotations

from c3p import DisconnectionMethod, EntryCheck
from mcu.audio.prompts import Playback, seconds_of
from mcu.context import Context, Wait
from mcu.door import Door, DoorInput, DoorState
from mcu.events import LegWaiting
from mcu.leg import Disconnection, Leg
from mcu.legs.dial_out import DialOut
from mcu.legs.termination import Termination
from mcu.media import Media


class Doors:
    """Lets callers in, or turns them away."""

    def __init__(self, context: Context, media: Media, termination: Termination, dial_out: DialOut) -> None:
        self._context, self._media, self._termination, self._dial_out = context, media, termination, dial_out
        media.on_key = self.pressed

    def made_for(self, check: EntryCheck | None) -> Door | None:
        """The door that a Focus wants for a caller; ``None`` where it may go straight in."""
        if check is None or not (check.passcode or check.lobby):
            return None
        most = self._context.config.passcode_tries
        tries = most if check.tries is None else max(1, min(check.tries, most))
        return Door.made(passcode=check.passcode or "", lobby=bool(check.lobby), tries=tries)

    def arrived(self, leg: Leg, *, now: float) -> None:
        """The call is up, and the caller in front of its door."""
        assert leg.door is not None
        self._context.notify(leg.conference, self._context.documents.connected(leg), now=now)
        self._ask(leg, leg.door, now)

    def _ask(self, leg: Leg, door: Door, now: float) -> None:
        """Say what is wanted, and wait for it."""
        config, prompts = self._context.config, self._context.config.prompts
        keying = door.state is DoorState.KEYING
        if keying:
            self._media.play(leg, Playback(prompts.passcode, every=prompts.passcode_every))
        else:
            self._media.play(leg, Playback(prompts.waiting, every=prompts.waiting_every))
        self._wait(leg, now + (config.passcode_timeout if keying else config.lobby_timeout))
        self._context.emit(LegWaiting(**leg.about(config.owner), passcode=keying))

    def _wait(self, leg: Leg, until: float | None) -> None:
        self._context.deadlines.set((Wait.DOOR, leg), until)

    def pressed(self, leg: Leg, key: str, now: float) -> bool:
        """A key of a leg; false when it is at no door, so that the key is for the application."""
        door = leg.door
        if door is None:
            return False
        if door.state is DoorState.KEYING:
            if door.press(key):
                self._judge(leg, door, now)
            else:
                self._media.play(leg, None)  # whoever knows what is wanted need not hear it
                self._wait(leg, now + self._context.config.key_timeout)
        return True

    def _judge(self, leg: Leg, door: Door, now: float) -> None:
        given = door.judge()
        door.life.command(given)
        if given is DoorInput.RIGHT:
            self._open(leg, now)
        elif given is DoorInput.LOBBY:
            self._ask(leg, door, now)
        elif given is DoorInput.WRONG:
            self._context.counters["wrong passcodes"] += 1
            sound = self._context.config.prompts
            self._media.play(leg, Playback(sound.wrong + sound.passcode))
            self._wait(leg, now + self._context.config.passcode_timeout)
        else:
            self._context.counters["wrong passcodes"] += 1
            self._shut(leg, now)

    def due(self, leg: Leg, *, now: float) -> None:
        """A pause after a key, or the end of a wait."""
        door = leg.door
        if door is None or not leg.connected:
            return
        if door.state is DoorState.SHUT:
            why = "wrong passcode" if door.tries <= 0 else "nobody let the caller in"
            self._termination.give_up(leg, Disconnection(method=DisconnectionMethod.FAILED, reason=why), now=now)
        elif door.keys:
            self._judge(leg, door, now)
        else:
            door.life.command(DoorInput.TIMER)
            self._shut(leg, now)

    def _shut(self, leg: Leg, now: float) -> None:
        sound = self._context.config.prompts.farewell
        self._media.play(leg, Playback(sound))
        self._wait(leg, now + seconds_of(sound))

    def admit(self, leg: Leg, *, now: float) -> None:
        """A presenter lets the caller in; nothing happens when it is being turned away, or was let in."""
        if leg.door is not None and leg.door.life.follow(DoorInput.ADMITTED):
            if leg.connected:
                self._open(leg, now)
            else:
                leg.door = None

    def _open(self, leg: Leg, now: float) -> None:
        leg.door = None
        self._wait(leg, None)
        self._media.apply_filters(leg)
        self._media.play(leg, Playback(self._context.config.prompts.welcome))
        self._dial_out.report_connected(leg, now=now)
