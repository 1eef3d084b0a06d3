"""What a receiver knows of one source: sequence, loss, jitter (RFC 3550 sections 6.4, A.1, A.3, A.8)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from rtp.codecs.pcm import SAMPLE_RATE
from rtp.packets.rtcp import ReportBlock, SenderReport

MIN_SEQUENTIAL: Final = 2  #: packets in order before an unexpected source is believed
MAX_DROPOUT: Final = 3000  #: a larger jump forward is a restart or a stray packet
MAX_MISORDER: Final = 100  #: an older packet than this is no late one
_CYCLE: Final = 1 << 16
_SHORTEST_PACKET: Final = 0.01  #: s of sound; nobody sends shorter ones
_SLACK: Final = 0.5  #: s by which a stream that goes on may be ahead of the time that has passed


class Verdict(Enum):
    """What to do with a packet."""

    ACCEPTED = "accepted"  #: counted; may be a late or duplicate one
    PROBATION = "probation"  #: the source has not shown enough packets in order
    JUMPED = "jumped"  #: far away from the rest; taken when the next one follows on it
    RESTARTED = "restarted"  #: second packet after a jump: counted, statistics begin again
    REFUSED = "refused"  #: not of this source


class RtpReceiver:
    """Reception state of one SSRC. Give it every RTP packet of the source, in the order of arrival."""

    def __init__(self, ssrc: int, *, clock_rate: int = SAMPLE_RATE, min_sequential: int = MIN_SEQUENTIAL) -> None:
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.received = 0
        self.jitter = 0.0  #: RTP timestamp units
        self._probation = min_sequential
        self._base = 0
        self._highest = 0
        self._cycles = 0
        self._awaited: int | None = None  #: after a jump: the sequence number that would confirm it
        self._expected_before = 0
        self._received_before = 0
        self._last: tuple[float, int] | None = None  #: arrival, timestamp
        self._last_report: tuple[int, float] | None = None  #: middle NTP, arrival
        self._min_sequential = min_sequential
        self._started = False

    def receive(self, sequence_number: int, timestamp: int, *, now: float, measure: bool = True) -> Verdict:
        """Take one packet in. ``measure=False`` leaves jitter alone, for packets that repeat a timestamp."""
        verdict = self._check(sequence_number)
        if verdict in (Verdict.ACCEPTED, Verdict.RESTARTED):
            self.received += 1
            if measure:
                self._measure(timestamp, now)
        return verdict

    def _check(self, number: int) -> Verdict:
        if not self._started:
            self._started = True
            self._begin(number)
            self._highest = (number - 1) & 0xFFFF
        if self._probation:
            return self._prove(number)
        delta = (number - self._highest) & 0xFFFF
        if delta < MAX_DROPOUT:
            if number < self._highest:
                self._cycles += _CYCLE
            self._highest = number
            return Verdict.ACCEPTED
        if delta > _CYCLE - MAX_MISORDER:
            return Verdict.ACCEPTED
        if number == self._awaited:
            self._begin(number)
            self._last = None
            return Verdict.RESTARTED
        self._awaited = (number + 1) & 0xFFFF
        return Verdict.JUMPED

    def _prove(self, number: int) -> Verdict:
        in_order = number == (self._highest + 1) & 0xFFFF
        self._highest = number
        self._probation = self._probation - 1 if in_order else self._min_sequential - 1
        if self._probation > 0:
            return Verdict.PROBATION
        self._begin(number)
        return Verdict.ACCEPTED

    def _begin(self, number: int) -> None:
        self._base = self._highest = number
        self._cycles = self.received = 0
        self._awaited = None
        self._expected_before = self._received_before = 0

    def _measure(self, timestamp: int, now: float) -> None:
        if self._last is not None:
            arrival, before = self._last
            advance = (timestamp - before + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
            difference = abs((now - arrival) * self.clock_rate - advance)
            # A gap of the sender's clock says nothing about the network.
            if difference < 2 * self.clock_rate:
                self.jitter += (difference - self.jitter) / 16
        self._last = now, timestamp

    def newest(self) -> tuple[int, int, float] | None:
        """Sequence number, timestamp and arrival of the packet that came last, if it is to be relied on."""
        if self._last is None or not self.valid:
            return None
        arrival, timestamp = self._last
        return self._highest, timestamp, arrival

    def resume(self, packets: int, *, timestamp: int, arrival: float, jitter: float) -> None:
        """So many packets more came, each on the one before; the last with ``timestamp`` at ``arrival``."""
        highest = self._highest + packets
        self._cycles += highest - (highest & 0xFFFF)
        self._highest = highest & 0xFFFF
        self.received += packets
        self.jitter = jitter
        self._last = arrival, timestamp

    def is_newer(self, number: int) -> bool:
        """Whether a packet with that sequence number comes after all that arrived."""
        return 0 < (number - self._highest) & 0xFFFF < _CYCLE // 2

    def continues(self, number: int, timestamp: int, *, now: float) -> bool:
        """Whether a packet goes on where this source stopped: its number and its time are those that come next, as far
        as the time that has passed allows."""
        if self._last is None:
            return False
        arrival, before = self._last
        passed = now - arrival + _SLACK
        ahead = (number - self._highest) & 0xFFFF
        advance = (timestamp - before + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000
        return 0 < ahead <= passed / _SHORTEST_PACKET and 0 <= advance <= passed * self.clock_rate

    @property
    def valid(self) -> bool:
        """Whether the source has been believed."""
        return self._started and self._probation == 0

    @property
    def highest_sequence(self) -> int:
        """Extended highest sequence number."""
        return self._cycles + self._highest

    @property
    def expected(self) -> int:
        """How many packets there should have been, by their sequence numbers (RFC 3550 section A.3)."""
        return self.highest_sequence - self._base + 1 if self.valid else 0

    @property
    def lost(self) -> int:
        """Packets lost since the start; negative when duplicates outnumber losses."""
        return self.expected - self.received

    def sender_report(self, report: SenderReport, *, now: float) -> None:
        """Remember the last SR, which our next report block refers to."""
        self._last_report = report.middle_ntp, now

    def report_block(self, *, now: float) -> ReportBlock:
        """The block for our next report; begins a new interval of the fraction lost."""
        expected, received = self.expected, self.received
        expected_here = expected - self._expected_before
        lost_here = expected_here - (received - self._received_before)
        self._expected_before, self._received_before = expected, received
        fraction = min(255, lost_here * 256 // expected_here) if expected_here > 0 and lost_here > 0 else 0
        middle_ntp, delay = 0, 0
        if self._last_report is not None:
            middle_ntp = self._last_report[0]
            delay = min(0xFFFF_FFFF, max(0, round((now - self._last_report[1]) * 65536)))
        return ReportBlock(
            self.ssrc,
            fraction,
            self.lost,
            self.highest_sequence & 0xFFFF_FFFF,
            min(0xFFFF_FFFF, int(self.jitter)),
            middle_ntp,
            delay,
        )
