"""The audio of a phone's call: a source is played, what comes in is recorded, 20 ms at a time."""

from __future__ import annotations

from typing import Final, Protocol

import sip
from rtp import MediaAgreement, MediaStream, TelephoneEventStarted

FRAME: Final = 0.02  #: seconds
SILENCE: Final = bytes(320)
#: Frames that a late tick makes up for; what is older is lost, as in a sound card.
MAX_CATCH_UP: Final = 5

Outgoing = tuple[str, bytes, tuple[str, int]]  #: "rtp" or "rtcp", data, destination


class AudioSource(Protocol):
    """Something that sounds."""

    def next_frame(self) -> bytes:
        """The next 20 ms: 160 samples of 16 bits."""
        ...


class AudioSink(Protocol):
    """Something that listens."""

    def write(self, frame: bytes) -> None:
        """Take 20 ms."""
        ...


class PhoneAudio:
    """Both directions of one call."""

    def __init__(
        self,
        agreement: MediaAgreement,
        *,
        source: AudioSource,
        sink: AudioSink,
        entropy: sip.Entropy,
        now: float,
    ) -> None:
        self.stream = MediaStream(
            agreement,
            ssrc=entropy.integer(32) or 1,
            sequence_number=entropy.integer(15),
            timestamp=entropy.integer(32),
            cname=f"{entropy.token(6)}@phone",
            uniform=entropy.uniform,
            now=now,
        )
        self._source = source
        self._sink = sink
        self._frame_at = now

    def change(self, agreement: MediaAgreement, *, now: float) -> None:
        """A new offer and answer were agreed: hold, another address, another codec."""
        self.stream.update(agreement, now=now)

    def switch_off(self, *, now: float) -> None:
        """The other side ended the audio line; a later offer may bring it back."""
        self.stream.switch_off(now=now)

    def receive(self, kind: str, data: bytes, source: tuple[str, int], *, now: float) -> list[str]:
        """One packet; the keys that began with it."""
        events = self.stream.receive(kind, data, source, now=now)
        return [event.digit or str(event.event) for event in events if isinstance(event, TelephoneEventStarted)]

    def next_tick(self) -> float:
        """When the next frame, or a report, is due."""
        due = self.stream.next_timeout()
        return self._frame_at if due is None else min(self._frame_at, due)

    def tick(self, now: float) -> list[Outgoing]:
        """Play and record what is due; the packets to send."""
        out: list[Outgoing] = []
        for _ in range(MAX_CATCH_UP):
            if self._frame_at > now:
                break
            self._frame_at += FRAME
            self._sink.write(self.stream.pop_frame(now=now) or SILENCE)
            out += self.stream.send_frame(self._source.next_frame(), now=now)
        self._frame_at = max(self._frame_at, now - FRAME)
        due = self.stream.next_timeout()
        if due is not None and due <= now:
            self.stream.handle_timeout(now=now)
        return out + list(self.stream.data_to_send())

    def bye(self, *, now: float) -> list[Outgoing]:
        """The call is over: the last packet says so."""
        self.stream.bye(now=now)
        return list(self.stream.data_to_send())
