"""When to send RTCP and what, and who takes part (RFC 3550 sections 6.2 to 6.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import attrs

from rtp.errors import LocalProtocolError
from rtp.events import MediaEvent, ReceptionReported, SourceLeft, SourceNamed, SourceTimedOut
from rtp.field_types import ABOVE_ZERO, checks_types
from rtp.packets.rtcp import (
    CNAME,
    Goodbye,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SdesChunk,
    SenderReport,
    SourceDescription,
    build_compound,
    ntp_timestamp,
)
from rtp.shown import Shown
from rtp.stream.receiver import RtpReceiver
from rtp.stream.sender import RtpSender

_COMPENSATION: Final = 1.21828  #: e - 3/2: reconsideration shortens the mean interval by this (section 6.3.1)
_UDP_IP: Final = 28  #: octets of headers that count into the average size
_SENDER_SHARE: Final = 0.25  #: of the RTCP bandwidth, as long as senders are a minority
_MAX_REPORTS: Final = 31


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class RtcpConfig(Shown):
    """Times in seconds."""

    #: bit/s of RTP; G.711 at 20 ms with its headers
    session_bandwidth: float = attrs.field(default=80_000.0, metadata=ABOVE_ZERO)
    min_interval: float = attrs.field(default=5.0, metadata=ABOVE_ZERO)  #: section 6.2
    first_interval: float = 2.5  #: before the first report
    timeout_intervals: int = 5  #: a participant silent for so many intervals is gone (section 6.3.5)
    participant_timeout: float = 50.0  #: but not before this, which clients of Microsoft use
    max_members: int = 48  #: more in one leg is an attack; below 50 a BYE needs no back-off (section 6.3.7)
    report_first_packet: bool = True  #: the first SR follows the first RTP packet at once


class _Member:
    __slots__ = ("cname", "heard", "sent_rtp")

    def __init__(self, now: float) -> None:
        self.heard = now
        self.cname: str | None = None
        self.sent_rtp: float | None = None


class RtcpSession:
    """RTCP of one stream.

    ``uniform`` gives numbers in [0, 1); ``wall_clock`` is the Unix time at ``now == 0``, for the NTP time of reports.

    Raises LocalProtocolError for a CNAME that does not fit.
    """

    def __init__(
        self,
        sender: RtpSender,
        *,
        cname: str,
        uniform: Callable[[], float],
        wall_clock: float = 0.0,
        config: RtcpConfig | None = None,
    ) -> None:
        if not 0 < len(cname.encode()) <= 255:
            raise LocalProtocolError("a CNAME has 1 to 255 octets")
        self.sender = sender
        self.cname = cname
        self.config = config or RtcpConfig()
        self.dropped = 0  #: reports of members beyond the limit
        self._uniform = uniform
        self._wall_clock = wall_clock
        self._members: dict[int, _Member] = {}
        self._next: float | None = None
        self._last_sent = 0.0
        self._average_size = 128.0  #: octets; a compound of SR and SDES, until real ones are seen
        self._members_before = 1
        self._initial = True
        self._sent_rtp: float | None = None  #: None: we are no sender, or none any more
        self._spoke = False  #: whether anything was ever sent
        self._left = False

    # Life

    def start(self, *, now: float) -> None:
        """Begin to count time towards the first report; does nothing when it runs or is over."""
        if self._next is None and not self._left:
            self._last_sent = now
            self._next = now + self._interval()

    def rtp_sent(self, *, now: float) -> None:
        """We sent an RTP packet."""
        self._sent_rtp = now
        if self._spoke:
            return
        self._spoke = True
        if self._initial and self.config.report_first_packet and not self._left:
            self._next = now

    def rtp_received(self, ssrc: int, *, now: float) -> None:
        """A valid RTP packet came from that source."""
        member = self._members.get(ssrc)
        if member is None:
            member = self._add(ssrc, now)
            if member is None:
                return
        member.heard = member.sent_rtp = now

    def steady(self, ssrc: int | None, *, sends: bool) -> bool:
        """Whether RTP in both directions would change nothing but the times given to ``resume``."""
        return (ssrc is None or ssrc in self._members) and (self._spoke or not sends)

    def resume(self, ssrc: int | None, *, received: float | None, sent: float | None) -> None:
        """RTP was received from ``ssrc`` and sent until then."""
        if received is not None and ssrc is not None:
            self.rtp_received(ssrc, now=received)
        if sent is not None:
            self.rtp_sent(now=sent)

    def next_timeout(self) -> float | None:
        """Return when ``handle_timeout`` is due (monotonic seconds); None when nothing is."""
        return self._next

    def due(self, receivers: Iterable[RtpReceiver], *, now: float) -> bytes | None:
        """The report to be sent now, None when it is not yet time (section 6.3.6)."""
        if self._next is None or now < self._next:
            return None
        interval = self._interval()
        if not self._initial and self._last_sent + interval > now:
            # Timer reconsideration: the group has grown since the timer was set.
            self._next = self._last_sent + interval
            return None
        self._forget_senders(now)
        data = build_compound(self._report(receivers, now))
        self._note_size(len(data))
        self._initial, self._spoke, self._last_sent = False, True, now
        self._members_before = self.members
        self._next = now + self._interval()
        return data

    def bye(self, receivers: Iterable[RtpReceiver], *, reason: str | None = None, now: float) -> bytes | None:
        """The last packet; None when we never sent anything (section 6.3.7)."""
        self._next, done, self._left = None, self._left, True
        if done or not self._spoke:
            return None
        return build_compound([*self._report(receivers, now), Goodbye((self.sender.ssrc,), reason)])

    # Reports of others

    def receive(self, packets: Iterable[RtcpPacket], size: int, *, now: float) -> list[MediaEvent]:
        """Take a parsed datagram of ``size`` octets in."""
        self._note_size(size)
        events: list[MediaEvent] = []
        for packet in packets:
            if isinstance(packet, SenderReport | ReceiverReport):
                events += self._receive_report(packet, now)
            elif isinstance(packet, SourceDescription):
                for chunk in packet.chunks:
                    events += self._receive_chunk(chunk, now)
            elif isinstance(packet, Goodbye):
                events += self._receive_bye(packet, now)
        return events

    def _receive_report(self, packet: SenderReport | ReceiverReport, now: float) -> list[MediaEvent]:
        if self._heard(packet.ssrc, now) is None:
            return []
        return [self._reported(block, now) for block in packet.reports if block.ssrc == self.sender.ssrc]

    def _reported(self, block: ReportBlock, now: float) -> MediaEvent:
        round_trip = None
        if block.last_sr:
            middle = ntp_timestamp(self._wall_clock + now) >> 16 & 0xFFFF_FFFF
            units = (middle - block.last_sr - block.delay_since_last_sr) & 0xFFFF_FFFF
            # More than half the range is a clock that went backwards.
            round_trip = units / 65536 if units < 0x8000_0000 else 0.0
        return ReceptionReported(
            fraction_lost=block.fraction_lost / 256,
            cumulative_lost=block.cumulative_lost,
            jitter=block.jitter / self.sender.clock_rate,
            round_trip=round_trip,
        )

    def _receive_chunk(self, chunk: SdesChunk, now: float) -> list[MediaEvent]:
        cname, member = chunk.cname, self._heard(chunk.ssrc, now)
        if member is None or cname is None or cname == member.cname:
            return []
        member.cname = cname
        return [SourceNamed(ssrc=chunk.ssrc, cname=cname)]

    def _receive_bye(self, packet: Goodbye, now: float) -> list[MediaEvent]:
        events: list[MediaEvent] = []
        for ssrc in packet.sources:
            if self._members.pop(ssrc, None) is not None:
                events.append(SourceLeft(ssrc=ssrc, reason=packet.reason))
        if events:
            self._reconsider_backwards(now)
        return events

    def _reconsider_backwards(self, now: float) -> None:
        """Section 6.3.4: fewer members, so the next report comes sooner."""
        if self._next is None or self.members >= self._members_before:
            return
        share = self.members / self._members_before
        self._next = now + share * (self._next - now)
        self._last_sent = now - share * (now - self._last_sent)
        self._members_before = self.members

    def handle_timeout(self, *, now: float) -> list[MediaEvent]:
        """Forget participants that fell silent (section 6.3.5)."""
        limit = max(self.config.participant_timeout, self.config.timeout_intervals * self._deterministic(False))
        gone = [ssrc for ssrc, member in self._members.items() if member.heard + limit <= now]
        for ssrc in gone:
            del self._members[ssrc]
        return [SourceTimedOut(ssrc=ssrc) for ssrc in gone]

    def forget(self, ssrc: int) -> None:
        """That source is no member any more."""
        self._members.pop(ssrc, None)

    def cname_of(self, ssrc: int) -> str | None:
        """The CNAME that a source gave itself; None when it gave none."""
        member = self._members.get(ssrc)
        return member.cname if member is not None else None

    @property
    def members(self) -> int:
        """Participants, ourselves included."""
        return len(self._members) + 1

    def _heard(self, ssrc: int, now: float) -> _Member | None:
        if ssrc == self.sender.ssrc:
            return None
        member = self._members.get(ssrc) or self._add(ssrc, now)
        if member is not None:
            member.heard = now
        return member

    def _add(self, ssrc: int, now: float) -> _Member | None:
        if len(self._members) >= self.config.max_members - 1:
            self.dropped += 1
            return None
        member = self._members[ssrc] = _Member(now)
        return member

    def _forget_senders(self, now: float) -> None:
        """Who sent no RTP for two intervals is a sender no more (section 6.3.5)."""
        oldest = now - 2 * self._deterministic(False)
        if self._sent_rtp is not None and self._sent_rtp < oldest:
            self._sent_rtp = None
        for member in self._members.values():
            if member.sent_rtp is not None and member.sent_rtp < oldest:
                member.sent_rtp = None

    # Time and content of our reports

    def _interval(self) -> float:
        """Seconds, randomised (section 6.3.1)."""
        return self._deterministic(self._initial) * (self._uniform() + 0.5) / _COMPENSATION

    def _deterministic(self, initial: bool) -> float:
        bandwidth = 0.05 * self.config.session_bandwidth / 8
        senders = sum(member.sent_rtp is not None for member in self._members.values()) + self._we_send
        participants = self.members
        if senders <= _SENDER_SHARE * participants:
            share = _SENDER_SHARE if self._we_send else 1 - _SENDER_SHARE
            bandwidth *= share
            participants = senders if self._we_send else participants - senders
        minimum = self.config.first_interval if initial else self.config.min_interval
        return max(minimum, participants * self._average_size / bandwidth)

    @property
    def _we_send(self) -> bool:
        return self._sent_rtp is not None

    def _note_size(self, size: int) -> None:
        self._average_size += (size + _UDP_IP - self._average_size) / 16

    def _report(self, receivers: Iterable[RtpReceiver], now: float) -> list[RtcpPacket]:
        valid = [receiver for receiver in receivers if receiver.valid]
        blocks = tuple(receiver.report_block(now=now) for receiver in valid[:_MAX_REPORTS])
        sender = self.sender
        first: RtcpPacket = ReceiverReport(sender.ssrc, blocks)
        if self._sent_rtp is not None:
            ntp_time = ntp_timestamp(self._wall_clock + now)
            first = SenderReport(sender.ssrc, ntp_time, sender.rtp_time(now=now), sender.packets, sender.octets, blocks)
        return [first, SourceDescription((SdesChunk(sender.ssrc, ((CNAME, self.cname.encode()),)),))]
