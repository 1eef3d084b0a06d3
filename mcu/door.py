"""The way of one caller from its answered call into the mix, as a table: passcode, lobby, or both.

A caller at the door has a call like any other: it may hold, it is asked whether it is there, it can be ejected. But it
hears prompts in place of the conference, and nobody hears it. Its keys are for the door alone, and told to nobody.

A passcode is ended with ``#`` or by a pause, ``*`` begins it anew. Where there is a lobby, ``#`` alone goes there.

The conference may have been locked since the call was let come. So the right passcode is judged as a call would be that
comes now: it leads to the lobby, or where there is none, to nothing. Only a presenter lets somebody in then.
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import attrs

from sip import Life

MAX_KEYS: Final = 64  #: as long as a passcode may be; what is keyed beyond it is dropped


class DoorState(enum.Enum):
    """Where a caller is."""

    __hash__ = object.__hash__

    KEYING = "keying"  #: the passcode is asked for
    WAITING = "waiting"  #: in the lobby
    OPEN = "open"  #: let in
    SHUT = "shut"  #: turned away: hears it, then the call ends


class DoorInput(enum.Enum):
    """What moves it on."""

    __hash__ = object.__hash__

    RIGHT = "right"  #: passcode
    WRONG = "wrong"  #: passcode, and it may try again
    EXHAUSTED = "exhausted"  #: a wrong passcode was the last
    LOBBY = "lobby"  #: it would rather wait, or must
    LOCKED = "locked"  #: the passcode was right, and nobody is let in by it any more
    ADMITTED = "admitted"  #: by a presenter
    TIMER = "timer"  #: nobody came, no key either


DOOR: Final[Mapping[tuple[DoorState, DoorInput], DoorState]] = MappingProxyType(
    {
        (DoorState.KEYING, DoorInput.RIGHT): DoorState.OPEN,
        (DoorState.KEYING, DoorInput.WRONG): DoorState.KEYING,
        (DoorState.KEYING, DoorInput.EXHAUSTED): DoorState.SHUT,
        (DoorState.KEYING, DoorInput.LOBBY): DoorState.WAITING,
        (DoorState.KEYING, DoorInput.LOCKED): DoorState.SHUT,
        (DoorState.KEYING, DoorInput.ADMITTED): DoorState.OPEN,
        (DoorState.KEYING, DoorInput.TIMER): DoorState.SHUT,
        (DoorState.WAITING, DoorInput.ADMITTED): DoorState.OPEN,
        (DoorState.WAITING, DoorInput.TIMER): DoorState.SHUT,
    }
)


@attrs.define(eq=False, kw_only=True)
class Door:
    """The door of one leg."""

    life: Life[DoorState, DoorInput]
    passcode: str = attrs.field(default="", repr=False)
    lobby: bool = False  #: whether it may wait there
    tries: int = 1  #: that are left
    wrong: int = 0  #: passcodes that were keyed in wrong
    source: str = ""  #: where they count, too
    opened: Callable[[float], None] = lambda now: None  #: what is done when it lets the caller in
    keys: str = attrs.field(default="", repr=False)  #: pressed since the last try
    shut: str = "nobody let the caller in"  #: why it is, in words

    @classmethod
    def made(cls, *, passcode: str, lobby: bool, tries: int, source: str = "") -> Door:
        """A door with a passcode, or else with a lobby."""
        state = DoorState.KEYING if passcode else DoorState.WAITING
        return cls(life=Life(DOOR, state, of="a door"), passcode=passcode, lobby=lobby, tries=tries, source=source)

    @property
    def state(self) -> DoorState:
        return self.life.state

    def press(self, key: str) -> bool:
        """Take a key; true when it ends what was keyed."""
        if key == "#":
            return True
        if key == "*":
            self.keys = ""
        elif key.isascii() and key.isdigit() and len(self.keys) < MAX_KEYS:
            self.keys += key
        return False

    def judge(self, *, locked: bool = False, heard: bool = True) -> DoorInput:
        """What becomes of what was keyed; it is forgotten. ``locked``: the conference is.

        What is not ``heard``, because others were wrong too often, is answered as if it were wrong. It is a wrong
        passcode (``wrong``) only where it is one: who presses nothing has guessed nothing.
        """
        keyed, self.keys = self.keys, ""
        if not keyed and self.lobby:
            return DoorInput.LOBBY
        right = hmac.compare_digest(keyed.encode(), self.passcode.encode())
        self.wrong += bool(keyed) and not right
        if right and heard:
            if not locked:
                return DoorInput.RIGHT
            if self.lobby:
                return DoorInput.LOBBY
            self.shut = "conference is locked"
            return DoorInput.LOCKED
        self.tries -= 1
        if self.tries > 0:
            return DoorInput.WRONG
        self.shut = "wrong passcode"
        return DoorInput.EXHAUSTED
