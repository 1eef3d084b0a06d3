"""The receiving half of a leg: RTP datagrams in, frames and telephone events out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import Enum
from typing import Final

from rtp.codecs.coding import AudioCoding
from rtp.codecs.comfort_noise import ComfortNoise
from rtp.codecs.pcm import SAMPLE_RATE
from rtp.codecs.table import coding_of
from rtp.errors import MalformedPacket, RemoteProtocolError
from rtp.events import MediaEvent, RemoteAddressLearned, SourceLocked, SsrcCollided
from rtp.packets.rtp import RtpPacket
from rtp.packets.telephone_event import TelephoneEvent
from rtp.sdp.agreement import MediaAgreement
from rtp.sdp.codec import CN, PCMA, PCMU, Codec
from rtp.srtp.keys import ReceivingKeys
from rtp.stream.dtmf import DtmfReceiver
from rtp.stream.jitter_buffer import Frame, JitterBuffer, JitterBufferConfig
from rtp.stream.receiver import Verdict
from rtp.stream.sample_time import SampleTime
from rtp.stream.source_lock import SourceLock, SourcePolicy, TransportAddress
from rtp.stream.steady_flow import SteadyInbound
from rtp.stream.time_line import TimeLine

_CONFLICT_MEMORY: Final = 50.0  #: seconds, ten report intervals (RFC 3550 section 8.2)
_MAX_CONFLICTS: Final = 16  #: addresses; a leg has one peer, so more are an attack


class Use(Enum):
    """What a payload is, when it is no sound."""

    EVENT = "event"
    NOISE = "noise"
    UNKNOWN = "unknown"  #: agreed, but nothing that we can decode
    NOTHING = "nothing"  #: not to be used


_Use = Use | AudioCoding


def _use_of(codec: Codec) -> _Use:
    other = {"TELEPHONE-EVENT": Use.EVENT, "CN": Use.NOISE}
    return coding_of(codec) or other.get(codec.encoding.upper(), Use.UNKNOWN)


def _tolerated(agreement: MediaAgreement) -> Iterator[Codec]:
    """Formats that come though our description has them under other numbers or not at all.

    Many send under the numbers of their own description, where those of the receiver's are the right ones (RFC 3264
    section 5.1); and some send the static numbers of comfort noise and of the other law without having listed them.
    """
    yield agreement.codec
    if agreement.telephone_event is not None:
        yield Codec(agreement.telephone_event, "telephone-event", agreement.codec.clock_rate)
    if agreement.comfort_noise is not None:
        yield Codec(agreement.comfort_noise, "CN", agreement.codec.clock_rate)
    yield from (CN, PCMU, PCMA)


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
        self._line, self._samples = TimeLine(clock_rate), SampleTime(clock_rate)
        self._held: tuple[RtpPacket, _Use, float] | None = None  #: of a source that still has to prove itself
        self._conflicts: dict[TransportAddress, float] = {}  #: who used our SSRC, and when last
        self.echo: TransportAddress | None = None  #: who did so last
        self.apply(agreement)

    def apply(self, agreement: MediaAgreement) -> None:
        """Use what was agreed from here on.

        Raises LocalProtocolError, and changes nothing, for a key that is unusable.
        """
        self.keys.use(agreement.remote_crypto)
        formats = dict(agreement.receive_codecs)
        for codec in _tolerated(agreement):
            formats.setdefault(codec.payload_type, codec)
        self._formats = {number: _use_of(codec) for number, codec in formats.items()}
        self.receiving = agreement.direction.receives
        if self.lock.signal(agreement.remote_rtp):
            self._held = None
        if not self.receiving:
            self.jitter.reset()

    def receive(self, data: bytes, source: TransportAddress, *, own_ssrc: int, now: float) -> list[MediaEvent] | None:
        """One datagram; None when it was not taken as part of the stream."""
        packet = self._open(data)
        if packet is None:
            return None
        use = self._formats.get(packet.payload_type)
        if use is None:
            self.counts["unknown_format"] += 1
            return None
        if packet.ssrc == own_ssrc and not self._accept_own_ssrc:
            return self._collided(own_ssrc, source, now)
        return self._admit(packet, use, source, now)

    def unprotect(self, data: bytes, *, rtcp: bool = False) -> bytes | None:
        """The packet inside; None, and counted, when it is not authentic."""
        if not self.keys.secure:
            return data
        try:
            return self.keys.unprotect(data, rtcp=rtcp)
        except RemoteProtocolError as error:
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
        if self.lock.is_stranger(source):
            return None  # whoever made us change our source again and again would silence us
        self.echo = source
        known = self._conflicts.pop(source, -_CONFLICT_MEMORY)
        self._conflicts[source] = now
        if len(self._conflicts) > _MAX_CONFLICTS:
            del self._conflicts[next(iter(self._conflicts))]
        return [SsrcCollided(ssrc=own_ssrc)] if now - known >= _CONFLICT_MEMORY else None

    def _admit(self, packet: RtpPacket, use: _Use, source: TransportAddress, now: float) -> list[MediaEvent] | None:
        lock = self.lock
        before, destination = lock.locked, lock.destination
        measure = use is not Use.EVENT
        verdict = lock.admit(
            packet.ssrc,
            packet.sequence_number,
            packet.timestamp,
            source,
            now=now,
            measure=measure,
            authentic=self.keys.secure,
        )
        if verdict is Verdict.ACCEPTED:
            self._held = None
            if measure and self.receiving:
                self._sound(packet, use, now)
                return []
            return self._take(packet, use, now)
        if verdict is not Verdict.RESTARTED:
            if verdict is not Verdict.REFUSED:
                self._held = packet, use, now
            return None
        events = [] if lock.locked is before else self._locked(packet.ssrc, source, destination)
        return events + self._take_first(packet, now) + self._take(packet, use, now)

    def _take_first(self, packet: RtpPacket, now: float) -> list[MediaEvent]:
        """The packet that proved nothing yet when it came, now that the next one confirmed it; then the time line goes
        on with it."""
        held, self._held = self._held, None
        follows = held is not None and held[0].ssrc == packet.ssrc
        if held is None or not follows or (packet.sequence_number - held[0].sequence_number) & 0xFFFF != 1:
            held = packet, Use.NOTHING, now
        first, use, at = held
        units = use.units(len(first.payload)) if isinstance(use, AudioCoding) else len(first.payload)
        self._line.begin_anew(first.sequence_number, first.timestamp, units, now=at)
        return self._take(first, use, at)

    def _take(self, packet: RtpPacket, use: _Use, now: float) -> list[MediaEvent]:
        if use is Use.EVENT:
            try:
                report = TelephoneEvent.parse(packet.payload)
            except MalformedPacket:
                self.counts["unknown_format"] += 1
                return []
            return self.dtmf.receive(report, self._line.map(packet.timestamp), now=now)
        if self.receiving:
            self._sound(packet, use, now)
        return []

    def _locked(self, ssrc: int, source: TransportAddress, destination: TransportAddress | None) -> list[MediaEvent]:
        events = [*self.dtmf.reset(), SourceLocked(ssrc=ssrc, source=source)]
        learned = self.lock.destination
        if learned is not None and learned != destination:
            events.append(RemoteAddressLearned(address=learned, previous=destination))
        return events

    def _sound(self, packet: RtpPacket, use: _Use, now: float) -> None:
        payload = packet.payload
        if isinstance(use, AudioCoding) and payload:
            units = use.units(len(payload))
            at = self._line.follow(packet.sequence_number, packet.timestamp, units, now=now)
            self.jitter.push(self._samples.of(at), use.decode(payload), now=now, marker=packet.marker)
        elif use is Use.NOISE:
            self._noise(packet, now)
        elif use is not Use.NOTHING:
            self.counts["unknown_format"] += 1

    def _noise(self, packet: RtpPacket, now: float) -> None:
        try:
            level = ComfortNoise.parse(packet.payload).level
        except MalformedPacket:
            self.counts["unknown_format"] += 1
            return
        at = self._line.follow(packet.sequence_number, packet.timestamp, 0, now=now)
        self.jitter.push_noise(self._samples.of(at), level, now=now)

    def pop(self, *, now: float) -> Frame | None:
        """The frame of this tick; None in silence, while a key is pressed, and when we do not listen."""
        frame = self.jitter.pop(now=now)
        return None if self.dtmf.active or not self.receiving else frame

    # Steady flow: see ``rtp.stream.steady_flow``

    @property
    def idle(self) -> bool:
        """Whether ``pop`` gives nothing and changes nothing until a packet comes."""
        return self.jitter.idle

    def steady(self, codec: Codec, *, own_ssrc: int) -> SteadyInbound | None:
        """The numbers, when the newest packet came in its turn and nothing is open."""
        use, locked, buffer = self._formats.get(codec.payload_type), self.lock.undisputed(), self.jitter.steady()
        if buffer is None or locked is None or not isinstance(use, AudioCoding) or use.codes is None:
            return None
        if use.clock_rate != SAMPLE_RATE or self.dtmf.active or not self.receiving:
            return None
        receiver, source, heard = locked
        steady, played_time, arrival = buffer
        newest, (number, end, arrived) = receiver.newest(), self._line.newest()
        if newest is None or receiver.ssrc == own_ssrc or newest[0] != number or newest[2] != arrived:
            return None
        units = end - newest[1] & 0xFFFF_FFFF
        if arrived != arrival or heard != arrived or 2 * units != len(steady.last):
            return None
        if self._line.map(newest[1]) != played_time & 0xFFFF_FFFF:
            return None
        return SteadyInbound(
            ssrc=receiver.ssrc,
            source=source,
            payload_type=codec.payload_type,
            coding=use,
            next_number=newest[0] + 1 & 0xFFFF,
            next_timestamp=end,
            arrival=arrival,
            jitter=receiver.jitter,
            buffer=steady,
            keys=self.keys.steady(receiver.ssrc, newest[0]),
            open=self.unprotect if self.keys.secure else None,
            overhead=self.keys.overhead,
        )

    def resume(self, steady: SteadyInbound | None) -> None:
        """Go on from there."""
        if steady is None:
            return
        self.jitter.resume(steady.buffer, arrival=steady.arrival)
        if steady.arrived and self.lock.locked is not None:
            units = len(steady.buffer.last) // 2
            self._held = None
            self._line.resume(steady.arrived, units, arrival=steady.arrival)
            self.lock.resume(arrival=steady.arrival)
            if steady.keys is not None:
                self.keys.resume(steady.ssrc, steady.arrived)
            last = steady.next_timestamp - units & 0xFFFF_FFFF
            self.lock.locked.resume(steady.arrived, timestamp=last, arrival=steady.arrival, jitter=steady.jitter)
