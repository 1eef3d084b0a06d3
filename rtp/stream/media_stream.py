"""The media of one leg: datagrams in and frames out, frames in and datagrams out.

Once a frame (20 ms) the owner calls ``pop_frame`` and ``send_frame``; it hands every datagram to ``receive``, watches
``next_timeout`` and drains ``data_to_send`` for RTCP, and for packets that are due between two frames. Nothing that a
peer sends raises: it is used, or counted.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from rtp.entropy import Entropy
from rtp.errors import MalformedPacket
from rtp.events import MediaEvent, MediaSilent, ReceptionReported, SourceLeft, SourceTimedOut
from rtp.packets.demux import DatagramKind, classify
from rtp.packets.rtcp import SenderReport, parse_rtcp
from rtp.sdp.agreement import MediaAgreement
from rtp.sdp.direction import Direction
from rtp.srtp.keys import SendingKeys
from rtp.stream.counters import MediaCounters
from rtp.stream.inbound_media import InboundMedia
from rtp.stream.jitter_buffer import Frame, FrameKind
from rtp.stream.media_stream_config import MediaStreamConfig
from rtp.stream.outbound_media import OutboundMedia
from rtp.stream.outgoing import Outgoing
from rtp.stream.receiver import RtpReceiver
from rtp.stream.rtcp_session import RtcpSession
from rtp.stream.rtcp_source import RtcpSource
from rtp.stream.sender import RtpSender
from rtp.stream.source_lock import TransportAddress, sendable
from rtp.stream.steady_flow import SteadyFlow
from rtp.stream.stream_start import StreamStart
from rtp.stream.unproven import UnprovenAddress


class MediaStream:
    """One leg.

    ``entropy`` gives all numbers that have to be random. Who wants to choose them gives ``ssrc``, ``sequence_number``,
    ``timestamp``, ``cname`` and ``uniform`` (in [0, 1)), some or all. ``wall_clock`` is the Unix time at ``now == 0``.
    Raises LocalProtocolError when something is missing, and when the agreed codec is none that this package can do.
    """

    def __init__(
        self,
        agreement: MediaAgreement,
        *,
        entropy: Entropy | None = None,
        ssrc: int | None = None,
        sequence_number: int | None = None,
        timestamp: int | None = None,
        cname: str | None = None,
        uniform: Callable[[], float] | None = None,
        now: float,
        wall_clock: float = 0.0,
        config: MediaStreamConfig | None = None,
    ) -> None:
        self.config = config = config or MediaStreamConfig()
        self.agreement = agreement
        start = StreamStart.of(
            entropy, ssrc=ssrc, sequence_number=sequence_number, timestamp=timestamp, cname=cname, uniform=uniform
        )
        self._uniform, self._wall_clock, self._cname = start.uniform, wall_clock, start.cname
        self._pending: list[Outgoing] = []
        self._round_trip: float | None = None
        self._heard = now
        self._silence_reported = False
        self._begin(start.ssrc, start.sequence_number, start.timestamp, now)
        frame = round(config.jitter.frame * agreement.codec.clock_rate)
        self._out = OutboundMedia(agreement, self._sender, frame=frame)
        self._in = InboundMedia(
            agreement, policy=config.source, jitter=config.jitter, accept_own_ssrc=config.accept_own_ssrc
        )
        self._rtcp_destination = sendable(agreement.remote_rtcp)
        self._rtcp_source = RtcpSource(config.source)
        self._unproven = UnprovenAddress(config.unproven, now=now)
        self._keys = SendingKeys()
        self._protector = self._keys.find(agreement.local_crypto)

    def _begin(self, ssrc: int, sequence_number: int, timestamp: int, now: float) -> None:
        self._sender = RtpSender(
            ssrc=ssrc,
            sequence_number=sequence_number,
            timestamp=timestamp,
            clock_rate=self.agreement.codec.clock_rate,
        )
        self._rtcp = RtcpSession(
            self._sender,
            cname=self._cname,
            uniform=self._uniform,
            wall_clock=self._wall_clock,
            config=self.config.rtcp,
        )
        self._rtcp.start(now=now)

    # What an observer may ask

    @property
    def ssrc(self) -> int:
        """The SSRC of what we send."""
        return self._sender.ssrc

    @property
    def remote_ssrc(self) -> int | None:
        """The source that is heard."""
        locked = self._in.lock.locked
        return locked.ssrc if locked is not None else None

    @property
    def remote_cname(self) -> str | None:
        """The CNAME of whom we hear, as RTCP said it; None before that."""
        ssrc = self.remote_ssrc
        return None if ssrc is None else self._rtcp.cname_of(ssrc)

    @property
    def destination(self) -> TransportAddress | None:
        """Where RTP is sent; None while there is nowhere to send to."""
        return self._in.lock.destination if self.agreement.remote_rtp is not None else None

    @property
    def sending(self) -> bool:
        """Whether frames given to ``send_frame`` leave."""
        return self.agreement.direction.sends and self.destination is not None

    @property
    def receiving(self) -> bool:
        """Whether the agreement has us receive."""
        return self.agreement.direction.receives

    @property
    def last_heard(self) -> float:
        """When the last RTP or RTCP of the peer came, monotonic seconds."""
        return self._heard

    def counters(self) -> MediaCounters:
        """What was sent, received, lost and dropped so far."""
        return MediaCounters.of(self._in, self._sender, withheld=self._unproven.withheld, round_trip=self._round_trip)

    # Datagrams in

    def receive(self, kind: str, data: bytes, source: TransportAddress, *, now: float) -> list[MediaEvent]:
        """One datagram from our RTP (``kind`` ``"rtp"``) or RTCP (``"rtcp"``) port."""
        found = classify(data) if len(data) <= self.config.max_datagram else DatagramKind.GARBAGE
        if found is DatagramKind.RTP and kind == "rtp":
            return self._receive_rtp(data, source, now)
        if found is DatagramKind.RTCP:
            return self._receive_rtcp(data, source, now)
        foreign = found in (DatagramKind.STUN, DatagramKind.DTLS)
        self._in.counts["foreign" if foreign else "malformed"] += 1
        return []

    def _receive_rtp(self, data: bytes, source: TransportAddress, now: float) -> list[MediaEvent]:
        host = self._in.lock.source
        events = self._in.receive(data, source, own_ssrc=self._sender.ssrc, now=now)
        if events is None:
            if source == self._in.echo:  # what we sent there comes back: no source, but somebody who takes part
                self._unproven.heard(source[0])
            return []
        self._alive(now)
        ssrc = self.remote_ssrc
        if ssrc is not None:
            self._rtcp.rtp_received(ssrc, now=now)
        if events:
            self._moved(host)
        return events

    def _moved(self, before: TransportAddress | None) -> None:
        """RTP may come from another address than before: RTCP follows."""
        after = self._in.lock.source
        if after is None:
            return
        self._unproven.heard(after[0])
        if before is not None and before[0] != after[0]:
            self._rtcp_source.forget()
        if self.agreement.rtcp_mux and self.agreement.remote_rtcp is not None:
            self._rtcp_destination = self._in.lock.destination

    def _receive_rtcp(self, data: bytes, source: TransportAddress, now: float) -> list[MediaEvent]:
        clear = self._in.unprotect(data, rtcp=True)
        try:
            packets = [] if clear is None else parse_rtcp(clear)
        except MalformedPacket:
            self._in.counts["malformed"] += 1
            return []
        if not packets:
            return []
        agreement, lock, secure = self.agreement, self._in.lock, self._in.keys.secure
        if not self._rtcp_source.admit(packets, source, agreement, lock, authentic=secure, now=now):
            self._in.counts["refused"] += 1
            return []
        self._alive(now)
        self._unproven.heard(source[0])
        if self.config.source.follow and not agreement.rtcp_mux and agreement.remote_rtcp is not None:
            self._rtcp_destination = source
        for packet in packets:
            if isinstance(packet, SenderReport) and lock.locked is not None and packet.ssrc == lock.locked.ssrc:
                lock.locked.sender_report(packet, now=now)
        return self._noted(self._rtcp.receive(packets, len(data), now=now))

    def _noted(self, events: list[MediaEvent]) -> list[MediaEvent]:
        for event in events:
            if isinstance(event, ReceptionReported) and event.round_trip is not None:
                self._round_trip = event.round_trip
            elif isinstance(event, SourceLeft | SourceTimedOut) and event.ssrc == self.remote_ssrc:
                self._in.lock.release()
        return events

    def _alive(self, now: float) -> None:
        self._heard, self._silence_reported = now, False

    # Frames out

    def pop(self, *, now: float) -> Frame | None:
        """The frame of this tick and where it comes from; None when the peer is silent or presses a key."""
        return self._in.pop(now=now)

    def pop_frame(self, *, now: float) -> bytes | None:
        """The sound of this tick as PCM, None when there is none.

        Comfort noise counts as none, since a mix does not want the noise of every leg; ``pop`` gives that too.
        """
        frame = self._in.pop(now=now)
        return None if frame is None or frame.kind is FrameKind.NOISE else frame.pcm

    # Frames in

    def decode(self, payload: bytes) -> bytes:
        """One payload of the agreed codec as PCM."""
        return self._out.coding.decode(payload)

    def encode(self, pcm: bytes) -> bytes:
        """PCM as a payload of the agreed codec."""
        return self._out.coding.encode(pcm)

    def send_frame(
        self, pcm: bytes | None = None, *, payload: bytes | None = None, csrc: tuple[int, ...] = (), now: float
    ) -> list[Outgoing]:
        """One frame of sound as PCM, or already encoded as ``payload``; neither: silence, nothing leaves.

        To be called once a frame in any case, since the time line goes on. ``csrc`` names the contributors, loudest
        first, at most 15. While keys are sent they take the place of sound.
        """
        if not self._may_send(now):
            self._out.skip()
            return []
        made = self._out.frame if self._out.pacer is None else self._out.paced_frame
        return self._outgoing(made(pcm, payload, csrc, now=now), now)

    def send_noise(self, level: int, *, now: float) -> list[Outgoing]:
        """Comfort noise of ``level`` dBov below zero in the place of one frame; silence when the peer takes none."""
        if not self._may_send(now):
            self._out.skip()
            return []
        return self._outgoing(self._out.noise(level, now=now), now)

    @property
    def next_departure(self) -> float | None:
        """When a packet that was made leaves; only with packets whose length is no multiple of a frame."""
        return self._out.next_departure

    def departures(self, *, now: float) -> list[Outgoing]:
        """Packets of sound that were made before and leave now; ``handle_timeout`` would do the same."""
        return self._outgoing(self._out.due(now=now), now)

    @property
    def paced(self) -> bool:
        """Whether packets leave between two frames."""
        return self._out.pacer is not None

    def send_dtmf(self, digits: str, *, duration: float = 0.1, pause: float = 0.06) -> None:
        """Send keys, in the frames to come; seconds each. Raises LocalProtocolError when the peer takes no events."""
        self._out.start_keys(digits, duration=duration, pause=pause)

    def _may_send(self, now: float) -> bool:
        destination = self.destination
        if destination is None or not self.agreement.direction.sends:
            return False
        return self._unproven.admits(destination[0], now=now)

    def _outgoing(self, packets: list[bytes], now: float) -> list[Outgoing]:
        destination = self.destination
        if not packets or destination is None:
            return []
        self._rtcp.rtp_sent(now=now)
        self._unproven.sent(now=now)
        if self._protector is not None:
            packets = [self._protector.protect(data) for data in packets]
        return [Outgoing("rtp", data, destination) for data in packets]

    # Time and RTCP

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` wants to be called."""
        times = (self._rtcp.next_timeout(), self._in.dtmf.next_timeout(), self._silence_at(), self.next_departure)
        return min((time for time in times if time is not None), default=None)

    def _silence_at(self) -> float | None:
        # Who is on hold may be silent as long as he likes.
        timeout = self.config.silence_timeout
        if timeout is None or self._silence_reported or self.agreement.held or not self.receiving:
            return None
        return self._heard + timeout

    def handle_timeout(self, *, now: float) -> list[MediaEvent]:
        """Do what is due at ``now`` and return what it caused; then read ``next_timeout`` again."""
        events = self._in.dtmf.handle_timeout(now=now)
        self._pending += self.departures(now=now)
        silent_at = self._silence_at()
        if silent_at is not None and now >= silent_at:
            self._silence_reported = True
            events.append(MediaSilent(since=self._heard))
        report = self._rtcp.due(self._receivers(), now=now)
        if report is not None:
            self._send_rtcp(report)
            events += self._noted(self._rtcp.handle_timeout(now=now))
        return events

    def data_to_send(self) -> list[Outgoing]:
        """RTCP, and packets of sound that had to wait, that became due; drained by the call."""
        pending, self._pending = self._pending, []
        return pending

    def _receivers(self) -> list[RtpReceiver]:
        return [] if self._in.lock.locked is None else [self._in.lock.locked]

    def _send_rtcp(self, data: bytes) -> None:
        if self._rtcp_destination is None or self.agreement.remote_rtp is None:
            return
        if self._protector is not None:
            data = self._protector.protect_rtcp(data)
        self._pending.append(Outgoing("rtp" if self.agreement.rtcp_mux else "rtcp", data, self._rtcp_destination))

    # Life

    def update(self, agreement: MediaAgreement, *, now: float) -> None:
        """A new offer and answer: address, direction, codec, keys. SSRC, numbering and time line go on.

        Raises LocalProtocolError, and changes nothing, when we lack the codec or its clock rate is another.
        """
        protector = self._keys.find(agreement.local_crypto)
        if agreement.remote_crypto is not None:
            agreement.remote_crypto.master()  # raises before anything changes
        self._out.apply(agreement)
        before, self.agreement, self._protector = self.agreement, agreement, protector
        self._in.apply(agreement)
        if agreement.remote_rtcp != before.remote_rtcp:
            self._rtcp_destination = sendable(agreement.remote_rtcp)
            self._rtcp_source.forget()
        if agreement.remote_rtp != before.remote_rtp:
            self._unproven.moved(now=now)
        self._alive(now)

    def switch_off(self, *, now: float) -> None:
        """The line was answered with port 0: nothing goes out or comes in until ``update`` brings it back
        (RFC 3264 section 8.2). SSRC, numbering and keys are kept."""
        off = attrs.evolve(self.agreement, direction=Direction.INACTIVE, held=True, remote_rtp=None, remote_rtcp=None)
        self.update(off, now=now)

    def restart(self, *, ssrc: int, sequence_number: int, timestamp: int, now: float) -> None:
        """Say BYE for our SSRC and go on under another (RFC 3550 section 8.2)."""
        self.bye(now=now)
        self._begin(ssrc, sequence_number, timestamp, now)
        self._out.continue_as(self._sender, self.agreement)

    def bye(self, *, reason: str | None = None, now: float) -> None:
        """The leg ends: an RTCP BYE waits in ``data_to_send``, unless we never sent anything."""
        data = self._rtcp.bye(self._receivers(), reason=reason, now=now)
        if data is not None:
            self._send_rtcp(data)

    # Steady flow: see ``rtp.stream.steady_flow``

    def steady(self) -> SteadyFlow | None:
        """The numbers that ordinary packets and frames change, when nothing else is going on; ``None`` otherwise.

        Whoever has them plays the part of this stream until ``resume``; ``next_timeout`` still says when that must be.
        """
        inbound = None if self._in.idle else self._in.steady(self.agreement.codec, own_ssrc=self._sender.ssrc)
        busy = self._pending or (inbound is None and not self._in.idle)
        if busy or not self._rtcp.steady(self.remote_ssrc, sends=self.sending):
            return None
        terms = self._unproven.terms(self.destination)
        outbound = self._out.steady(self.destination, sends=self.sending, terms=terms, protector=self._protector)
        return None if outbound is None else SteadyFlow(inbound=inbound, outbound=outbound)

    def resume(self, flow: SteadyFlow) -> None:
        """Go on from where somebody else has come with what ``steady`` gave."""
        self._in.resume(flow.inbound)
        if flow.received_at is not None:
            self._alive(flow.received_at)
        self._out.resume(flow.outbound)
        if flow.outbound.keys is not None and self._protector is not None:
            self._protector.resume_sending(flow.outbound.ssrc, flow.outbound.sent)
        self._unproven.resume(withheld=flow.outbound.withheld, sent=flow.sent_at)
        self._rtcp.resume(self.remote_ssrc, received=flow.received_at, sent=flow.sent_at)
