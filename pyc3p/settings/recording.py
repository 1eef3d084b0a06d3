"""The section ``[recording]``: conferences written to WAV files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import attrs

import mcu
from pyc3p.problems import UsageProblem
from pyc3p.settings.sound import read_sound

_LONGEST_NOTICE: Final = 60.0  #: seconds


@attrs.frozen
class Recordings:
    """What is recorded, and where."""

    folder: Path
    mix: bool = attrs.field(kw_only=True)
    legs: bool = attrs.field(kw_only=True)
    notice: bytes = attrs.field(kw_only=True, repr=False)  #: what everybody hears who comes in


@attrs.frozen(kw_only=True)
class RecordingSettings:
    """What is recorded of all conferences of an MCU, and what people are told of it."""

    folder: str = ""  #: where the files are written; empty: nothing is recorded
    mix: bool = True  #: whether what all hear together is written, a file a conference
    legs: bool = False  #: whether what each phone says is written, a file a call
    notice: str = ""  #: WAV file (8 kHz, mono, 16 bit) that everybody hears who comes in; empty: a tone

    def __attrs_post_init__(self) -> None:
        if self.folder and not (self.mix or self.legs):
            raise UsageProblem("recording.folder is for the mix, the legs, or both: neither is to be recorded")
        if self.notice and not self.folder:
            raise UsageProblem("recording.notice is heard where something is recorded: give recording.folder")

    def wanted(self, prompts: mcu.Prompts) -> Recordings | None:
        """What is to be recorded; None: nothing.

        Raises UsageProblem when nothing can be written there, and for a notice that is none.
        """
        if not self.folder:
            return None
        path = Path(self.folder).expanduser()
        if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
            raise UsageProblem(f"recording.folder: {path} is no folder that this program may write to")
        notice = read_sound("recording.notice", self.notice, _LONGEST_NOTICE) if self.notice else prompts.recorded
        return Recordings(path, mix=self.mix, legs=self.legs, notice=notice)
