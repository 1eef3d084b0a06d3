"""Callers at the door of a conference: prompts, keys, the lobby, and how long all of that may take (`mcu.door`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import attrs

from c3p import DisconnectionMethod, EntryCheck
from mcu.audio.prompts import Playback, Prompts, seconds_of
from mcu.conference import Conference
from mcu.context import Context, Wait
from mcu.door import Door, DoorInput, DoorState
from mcu.events import LegWaiting
from mcu.leg import Disconnection, Leg
from mcu.leg_state import Input, State
from mcu.legs.dial_out import DialOut
from mcu.legs.termination import Termination
from mcu.medium import Carried
from mcu.policy import Refusal, RefusalReason
from sip import TokenBuckets

#: Sources, and conferences, of which wrong passcodes are remembered, about 200 octets each. Who wants one to be
#: forgotten has to guess wrong as often as that.
_MOST_GUESSERS: Final = 10_000


class Prompter(Protocol):
    """A medium in which a leg can be spoken to by itself, and has keys."""

    prompts: Prompts
    on_key: Callable[[Leg, str, float], bool]  #: asked first about each key; true when it is for nobody else

    def play(self, leg: Leg, playback: Playback | None) -> None:
        """Let a leg hear something in place of the conference, until that is over; ``None`` ends it at once."""

    def came_in(self, leg: Leg) -> None:
        """It has gone through its door."""


def _guesses(most: int, window: float) -> TokenBuckets:
    return TokenBuckets(rate=most / window, burst=most, limit=_MOST_GUESSERS)


class Doors:
    """Lets callers in, or turns them away."""

    def __init__(
        self, context: Context, termination: Termination, dial_out: DialOut, prompter: Prompter | None
    ) -> None:
        self._context, self._termination, self._dial_out = context, termination, dial_out
        self._prompter = prompter
        if prompter is not None:
            prompter.on_key = self.pressed
        config = context.config
        self._of_source = _guesses(config.wrong_passcodes_per_source, config.wrong_passcodes_window)
        self._of_conference = _guesses(config.wrong_passcodes_per_conference, config.wrong_passcodes_window)

    def made_for(self, conference: Conference, check: EntryCheck | None, *, now: float) -> Door | Refusal | None:
        """The door that a Focus wants for a caller; ``None`` where it may go straight in.

        The Focus says how much was guessed at other MCUs, and before.
        """
        if check is None or not (check.passcode or check.lobby):
            return None
        if self._prompter is None:
            return Refusal(RefusalReason.NOT_SUPPORTED, "nobody can wait in front of this MCU")
        most = self._context.config.passcode_tries
        tries = most if check.tries is None else max(1, min(check.tries, most))
        source = check.source or ""
        if check.conference_guesses is not None:
            self._of_conference.leave(conference.key, check.conference_guesses, now=now)
        if check.source_guesses is not None and source:
            self._of_source.leave(source, check.source_guesses, now=now)
        return Door.made(passcode=check.passcode or "", lobby=bool(check.lobby), tries=tries, source=source)

    def arrived(self, leg: Leg, door: Door, carried: Carried, *, now: float) -> None:
        """The call is up, and the caller in front of its door."""
        if carried.held:
            leg.life.process(Input.HOLD)

        def opened(now: float) -> None:
            held = leg.state is State.HELD
            self._dial_out.report_connected(leg, attrs.evolve(carried, held=held), now=now)

        door.opened = opened
        self._context.notify(leg.conference, self._context.documents.connected(leg), now=now)
        self._ask(leg, door, now)

    def _ask(self, leg: Leg, door: Door, now: float) -> None:
        """Say what is wanted, and wait for it."""
        config, prompts = self._context.config, self._prompts
        keying = door.state is DoorState.KEYING
        if keying:
            self._play(leg, Playback(prompts.passcode, every=prompts.passcode_every))
        else:
            self._play(leg, Playback(prompts.waiting, every=prompts.waiting_every))
        self._wait(leg, now + (config.passcode_timeout if keying else config.lobby_timeout))
        self._context.emit(LegWaiting(**leg.about(config.owner), passcode=keying))

    @property
    def _prompts(self) -> Prompts:
        assert self._prompter is not None  # there is no door without
        return self._prompter.prompts

    def _play(self, leg: Leg, playback: Playback | None) -> None:
        if self._prompter is not None:  # pragma: no branch (there is no door without)
            self._prompter.play(leg, playback)

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
                self._play(leg, None)  # whoever knows what is wanted need not hear it
                self._wait(leg, now + self._context.config.key_timeout)
        return True

    def _judge(self, leg: Leg, door: Door, now: float) -> None:
        """Many calls at once have no more guesses than one: each is counted when it is made, and not before.

        Only what was keyed in wrong counts, by somebody who has the call: his answer to ours has come.
        """
        before, conference = door.wrong, leg.conference
        waits = [self._of_conference.wait(conference.key, now=now)]
        waits += [self._of_source.wait(door.source, now=now)] if door.source else []
        given = door.judge(locked=conference.locked, heard=max(waits) <= 0.0)
        door.life.command(given)
        if door.wrong > before:
            self._context.counters["wrong passcodes"] += 1
            self._of_conference.take(conference.key, now=now)
            if door.source:
                self._of_source.take(door.source, now=now)
            self._context.notify(conference, self._context.documents.status(leg), now=now)
        if given is DoorInput.RIGHT:
            self._open(leg, door, now)
        elif given is DoorInput.LOBBY:
            self._ask(leg, door, now)
        elif given is DoorInput.WRONG:
            sound = self._prompts
            self._play(leg, Playback(sound.wrong + sound.passcode))
            self._wait(leg, now + self._context.config.passcode_timeout)
        else:
            self._shut(leg, now)

    def due(self, leg: Leg, *, now: float) -> None:
        """A pause after a key, or the end of a wait."""
        door = leg.door
        if door is None or not leg.connected:
            return
        if door.state is DoorState.SHUT:
            shut = Disconnection(method=DisconnectionMethod.FAILED, reason=door.shut)
            self._termination.give_up(leg, shut, now=now)
        elif door.keys:
            self._judge(leg, door, now)
        else:
            door.life.command(DoorInput.TIMER)
            self._shut(leg, now)

    def _shut(self, leg: Leg, now: float) -> None:
        sound = self._prompts.farewell
        self._play(leg, Playback(sound))
        self._wait(leg, now + seconds_of(sound))

    def admit(self, leg: Leg, *, now: float) -> None:
        """A presenter lets the caller in; nothing happens when it is being turned away, or was let in."""
        if leg.door is not None and leg.door.life.follow(DoorInput.ADMITTED):
            if leg.connected:
                self._open(leg, leg.door, now)
            else:
                leg.door = None

    def _open(self, leg: Leg, door: Door, now: float) -> None:
        leg.door = None
        self._wait(leg, None)
        if self._prompter is not None:  # pragma: no branch (there is no door without)
            self._prompter.came_in(leg)
        self._play(leg, Playback(self._prompts.welcome))
        door.opened(now)
