"""The section ``[sound]``: what an MCU plays by itself, and whether the roster names who speaks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

import mcu
from pyc3p.problems import UsageProblem
from rtp.aio import read_wav

_BYTES_A_SECOND: Final = 16_000  #: 8 kHz, mono, 16 bit
_LONGEST: Final = 600.0  #: seconds of music; each conferencing server has it in memory, ten minutes are 10 MB


def read_sound(option: str, file: str, longest: float) -> bytes:
    """The samples of a WAV file. Raises UsageProblem for one that is none, or longer than that many seconds."""
    try:
        sound = read_wav(Path(file).expanduser())
    except (OSError, ValueError) as error:
        raise UsageProblem(f"{option}: {error}") from error
    if len(sound) > longest * _BYTES_A_SECOND:
        raise UsageProblem(f"{option}: {file} lasts longer than {longest:g} s")
    return sound


@attrs.frozen(kw_only=True)
class SoundSettings:
    """What conferences sound like, besides the people in them."""

    hold_music: str = ""  #: WAV file (8 kHz, mono, 16 bit) for whoever a presenter puts on hold; empty: silence
    announcements: bool = False  #: whether everybody hears a tone when somebody comes or goes
    announcements_modifiable: bool = True  #: whether presenters may switch that in their conference
    speaker_in_roster: bool = False  #: whether the roster names who speaks; each change goes to all who follow it

    def of(self, config: mcu.McuConfig, prompts: mcu.Prompts) -> mcu.McuConfig:
        """An MCU that sounds like this, and has these prompts. Raises UsageProblem for a file that is none."""
        music = read_sound("sound.hold_music", self.hold_music, _LONGEST) if self.hold_music else b""
        return attrs.evolve(
            config,
            prompts=prompts,
            hold_music=music,
            announcements_enabled=self.announcements,
            announcements_modifiable=self.announcements_modifiable,
            speaker_in_roster=self.speaker_in_roster,
        )
