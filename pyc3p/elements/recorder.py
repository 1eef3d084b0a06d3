"""Writes what sounds in the conferences of an MCU to WAV files (`mcu.Tap`), as ``[recording]`` says.

Sound is taken from the taps once a second and written in a thread, so that a slow disk delays no mix. Each file is
whole after each of these writes: a process that is killed leaves what it had, but for the last second. Everybody hears
a notice as soon as its call is in the mix.

What cannot be written ends that file, which is said once. The conference goes on: people who talk are not to be cut off
for a disk. Who must not talk unrecorded has to watch the log for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import attrs

import mcu
from c3p import conf_id_of
from pyc3p.commands.output import Output
from pyc3p.settings.recording import Recordings
from rtp.aio import WavWriter
from sip import AddressOfRecord, Event

#: Seconds between two looks; a tap holds ten.
EVERY: Final = 1.0
#: Octets of a file, after which it ends: 24 hours. A WAV file cannot have 4 GiB.
_LARGEST: Final = 24 * 3600 * 16_000
#: Characters of a name in that of a file; file systems take 255 in all.
_MOST_NAME: Final = 64
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9.+-]+")


@attrs.define(eq=False)
class _File:
    """A tap and where it goes."""

    path: Path
    tap: mcu.Tap
    writer: WavWriter | None = None  #: made with the first sound
    size: int = 0
    over: bool = False

    def write(self, sound: bytes, *, last: bool) -> None:
        """In the thread. Raises OSError."""
        if self.writer is None:
            self.path.touch(mode=0o600, exist_ok=False)  # of nobody's business but the operator's
            self.writer = WavWriter(self.path)
        self.writer.write(sound)
        self.size += len(sound)
        if last:
            self.writer.close()
        else:
            self.writer.flush()

    def give_up(self) -> None:
        """In the thread, when something could not be written."""
        if self.writer is not None:
            with contextlib.suppress(OSError):
                self.writer.close()


class Recorder:
    """Records the conferences of one MCU. Give it all events of that MCU (``observe``), and ``close`` it at the end."""

    def __init__(
        self,
        control: mcu.MediaControl,
        wanted: Recordings,
        *,
        output: Output,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._control, self._wanted = control, wanted
        self._output, self._wall_clock = output, wall_clock
        self._files: list[_File] = []
        self._mixed: set[str] = set()  #: conferences whose mix is written
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        self._task: asyncio.Task[None] | None = None

    def observe(self, event: Event) -> None:
        """A call that is in the mix is recorded from then on, and hears that it is."""
        if isinstance(event, mcu.ConferenceEnded):
            self._mixed.discard(event.conference)
        elif isinstance(event, mcu.LegConnected):
            if self._wanted.mix and event.conference not in self._mixed:
                self._mixed.add(event.conference)
                self._begin(event.conference, None, "mix")
            if self._wanted.legs:
                self._begin(event.conference, event.leg, f"{event.leg}-{_named(event.user)}")
            with contextlib.suppress(mcu.LocalProtocolError):  # it is on hold, or gone in this very moment
                self._control.play(event.leg, self._wanted.notice)

    def _begin(self, conference: str, leg: mcu.LegId | None, what: str) -> None:
        try:
            tap = self._control.tap(conference, leg)
        except mcu.LocalProtocolError as error:
            self._failed(what, conference, str(error))
            return
        at = self._wall_clock().strftime("%Y%m%dT%H%M%S.%fZ")
        name = f"{_safe(conf_id_of(conference) or conference)}-{at}-{what}.wav"
        self._files.append(_File(self._wanted.folder / name, tap))
        self._output.tell(f"recording {name}", conference=conference, file=str(self._wanted.folder / name))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _failed(self, what: str, conference: str, why: str) -> None:
        self._output.tell(
            f"{what} of {conference} is not recorded: {why}",
            "bold red",
            level="error",
            conference=conference,
            error=why,
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            await self._write()

    async def _write(self, *, last: bool = False) -> None:
        """Write what has come since, and end what is over."""
        loop = asyncio.get_running_loop()
        for one in tuple(self._files):
            over = last or one.tap.ended or one.size >= _LARGEST
            sound = one.tap.take()
            try:
                await loop.run_in_executor(self._thread, partial(one.write, sound, last=over))
            except OSError as error:
                self._failed(one.path.name, one.tap.conference, str(error))
                over = True
                await loop.run_in_executor(self._thread, one.give_up)
            if over:
                self._files.remove(one)
                with contextlib.suppress(mcu.LocalProtocolError):
                    self._control.close_tap(one.tap)

    async def close(self) -> None:
        """Write what there is, and end all files."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._write(last=True)
        self._thread.shutdown(wait=False)


def _named(user: str) -> str:
    uri = AddressOfRecord.read(user).uri
    return _safe((uri.user if uri is not None else None) or user)


def _safe(name: str) -> str:
    """Part of the name of a file: peers choose what they are called."""
    return _UNSAFE.sub("_", name).strip(".")[:_MOST_NAME] or "nobody"
