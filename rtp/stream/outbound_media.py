"""The sending half of a leg: frames and keys in, RTP packets out. It knows no addresses."""

from __future__ import annotations

from rtp.codecs.coding import AudioCoding
from rtp.codecs.comfort_noise import ComfortNoise
from rtp.codecs.table import coding_of
from rtp.errors import LocalProtocolError
from rtp.sdp.agreement import MediaAgreement
from rtp.srtp.context import SrtpContext
from rtp.stream.dtmf import DtmfSender
from rtp.stream.pacing import Pacer
from rtp.stream.packetizer import Packetizer
from rtp.stream.sender import RtpSender
from rtp.stream.steady_flow import SteadyOutbound, TransportAddress


class OutboundMedia:
    """One frame in at each call, so many packets out as that completes."""

    def __init__(self, agreement: MediaAgreement, sender: RtpSender, *, frame: int) -> None:
        self.sender = sender
        self._frame = frame  #: units of the clock
        self._dtmf = DtmfSender(clock_rate=sender.clock_rate)
        self._use(agreement, self._coding_of(agreement))

    def apply(self, agreement: MediaAgreement) -> None:
        """Use what was agreed from here on; raises LocalProtocolError, and changes nothing, when we lack the codec."""
        coding = self._coding_of(agreement)
        self._packetizer.discard()
        self._use(agreement, coding)

    def continue_as(self, sender: RtpSender, agreement: MediaAgreement) -> None:
        """Go on under another SSRC."""
        self.sender = sender
        self._use(agreement, self._coding_of(agreement))

    def _coding_of(self, agreement: MediaAgreement) -> AudioCoding:
        codec = agreement.codec
        if codec.clock_rate != self.sender.clock_rate:
            raise LocalProtocolError("the clock rate of a stream cannot change")
        coding = coding_of(codec)
        if coding is None:
            raise LocalProtocolError(f"no coding for {codec.encoding} at {codec.clock_rate} Hz")
        return coding

    def _use(self, agreement: MediaAgreement, coding: AudioCoding) -> None:
        self.coding = coding
        self._payload_type = agreement.codec.payload_type
        self._event_type = agreement.telephone_event
        self._noise_type = agreement.comfort_noise
        rate = agreement.codec.clock_rate
        packet = agreement.ptime * rate // 1000
        self._packetizer = Packetizer(self.sender, coding, frame=self._frame, packet=packet)
        self.pacer: Pacer[bytes] | None = None
        if packet % self._frame:
            self.pacer = Pacer(interval=packet / rate, frame=self._frame / rate)

    @property
    def next_departure(self) -> float | None:
        """When ``due`` has something."""
        return None if self.pacer is None else self.pacer.next_departure()

    def due(self, *, now: float) -> list[bytes]:
        """Packets that waited for their turn."""
        return [] if self.pacer is None else self.pacer.due(now=now)

    def start_keys(self, digits: str, *, duration: float, pause: float) -> None:
        """Send telephone events from now on; raises LocalProtocolError when the peer takes no telephone events."""
        if self._event_type is None:
            raise LocalProtocolError("the peer takes no telephone events")
        self._dtmf.start(digits, duration=duration, pause=pause)

    def skip(self) -> None:
        """A frame that does not leave because nobody wants it."""
        self._packetizer.discard()
        self._packetizer.pause()
        if self.pacer is not None:
            self.pacer.clear()

    def paced_frame(
        self, pcm: bytes | None, payload: bytes | None, csrc: tuple[int, ...], *, now: float
    ) -> list[bytes]:
        """As ``frame``: what leaves now of it, and of what waited."""
        even = not (self._event_type is not None and self._dtmf.active)
        packets = self.frame(pcm, payload, csrc, now=now)
        return packets if self.pacer is None else self.pacer.pace(packets, even=even, now=now)

    def frame(self, pcm: bytes | None, payload: bytes | None, csrc: tuple[int, ...], *, now: float) -> list[bytes]:
        """Sound, or silence when both are None; keys go first."""
        if self._event_type is not None and self._dtmf.active:
            packets = self._keys(self._event_type, now)
            if packets:
                return packets
        if payload is None and pcm is None:
            return self._silence(now)
        encoded = payload if payload is not None else self.coding.encode(pcm or b"")
        return self._packetizer.sound(encoded, self._payload_type, csrc=csrc, now=now)

    def noise(self, level: int, *, now: float) -> list[bytes]:
        """Comfort noise, or plain silence when the peer does not take it."""
        if self._noise_type is None:
            packets = self._silence(now)
        else:
            packets = self._packetizer.flush(self._payload_type, now=now)
            packets.append(self._packetizer.noise(bytes(ComfortNoise(level)), self._noise_type, now=now))
        return packets if self.pacer is None else self.pacer.pace(packets, even=False, now=now)

    def _silence(self, now: float) -> list[bytes]:
        packets = self._packetizer.flush(self._payload_type, now=now)
        self._packetizer.pause()
        return packets

    def _keys(self, payload_type: int, now: float) -> list[bytes]:
        self._packetizer.discard()
        key = self._dtmf.advance(self.sender.timestamp, self._frame)
        if key is None:
            return []
        data = self.sender.packet(
            bytes(key.report),
            payload_type,
            now=now,
            timestamp=key.timestamp,
            marker=key.marker,
            counted=not key.repeated,
        )
        self._packetizer.pause()
        return [data]

    # Steady flow: see ``rtp.stream.steady_flow``

    def steady(
        self,
        destination: TransportAddress | None,
        *,
        sends: bool,
        terms: tuple[bool, float, float, float],
        protector: SrtpContext | None,
    ) -> SteadyOutbound | None:
        """The numbers, when each frame is one packet and nothing else waits; ``terms`` are of `UnprovenAddress`."""
        coding, sender = self.coding, self.sender
        if self.pacer is not None or self._dtmf.active or not self._packetizer.between_packets or coding.codes is None:
            return None
        proven, grace_ends, next_unproven, interval = terms
        return SteadyOutbound(
            ssrc=sender.ssrc,
            payload_type=self._payload_type,
            coding=coding,
            number=sender.sequence_number,
            timestamp=sender.timestamp,
            talkspurt=self._packetizer.talkspurt,
            destination=destination,
            sends=sends,
            proven=proven,
            grace_ends=grace_ends,
            next_unproven=next_unproven,
            unproven_interval=interval,
            keys=None if protector is None else protector.steady_sending(sender.ssrc),
            seal=None if protector is None else protector.protect,
        )

    def resume(self, steady: SteadyOutbound) -> None:
        """Go on from there."""
        self.sender.timestamp = steady.timestamp
        self._packetizer.resume(steady.talkspurt)
        if steady.sent:
            octets = self.coding.octets(self._frame)
            self.sender.resume(steady.sent, octets, timestamp=steady.sent_timestamp, at=steady.sent_at)
