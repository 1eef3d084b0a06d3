"""The two pipes between a server and a worker, driven by asyncio on either side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import IO, Any, Final

from pyc3p.workers.frames import BrokenPipeProtocol, FrameReader, Kind

#: Octets that may wait to be written. Records of a trace beyond it are dropped, whoever else waits: nobody is ever kept
#: from his work by a slow reader.
MOST_WAITING: Final = 4 * 1024 * 1024
#: What messages may take beyond that: they are few, and each says something.
ROOM_FOR_MESSAGES: Final = 1024 * 1024


class Channel(asyncio.Protocol):
    """Frames in both directions. ``on_frame`` is called for each that came, ``on_end`` once, with what ended it."""

    def __init__(self, on_frame: Callable[[Kind, bytes], None], on_end: Callable[[str], None]) -> None:
        self.dropped = 0  #: frames for which there was no room
        self._on_frame, self._on_end = on_frame, on_end
        self._frames = FrameReader()
        self._reading: asyncio.BaseTransport | None = None
        self._writing: asyncio.WriteTransport | None = None
        self._over = False

    async def connect(self, reads: IO[bytes], writes: IO[bytes], *, already: bytes = b"") -> None:
        """Go on with these pipes; ``already`` was read of the first."""
        loop = asyncio.get_running_loop()
        self._writing, _ = await loop.connect_write_pipe(_Writes, writes)
        self._reading, _ = await loop.connect_read_pipe(lambda: self, reads)
        if already:
            self.data_received(already)

    def send(self, data: bytes, *, droppable: bool = False) -> None:
        """Send one frame. Without room for it, it is dropped and counted; after the end it is nobody's."""
        if self._writing is None or self._over or self._writing.is_closing():
            return
        room = MOST_WAITING if droppable else MOST_WAITING + ROOM_FOR_MESSAGES
        if self._writing.get_write_buffer_size() + len(data) > room:
            self.dropped += 1
        else:
            self._writing.write(data)

    def close(self) -> None:
        """Close both pipes; what waits is still written. Nothing is reported any more."""
        self._over = True
        for transport in (self._writing, self._reading):
            if transport is not None:
                transport.close()

    # asyncio.Protocol ------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Octets from the other side."""
        try:
            for kind, content in self._frames.receive(data):
                self._on_frame(kind, content)
        except BrokenPipeProtocol as error:
            self._end(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        self._end(str(exc) if exc is not None else "it ended")

    def _end(self, why: str) -> None:
        if not self._over:
            self.close()
            self._on_end(why)


class _Writes(asyncio.BaseProtocol):
    """The end of the pipe that is written to: what happens there, the other one tells."""


def fields_of(data: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """Fields of a message that must be there; raises BrokenPipeProtocol."""
    try:
        return tuple(data[name] for name in names)
    except KeyError as error:
        raise BrokenPipeProtocol(f"a message without {error}") from error
