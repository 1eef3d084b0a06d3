"""The section ``[dial_in]``: how plain phones get into conferences, and rooms that callers make."""

from __future__ import annotations

from typing import Final

import attrs

import focus
import mcu
import sip
from pyc3p.commands.addresses import is_loopback
from pyc3p.placement.numbers import SharedNumbers
from pyc3p.problems import UsageProblem
from pyc3p.settings.sound import read_sound

#: Who gets in by the number alone: ``auto`` is everybody on loopback, where nobody else can call, and nobody elsewhere.
_BYPASS: Final = ("auto", "yes", "no")
_SOUNDS: Final = ("passcode", "wrong", "waiting", "welcome", "farewell")
#: Fewer digits are dialled through in an evening, more nobody keys in.
_DIGITS: Final = range(4, 16)
_ROOMS: Final = mcu.RoomSettings()
_LONGEST: Final = 60.0  #: seconds of a prompt; each conferencing server has it in memory


@attrs.frozen(kw_only=True)
class PromptSettings:
    """WAV files (8 kHz, mono, 16 bit) in place of the tones that callers hear; empty: the tone."""

    passcode: str = ""  #: key in the passcode, then #
    wrong: str = ""  #: that was not it
    waiting: str = ""  #: somebody has to let you in; again and again, so music will do
    welcome: str = ""  #: you are in
    farewell: str = ""  #: the call ends

    def prompts(self) -> mcu.Prompts:
        """The sounds. Raises UsageProblem for a file that is none."""
        given = {
            name: read_sound(f"dial_in.prompts.{name}", file, _LONGEST)
            for name in _SOUNDS
            if (file := getattr(self, name))
        }
        return attrs.evolve(mcu.Prompts(), **given)  # type: ignore[arg-type]  # the names are those of sounds


@attrs.frozen(kw_only=True)
class DialInSettings:
    """Numbers of conferences, what is asked of callers, and rooms."""

    numbers: bool = True  #: whether new conferences get a number
    prefix: str = ""  #: in front of the drawn digits
    digits: int = 9  #: that are drawn
    bypass: str = "auto"  #: whether whoever knows the number gets in although nobody knows who it is
    open_rooms: bool = False  #: whether whoever calls ``sip:ROOM@host`` at the MCU makes a conference
    max_rooms: int = _ROOMS.max_rooms  #: at once
    max_calls_per_source: int = _ROOMS.max_calls_per_source  #: in rooms; loopback has no such limit
    prompts: PromptSettings = PromptSettings()

    def __attrs_post_init__(self) -> None:
        if self.bypass not in _BYPASS:
            raise UsageProblem(f"dial_in.bypass is one of {', '.join(_BYPASS)}, not {self.bypass!r}")
        if self.digits not in _DIGITS:
            raise UsageProblem(f"dial_in.digits must be from {_DIGITS[0]} to {_DIGITS[-1]}, not {self.digits}")
        if self.prefix and not (self.prefix.isascii() and self.prefix.removeprefix("+").isdigit()):
            raise UsageProblem(f"dial_in.prefix must be digits, perhaps with + in front, not {self.prefix!r}")
        for name in ("max_rooms", "max_calls_per_source"):
            if getattr(self, name) < 1:
                raise UsageProblem(f"dial_in.{name} must be at least 1, not {getattr(self, name)}")

    def lets_in(self, host: str, *, asks: bool) -> bool:
        """Whether a number is enough at a server with that address, which perhaps asks who somebody is."""
        return self.bypass == "yes" or (self.bypass == "auto" and is_loopback(host) and not asks)

    def source(self, store: focus.NumberedRecords, entropy: sip.Entropy) -> focus.DialInNumbers | None:
        """Where numbers come from in the process that has the records: it draws them and knows them."""
        if not self.numbers:
            return None
        return focus.RecordNumbers(store, entropy, digits=self.digits, prefix=self.prefix)

    def shared(self, entropy: sip.Entropy) -> SharedNumbers | None:
        """The same where several nodes share their records."""
        return SharedNumbers(entropy, digits=self.digits, prefix=self.prefix) if self.numbers else None

    def rooms(self, domains: frozenset[str]) -> mcu.RoomSettings | None:
        """Rooms of an MCU with these names."""
        if not self.open_rooms:
            return None
        return mcu.RoomSettings(
            domains=domains, max_rooms=self.max_rooms, max_calls_per_source=self.max_calls_per_source
        )
