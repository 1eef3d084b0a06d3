"""When RTCP is sent, and what it says (RFC 3550 section 6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from rtp import (
    ApplicationDefined,
    Goodbye,
    LocalRtpError,
    ReceiverReport,
    ReceptionReported,
    ReportBlock,
    RtcpConfig,
    RtcpPacket,
    RtcpSession,
    RtpReceiver,
    RtpSender,
    SdesChunk,
    SenderReport,
    SourceDescription,
    SourceLeft,
    SourceNamed,
    SourceTimedOut,
    parse_rtcp,
)


def half() -> float:
    return 0.5


def new(uniform: Callable[[], float] = half, config: RtcpConfig | None = None, **more: float) -> RtcpSession:
    sender = RtpSender(ssrc=1, sequence_number=0, timestamp=0)
    return RtcpSession(sender, cname="a@example.com", uniform=uniform, config=config, **more)


def report_at_timeout(session: RtcpSession, receivers: tuple[RtpReceiver, ...] = ()) -> list[RtcpPacket]:
    at = session.next_timeout()
    assert at is not None
    data = session.due(receivers, now=at)
    assert data is not None
    return parse_rtcp(data, strict=True)


def named(ssrc: int, cname: str = "b@example.com") -> SourceDescription:
    return SourceDescription((SdesChunk(ssrc, ((1, cname.encode()),)),))


def test_a_receiver_reports_after_half_the_usual_time_first() -> None:
    session = new()
    session.start(now=100.0)
    session.start(now=500.0)
    assert session.next_timeout() == pytest.approx(100.0 + 2.5 / 1.21828)
    assert session.due((), now=101.0) is None
    report, description = report_at_timeout(session)
    assert report == ReceiverReport(1)
    assert description == SourceDescription((SdesChunk(1, ((1, b"a@example.com"),)),))
    sent_at = 100.0 + 2.5 / 1.21828
    assert session.next_timeout() == pytest.approx(sent_at + 5.0 / 1.21828)


def test_the_first_packet_is_followed_by_a_report() -> None:
    session = new(wall_clock=1_000_000_000.0)
    session.start(now=0.0)
    session.sender.packet(b"x" * 160, 0, now=1.0)
    session.rtp_sent(now=1.0)
    assert session.next_timeout() == 1.0
    report = report_at_timeout(session)[0]
    assert isinstance(report, SenderReport)
    assert (report.packet_count, report.octet_count, report.rtp_time) == (1, 160, 0)
    assert report.ntp_time >> 32 == 2_208_988_800 + 1_000_000_001
    session.rtp_sent(now=2.0)
    assert session.next_timeout() > 2.0  # type: ignore[operator]


def test_the_first_report_can_wait_its_time() -> None:
    session = new(config=RtcpConfig(report_first_packet=False))
    session.start(now=0.0)
    session.rtp_sent(now=0.0)
    assert session.next_timeout() == pytest.approx(2.5 / 1.21828)


def test_the_mean_interval_is_five_seconds_less_the_compensation() -> None:
    session = new(random.Random(1).random)
    session.start(now=0.0)
    session.rtp_sent(now=0.0)
    times: list[float] = []
    while len(times) < 2000:
        at = session.next_timeout()
        assert at is not None
        session.rtp_sent(now=at)
        if session.due((), now=at) is not None:
            times.append(at)
    intervals = [after - before for before, after in pairwise(times[1:])]
    assert sum(intervals) / len(intervals) == pytest.approx(5.0, rel=0.05)
    assert min(intervals) >= 2.0
    assert max(intervals) <= 6.2


def test_a_large_group_reports_less_often() -> None:
    session = new(config=RtcpConfig(session_bandwidth=8000.0))
    session.start(now=0.0)
    report_at_timeout(session)
    alone = session.next_timeout()
    for ssrc in range(2, 40):
        session.receive([ReceiverReport(ssrc)], 64, now=3.0)
    assert session.members == 39
    assert alone is not None
    assert session.due((), now=alone) is None  # reconsidered
    assert session.next_timeout() > alone + 30  # type: ignore[operator]


def test_members_that_leave_bring_the_next_report_nearer() -> None:
    session = new(config=RtcpConfig(session_bandwidth=8000.0))
    session.start(now=0.0)
    for ssrc in range(2, 40):
        session.receive([ReceiverReport(ssrc)], 64, now=0.0)
    first = session.next_timeout()
    assert first is not None
    session.due((), now=first)
    before = session.next_timeout()
    events = session.receive([Goodbye(tuple(range(2, 30)), "over")], 64, now=first)
    assert events == [SourceLeft(ssrc=ssrc, reason="over") for ssrc in range(2, 30)]
    assert before is not None
    assert session.next_timeout() < before  # type: ignore[operator]


def test_the_number_of_members_is_bounded() -> None:
    session = new(config=RtcpConfig(max_members=4))
    for ssrc in range(2, 100):
        session.receive([ReceiverReport(ssrc), named(ssrc)], 64, now=0.0)
        session.rtp_received(ssrc, now=0.0)
    assert session.members == 4
    assert session.dropped == 3 * 95


def test_who_sends_no_more_reports_as_a_receiver() -> None:
    session = new()
    session.start(now=0.0)
    session.rtp_sent(now=0.0)
    session.rtp_received(2, now=0.0)
    kinds = [type(report_at_timeout(session)[0]) for _ in range(4)]
    assert kinds == [SenderReport, SenderReport, SenderReport, ReceiverReport]


def test_blocks_describe_valid_sources_only() -> None:
    session = new()
    session.start(now=0.0)
    valid, unproven = RtpReceiver(2, min_sequential=1), RtpReceiver(3)
    for receiver in (valid, unproven):
        receiver.receive(1, 0, now=0.0)
    (report, *_) = report_at_timeout(session, (valid, unproven))
    assert isinstance(report, ReceiverReport)
    assert [block.ssrc for block in report.reports] == [2]


def test_the_round_trip_is_measured() -> None:
    session = new(wall_clock=10.0)
    session.start(now=0.0)
    session.rtp_sent(now=0.0)
    report = report_at_timeout(session)[0]
    assert isinstance(report, SenderReport)
    block = ReportBlock(1, 64, 5, 9, 80, report.middle_ntp, 65536)
    (event,) = session.receive([ReceiverReport(2, (block, ReportBlock(99)))], 64, now=1.25)
    assert isinstance(event, ReceptionReported)
    assert event.round_trip == pytest.approx(0.25, abs=1e-4)
    assert (event.fraction_lost, event.cumulative_lost, event.jitter) == (0.25, 5, 0.01)


def test_without_a_report_of_ours_there_is_no_round_trip_and_never_a_negative_one() -> None:
    session = new()
    (event,) = session.receive([ReceiverReport(2, (ReportBlock(1),))], 64, now=0.0)
    assert isinstance(event, ReceptionReported)
    assert event.round_trip is None
    (event,) = session.receive([ReceiverReport(2, (ReportBlock(1, last_sr=1, delay_since_last_sr=1),))], 64, now=0.0)
    assert isinstance(event, ReceptionReported)
    assert event.round_trip is not None
    assert event.round_trip >= 0.0


def test_names_are_reported_when_they_change() -> None:
    session = new()
    packets: list[RtcpPacket] = [ReceiverReport(2), named(2)]
    assert session.receive(packets, 64, now=0.0) == [SourceNamed(ssrc=2, cname="b@example.com")]
    assert session.receive(packets, 64, now=1.0) == []
    assert session.receive([named(2, "c")], 64, now=1.0) == [SourceNamed(ssrc=2, cname="c")]
    assert session.cname_of(2) == "c"
    assert session.cname_of(3) is None
    assert session.receive([SourceDescription((SdesChunk(2),)), named(1)], 64, now=1.0) == []


def test_silent_members_are_forgotten() -> None:
    session = new()
    session.receive([ReceiverReport(2)], 64, now=0.0)
    session.rtp_received(3, now=20.0)
    assert session.handle_timeout(now=49.0) == []
    assert session.handle_timeout(now=50.0) == [SourceTimedOut(ssrc=2)]
    session.forget(3)
    assert session.members == 1


def test_bye_comes_last_and_once() -> None:
    session = new()
    session.start(now=0.0)
    session.rtp_sent(now=0.0)
    data = session.bye((), reason="done", now=1.0)
    assert data is not None
    packets = parse_rtcp(data, strict=True)
    assert [type(packet) for packet in packets] == [SenderReport, SourceDescription, Goodbye]
    assert packets[-1] == Goodbye((1,), "done")
    assert session.bye((), now=1.0) is None
    session.start(now=2.0)
    session.rtp_sent(now=2.0)
    assert session.next_timeout() is None


def test_who_never_spoke_says_no_bye() -> None:
    session = new()
    session.start(now=0.0)
    assert session.bye((), now=1.0) is None


def test_who_only_reported_says_bye() -> None:
    session = new()
    session.start(now=0.0)
    report_at_timeout(session)
    assert session.bye((), now=10.0) is not None


def test_bye_of_a_stranger_is_nothing() -> None:
    assert new().receive([Goodbye((9,))], 64, now=0.0) == []


def test_who_leaves_before_we_began_changes_no_timer() -> None:
    session = new()
    session.receive([ReceiverReport(2)], 64, now=0.0)
    assert session.receive([Goodbye((2,))], 64, now=0.0) == [SourceLeft(ssrc=2, reason=None)]
    assert session.next_timeout() is None


@pytest.mark.parametrize("cname", ["", "x" * 256])
def test_a_name_has_1_to_255_octets(cname: str) -> None:
    with pytest.raises(LocalRtpError):
        RtcpSession(RtpSender(ssrc=1, sequence_number=0, timestamp=0), cname=cname, uniform=half)


def test_our_own_reports_and_packets_of_other_kinds_change_nothing() -> None:
    session = new()
    assert session.receive([ReceiverReport(1), ApplicationDefined(2, b"name")], 64, now=0.0) == []
    assert session.members == 1
