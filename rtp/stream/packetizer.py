"""From frames of encoded sound to packets of the length that the peer wants (RFC 3551 section 4.2)."""

from __future__ import annotations

from rtp.codecs.coding import AudioCoding
from rtp.stream.sender import RtpSender


class Packetizer:
    """Cuts a stream of encoded sound into packets; ``frame`` and ``packet`` are lengths in units of the clock.

    ``sender.timestamp`` is that of the first sample not yet sent.
    """

    def __init__(self, sender: RtpSender, coding: AudioCoding, *, frame: int, packet: int) -> None:
        self.sender = sender
        self._coding = coding
        self._frame = frame  #: what we are given
        self._packet = coding.octets(packet)  #: what we send
        self._pending = b""
        self._talkspurt = True  #: the next packet begins one

    def sound(self, payload: bytes, payload_type: int, *, csrc: tuple[int, ...] = (), now: float) -> list[bytes]:
        """The packets that one more frame of sound completes."""
        if not self._pending and len(payload) == self._packet:
            return [self._emit(payload, payload_type, csrc, now)]
        pending, size = self._pending + payload, self._packet
        whole = len(pending) // size * size
        self._pending = pending[whole:]
        return [self._emit(pending[start : start + size], payload_type, csrc, now) for start in range(0, whole, size)]

    @property
    def between_packets(self) -> bool:
        """Whether each frame is one packet, and none has begun."""
        return not self._pending and self._packet == self._coding.octets(self._frame)

    @property
    def talkspurt(self) -> bool:
        """Whether the next packet begins one."""
        return self._talkspurt

    def resume(self, talkspurt: bool) -> None:
        """Go on from there, between two packets."""
        self._talkspurt = talkspurt

    def flush(self, payload_type: int, *, now: float) -> list[bytes]:
        """What is left, as a shorter packet, because no sound follows on it."""
        pending, self._pending = self._pending, b""
        return [self._emit(pending, payload_type, (), now)] if pending else []

    def discard(self) -> None:
        """Drop what is left; its time passes all the same."""
        self.sender.advance(self._coding.units(len(self._pending)))
        self._pending = b""

    def noise(self, payload: bytes, payload_type: int, *, now: float) -> bytes:
        """A packet of comfort noise in the place of one frame."""
        data = self.sender.packet(payload, payload_type, now=now)
        self.pause()
        return data

    def pause(self) -> None:
        """Time goes on for one frame without sound; the next packet begins a talkspurt."""
        self.sender.advance(self._frame)
        self._talkspurt = True

    def _emit(self, payload: bytes, payload_type: int, csrc: tuple[int, ...], now: float) -> bytes:
        data = self.sender.packet(payload, payload_type, now=now, marker=self._talkspurt, csrc=csrc)
        self._talkspurt = False
        self.sender.advance(self._coding.units(len(payload)))
        return data
