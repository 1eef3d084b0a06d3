"""The receiving half of a leg: RTP datagrams in, frames and telephone events out."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rtp.agreement import MediaAgreement
from rtp.codec import CN, Codec
from rtp.comfort_noise import ComfortNoise
from rtp.dtmf import DtmfReceiver
from rtp.errors import MalformedPacket, RemoteRtpError
from rtp.events import MediaEvent, RemoteAddressLearned, SourceLocked, SsrcCollided
from rtp.g711 import CODINGS
from rtp.jitter_buffer import Frame, JitterBuffer, JitterBufferConfig
from rtp.packet import RtpPacket
from rtp.source_lock import SourceLock, SourcePolicy, TransportAddress
from rtp.srtp_keys import ReceivingKeys
from rtp.telephone_event import TelephoneEvent

_CONFLICT_MEMORY: Final = 50.0  #: seconds, ten report intervals (RFC 3550 section 8.2)
_MAX_CONFLICTS: Final = 16  #: addresses; a leg has one peer, so more are an attack


class InboundMedia:
    """Nothing that comes in raises; what cannot be used is counted in ``counts``."""

    def __init__(
        self,
        agreement: MediaAgreement,
        *,
        policy: SourcePolicy,
        jitter: JitterBufferConfig,
        accept_own_ssrc: bool = False,
    ) -> None:
        clock_rate = agreement.codec.clock_rate
        self.lock = SourceLock(agreement.remote_rtp, clock_rate, policy)
        self.jitter = JitterBuffer(jitter)
        self.dtmf = DtmfReceiver(clock_rate=clock_rate)
        self.counts: Counter[str] = Counter()
        self.keys = ReceivingKeys()
        self._accept_own_ssrc = accept_own_ssrc
        self._conflicts: dict[TransportAddress, float] = {}  #: who used our SSRC, and when last
        self.apply(agreement)

    def apply(self, agreement: MediaAgreement) -> None:
        """Use what was agreed from here on; raises LocalRtpError, and changes nothing, for a key that is unusable."""
        self.keys.use(agreement.remote_crypto)
        self._formats = dict(agreement.receive_codecs)
        # Some phones send the static number of comfort noise without having listed it.
        self._formats.setdefault(CN.payload_type, CN)
        self.receiving = agreement.direction.receives
        self.lock.signal(agreement.remote_rtp)
        if not self.receiving:
            self.jitter.reset()

    def receive(self, data: bytes, source: TransportAddress, *, own_ssrc: int, now: float) -> list[MediaEvent] | None:
        """One datagram; None when it was not taken as part of the stream."""
        packet = self._open(data)
        if packet is None:
            return None
        codec = self._formats.get(packet.payload_type)
        if codec is None:
            self.counts["unknown_format"] += 1
            return None
        if packet.ssrc == own_ssrc and not self._accept_own_ssrc:
            return self._collided(own_ssrc, source, now)
        return self._admit(packet, codec, source, now)

    def unprotect(self, data: bytes, *, rtcp: bool = False) -> bytes | None:
        """The packet inside; None, and counted, when it is not authentic."""
        if not self.keys.secure:
            return data
        try:
            return self.keys.unprotect(data, rtcp=rtcp)
        except RemoteRtpError as error:
            self.counts["malformed" if isinstance(error, MalformedPacket) else "unauthenticated"] += 1
            return None

    def _open(self, data: bytes) -> RtpPacket | None:
        clear = self.unprotect(data)
        if clear is None:
            return None
        try:
            return RtpPacket.parse(clear)
        except MalformedPacket:
            self.counts["malformed"] += 1
            return None

    def _collided(self, own_ssrc: int, source: TransportAddress, now: float) -> list[MediaEvent] | None:
        """Somebody sends under our SSRC. The first time it may be chance, and another SSRC helps; when the same
        address does it again it is an echo, which would follow us for ever (RFC 3550 section 8.2)."""
        self.counts["looped"] += 1
        known = self._conflicts.pop(source, -_CONFLICT_MEMORY)
        self._conflicts[source] = now
        if len(self._conflicts) > _MAX_CONFLICTS:
            del self._conflicts[next(iter(self._conflicts))]
        return [SsrcCollided(ssrc=own_ssrc)] if now - known >= _CONFLICT_MEMORY else None

    def _admit(self, packet: RtpPacket, codec: Codec, source: TransportAddress, now: float) -> list[MediaEvent] | None:
        encoding = codec.encoding.upper()
        is_event = encoding == "TELEPHONE-EVENT"
        lock = self.lock
        before, destination = lock.locked, lock.destination
        numbers = packet.ssrc, packet.sequence_number, packet.timestamp
        if not lock.admit(*numbers, source, now=now, measure=not is_event):
            return None
        events = [] if lock.locked is before else self._locked(packet.ssrc, source, destination)
        try:
            if is_event:
                report = TelephoneEvent.parse(packet.payload)
                events += self.dtmf.receive(report, packet.timestamp, now=now)
            elif self.receiving:
                self._sound(packet, encoding, now)
        except MalformedPacket:
            self.counts["unknown_format"] += 1
        return events

    def _locked(self, ssrc: int, source: TransportAddress, destination: TransportAddress | None) -> list[MediaEvent]:
        self.jitter.reset()
        events = [*self.dtmf.reset(), SourceLocked(ssrc=ssrc, source=source)]
        learned = self.lock.destination
        if learned is not None and learned != destination:
            events.append(RemoteAddressLearned(address=learned, previous=destination))
        return events

    def _sound(self, packet: RtpPacket, encoding: str, now: float) -> None:
        if encoding == "CN":
            self.jitter.push_noise(packet.timestamp, ComfortNoise.parse(packet.payload).level, now=now)
            return
        coding = CODINGS.get(encoding)
        if coding is None or not packet.payload:
            self.counts["unknown_format"] += 1
            return
        self.jitter.push(packet.timestamp, coding.decode(packet.payload), now=now, marker=packet.marker)

    def pop(self, *, now: float) -> Frame | None:
        """The frame of this tick; None in silence, while a key is pressed, and when we do not listen."""
        frame = self.jitter.pop(now=now)
        return None if self.dtmf.active or not self.receiving else frame
