"""The sound of one call on an asyncio loop: play, record, frames in and out, keys."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from pathlib import Path
from typing import Final

import attrs

from rtp.aio.chance import live_entropy
from rtp.aio.ports import Arrival, MediaPorts, MediaPortsConfig, TraceSink
from rtp.aio.wav import WavWriter, read_wav
from rtp.entropy import Entropy
from rtp.errors import LocalProtocolError
from rtp.events import TelephoneEventStarted
from rtp.packets.dtmf_info import DTMF_TYPES
from rtp.sdp.agreement import MediaAgreement
from rtp.sdp.capabilities import Capabilities
from rtp.stream import audio_session
from rtp.stream.audio_session import SILENCE
from rtp.stream.counters import MediaCounters
from rtp.stream.media_stream_config import MediaStreamConfig

#: Frames of 20 ms that wait to be sent, before ``play`` waits: enough for a busy loop, and not heard as a delay.
MAX_WAITING: Final = 10
#: Frames that wait for a reader of ``frames``; who is slower than a second loses the oldest, as sound gets lost.
MAX_UNREAD: Final = 50

#: What can be played: a WAV file, PCM (8 kHz, 16 bits, little-endian) in one piece, or frames of it of 20 ms each.
Playable = str | Path | bytes | Iterable[bytes] | AsyncIterable[bytes]

_KEY: Final = "session"  # of the one pair of ports


class AudioSession:
    """Ports, packets and a clock around an `rtp.AudioSession`; the media of a ``sip.aio.Call``.

    To be made on the thread of a running loop: it opens its ports at once, and raises OSError when there are none.
    ``host`` is the address to receive at, ``advertise`` what the other side is told where that is another; of ``ports``
    everything but its host counts. While there is nothing to play it sends silence, as a phone does. ``on_key`` is
    called with each key that the other side presses (RFC 4733). The end of the call closes it; so does ``close``.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        advertise: str | None = None,
        capabilities: Capabilities | None = None,
        ports: MediaPortsConfig | None = None,
        config: MediaStreamConfig | None = None,
        entropy: Entropy | None = None,
        trace: TraceSink | None = None,
    ) -> None:
        self.on_key: Callable[[str], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._ports = MediaPorts(
            self._arrived, config=attrs.evolve(ports or MediaPortsConfig(), host=host), trace=trace
        )
        opened = self._ports.open(_KEY)
        self._session = audio_session.AudioSession(
            capabilities,
            address=advertise or opened.rtp[0],
            port=opened.rtp[1],
            rtcp_port=opened.rtcp[1],
            source=self,
            sink=self,
            entropy=entropy or live_entropy(),
            config=config,
        )
        self._waiting: deque[bytes] = deque()  # to be sent
        self._moved = asyncio.Event()  # a frame was sent, or the session is over
        self._playing = asyncio.Lock()
        self._readers: list[_Reader] = []
        self._recordings: list[Recording] = []
        self._timer: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()

    def __repr__(self) -> str:
        agreed = self.agreement
        how = "over" if self.is_over else "no agreement yet" if agreed is None else agreed.codec.encoding
        return f"<AudioSession {how}>"

    # What there is to know -------------------------------------------------------------------------------------------

    @property
    def agreement(self) -> MediaAgreement | None:
        """What both sides agreed on; None before that."""
        return self._session.agreement

    @property
    def held(self) -> bool:
        """Whether the other side does not want to hear us at the moment."""
        return self._session.held

    @property
    def counters(self) -> MediaCounters | None:
        """Packets and losses so far; None before there is sound. They stay after the end."""
        return self._session.counters

    @property
    def is_over(self) -> bool:
        """Whether the call is over, or ``close`` was called."""
        return self._over.is_set()

    async def ended(self) -> None:
        """Wait until it is over."""
        await self._over.wait()

    # Sound out and in ------------------------------------------------------------------------------------------------

    async def play(self, what: Playable) -> bool:
        """Play something to its end; False when the session was over before. One at a time: another one waits.

        Raises OSError and ValueError for a file that cannot be read, or has another format.
        """
        source = await asyncio.to_thread(read_wav, what) if isinstance(what, str | Path) else what
        async with self._playing:
            try:
                if isinstance(source, AsyncIterable):
                    async for frame in source:
                        if not await self._send(frame):
                            return False
                else:
                    for frame in _cut(source) if isinstance(source, bytes) else source:
                        if not await self._send(frame):
                            return False
            except asyncio.CancelledError:
                self._waiting.clear()
                raise
            return await self._until(0)

    async def _send(self, frame: bytes) -> bool:
        if not await self._until(MAX_WAITING - 1):
            return False
        self._waiting.append(frame)
        return True

    async def _until(self, most: int) -> bool:
        """Wait until no more frames than that wait; False when the session is over."""
        while len(self._waiting) > most and not self.is_over:
            self._moved.clear()
            await self._moved.wait()
        return not self.is_over

    def record(self, path: Path | str) -> Recording:
        """Write what is heard to a WAV file, until ``stop`` or the end; also as ``with session.record(...):``.

        Raises OSError when it cannot be written.
        """
        made = Recording(path, self._recordings)
        if not self.is_over:
            self._recordings.append(made)
        return made

    async def frames(self) -> AsyncIterator[bytes]:
        """What is heard, 20 ms of PCM at a time, until the end. Who reads too slowly loses the oldest."""
        if self.is_over:
            return
        reader = _Reader()
        self._readers.append(reader)
        try:
            while (frame := await reader.next()) is not None:
                yield frame
        finally:
            if reader in self._readers:
                self._readers.remove(reader)

    def next_frame(self) -> bytes:
        """The next 20 ms to send. For the machine inside."""
        if not self._waiting:
            return SILENCE
        self._moved.set()
        return self._waiting.popleft()

    def write(self, frame: bytes) -> None:
        """Take 20 ms that were heard. For the machine inside."""
        for recording in self._recordings:
            recording.write(frame)
        for reader in self._readers:
            reader.put(frame)

    # Keys ------------------------------------------------------------------------------------------------------------

    key_types: Final = DTMF_TYPES  #: of bodies of INFO with a key in them

    def read_key(self, body: bytes) -> str:
        """The key in the body of an INFO. Raises MalformedPacket."""
        return self._session.read_key(body)

    def send_keys(self, digits: str, *, duration: float = 0.1, pause: float = 0.06) -> None:
        """Press keys; seconds each. Raises LocalProtocolError when the other side takes none."""
        self._session.send_keys(digits, duration=duration, pause=pause)

    # Descriptions: what a call asks for ------------------------------------------------------------------------------

    def make_offer(self, *, held: bool | None = None, now: float) -> bytes:
        """Our offer. Raises LocalProtocolError."""
        return self._session.make_offer(held=held, now=now)

    def receive_offer(self, offer: bytes, *, now: float) -> bytes:
        """Our answer to an offer. Raises RemoteProtocolError, LocalProtocolError."""
        answer = self._session.receive_offer(offer, now=now)
        self._work()
        return answer

    def receive_answer(self, answer: bytes, *, now: float) -> None:
        """The answer to our offer. Raises RemoteProtocolError, LocalProtocolError."""
        self._session.receive_answer(answer, now=now)
        self._work()

    def roll_back(self) -> None:
        """Our offer was refused. Raises LocalProtocolError when none is open."""
        self._session.roll_back()

    def end(self, *, now: float) -> None:
        """The call is over."""
        if self.is_over:
            return
        self._session.end(now=now)
        self._work()
        self._over.set()
        self._moved.set()
        self._ports.close_all()
        for recording in self._recordings[:]:
            recording.stop()
        for reader in self._readers:
            reader.put(None)
        self._readers.clear()

    def close(self) -> None:
        """Give the ports back, without a call that ends. Can be called twice."""
        self.end(now=self._loop.time())

    async def __aenter__(self) -> AudioSession:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    # Packets and time ------------------------------------------------------------------------------------------------

    def _arrived(self, batch: list[Arrival]) -> None:
        if self.is_over:
            return
        for _, kind, data, source, arrival in batch:
            for event in self._session.receive(kind, data, source, now=arrival):
                if isinstance(event, TelephoneEventStarted) and self.on_key is not None:
                    self.on_key(event.digit or str(event.event))

    def _work(self) -> None:
        self._ports.send((_KEY, *packet) for packet in self._session.data_to_send())
        due = self._session.next_timeout()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if due is None else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self.is_over:
            self._session.handle_timeout(now=self._loop.time())
            self._work()


class Recording:
    """A WAV file that is being written."""

    def __init__(self, path: Path | str, among: list[Recording]) -> None:
        self.path = Path(path)
        self._writer, self._among = WavWriter(path), among

    def write(self, frame: bytes) -> None:
        """Add a frame."""
        self._writer.write(frame)

    def stop(self) -> None:
        """Complete the file. Can be called twice."""
        if self in self._among:
            self._among.remove(self)
        self._writer.close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Reader:
    """Frames on their way to one reader; None is the end."""

    def __init__(self) -> None:
        self._frames: deque[bytes | None] = deque(maxlen=MAX_UNREAD)
        self._came = asyncio.Event()

    def put(self, frame: bytes | None) -> None:
        """Add one; the oldest is lost where there are too many."""
        self._frames.append(frame)
        self._came.set()

    async def next(self) -> bytes | None:
        """Take the next one."""
        while not self._frames:
            self._came.clear()
            await self._came.wait()
        return self._frames.popleft()


def _cut(pcm: bytes) -> Iterable[bytes]:
    """PCM in frames, the last one filled up with silence. Raises LocalProtocolError for half a sample."""
    if len(pcm) % 2:
        raise LocalProtocolError("PCM has samples of two octets")
    size = len(SILENCE)
    for start in range(0, len(pcm), size):
        yield pcm[start : start + size].ljust(size, b"\0")
