"""WAV files of telephone sound: 8 kHz, mono, 16-bit PCM."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Final

SAMPLE_RATE: Final = 8000  #: Hz
#: An hour of audio; a longer file is read to there.
MAX_BYTES: Final = 3600 * SAMPLE_RATE * 2


def read_wav(path: Path | str) -> bytes:
    """The audio of a WAV file; raises ValueError when it is not 8 kHz mono 16-bit, OSError when it cannot be read."""
    try:
        with wave.open(str(path), "rb") as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (SAMPLE_RATE, 1, 2):
                raise ValueError(f"{path} must be 8 kHz, mono, 16-bit")
            return file.readframes(min(file.getnframes(), MAX_BYTES // 2))
    except (wave.Error, EOFError) as error:
        why = str(error) or "it ends before its header does"
        raise ValueError(f"{path} is not a WAV file: {why}") from error


def write_wav(path: Path | str, audio: bytes) -> None:
    """Write ``audio`` as a WAV file; raises OSError."""
    with WavWriter(path) as writer:
        writer.write(audio)


class WavWriter:
    """A WAV file that is written piece by piece; ``close`` completes it. Raises OSError when it cannot be written."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._opened = self.path.open("wb")
        self._file = wave.open(self._opened, "wb")  # noqa: SIM115 - closed by `close`
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(SAMPLE_RATE)

    def write(self, frame: bytes) -> None:
        """Add some audio; after ``close`` it is dropped."""
        if not self._opened.closed:
            self._file.writeframesraw(frame)

    def flush(self) -> None:
        """Make the file whole as far as it was written: whoever reads it, or finds it after a crash, has that."""
        if not self._opened.closed:
            self._file.writeframes(b"")  # which puts the length into the header
            self._opened.flush()

    def close(self) -> None:
        """Complete the file. Can be called twice."""
        if not self._opened.closed:
            self._file.close()
            self._opened.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
