"""WAV files as audio source and sink: 8 kHz, mono, 16-bit PCM."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyc3p.phone.tone import FRAME_BYTES, SAMPLE_RATE
from rtp.aio import read_wav, write_wav

#: An hour of audio; a longer call keeps its first hour.
MAX_BYTES: Final = 3600 * SAMPLE_RATE * 2


class WavSource:
    """Plays audio in 20 ms frames, over and over when ``loop`` is set, else silence after its end."""

    def __init__(self, audio: bytes, *, loop: bool = True) -> None:
        self._audio = audio
        self._loop = loop
        self._position = 0

    @classmethod
    def open(cls, path: Path, *, loop: bool = True) -> WavSource:
        """A source that plays a file; raises as `rtp.aio.read_wav`."""
        return cls(read_wav(path), loop=loop)

    def next_frame(self) -> bytes:
        """The next 20 ms."""
        if self._loop and self._position >= len(self._audio):
            self._position = 0
        frame = self._audio[self._position : self._position + FRAME_BYTES]
        self._position += FRAME_BYTES
        return frame.ljust(FRAME_BYTES, b"\0")


class Recorder:
    """Keeps what was heard, frame by frame, up to ``limit`` bytes."""

    def __init__(self, *, limit: int = MAX_BYTES) -> None:
        self._audio = bytearray()
        self._limit = limit

    def write(self, frame: bytes) -> None:
        """Keep one frame; past the limit it is dropped."""
        if len(self._audio) < self._limit:
            self._audio += frame

    @property
    def audio(self) -> bytes:
        """Everything kept so far."""
        return bytes(self._audio)

    def save(self, path: Path) -> None:
        """Write it as a WAV file."""
        write_wav(path, self.audio)
