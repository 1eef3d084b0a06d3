"""Statistics of a received source (RFC 3550 appendix A)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import RtpReceiver, SenderReport
from rtp.stream.receiver import Verdict


def feed(receiver: RtpReceiver, numbers: list[int]) -> list[Verdict]:
    return [receiver.receive(number & 0xFFFF, 160 * number & 0xFFFF_FFFF, now=0.02 * number) for number in numbers]


def test_a_source_proves_itself_with_two_packets_in_order() -> None:
    receiver = RtpReceiver(1)
    assert receiver.expected == 0
    assert feed(receiver, [5, 9, 10]) == [Verdict.PROBATION, Verdict.PROBATION, Verdict.ACCEPTED]
    assert (receiver.valid, receiver.received, receiver.expected) == (True, 1, 1)


def test_a_source_that_is_expected_is_believed_at_once() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    assert feed(receiver, [5]) == [Verdict.ACCEPTED]


@given(st.integers(0, 0xFFFF), st.integers(2, 200))
def test_nothing_is_lost_across_wraps(first: int, count: int) -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, list(range(first, first + count)))
    assert (receiver.received, receiver.expected, receiver.lost) == (count, count, 0)
    assert receiver.highest_sequence == first + count - 1


@given(st.integers(0, 0xFFFF), st.sets(st.integers(1, 98), max_size=60))
def test_losses_are_counted(first: int, lost: set[int]) -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, [first + number for number in range(100) if number not in lost])
    assert receiver.lost == len(lost)
    block = receiver.report_block(now=2.0)
    assert block.cumulative_lost == len(lost)
    assert block.fraction_lost == len(lost) * 256 // 100
    assert receiver.report_block(now=2.0).fraction_lost == 0


@given(st.integers(0, 0xFFFF), st.permutations(range(1, 20)))
def test_order_does_not_change_the_counts(first: int, order: list[int]) -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, [first, *(first + number for number in order)])
    assert (receiver.lost, receiver.highest_sequence) == (0, first + 19)


def test_duplicates_make_the_loss_negative() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, [1, 2, 2, 2])
    assert receiver.lost == -2
    assert receiver.report_block(now=1.0).fraction_lost == 0


def test_a_jump_needs_a_second_packet() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, [1, 2])
    assert feed(receiver, [20_000, 3, 40_000, 40_001]) == [
        Verdict.JUMPED,
        Verdict.ACCEPTED,
        Verdict.JUMPED,
        Verdict.RESTARTED,
    ]
    assert (receiver.received, receiver.lost) == (1, 0)


def test_jitter_of_a_steady_stream_is_zero_across_a_wrap_of_the_timestamp() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    for number in range(50):
        receiver.receive(number, (2**32 - 1600 + 160 * number) & 0xFFFF_FFFF, now=0.02 * number)
    assert receiver.jitter == pytest.approx(0.0, abs=1e-6)


def test_jitter_follows_the_network() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    for number in range(500):
        receiver.receive(number, 160 * number, now=0.02 * number + 0.01 * (number % 2))
    assert receiver.jitter == pytest.approx(80.0, rel=0.01)
    assert receiver.report_block(now=10.0).jitter == 79


def test_packets_that_repeat_a_timestamp_can_be_left_out_of_jitter() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    receiver.receive(1, 0, now=0.0)
    receiver.receive(2, 0, now=0.5, measure=False)
    receiver.receive(3, 8000, now=1.0)
    assert receiver.jitter == 0.0


def test_the_last_sender_report_is_echoed() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    feed(receiver, [1])
    assert receiver.report_block(now=1.0).last_sr == 0
    receiver.sender_report(SenderReport(1, 0x0102_0304_0506_0708, 0, 0, 0), now=1.0)
    block = receiver.report_block(now=1.5)
    assert (block.ssrc, block.last_sr, block.delay_since_last_sr) == (1, 0x0304_0506, 32768)


def test_a_pause_of_the_sender_is_no_jitter() -> None:
    receiver = RtpReceiver(1, min_sequential=1)
    receiver.receive(1, 0, now=0.0)
    receiver.receive(2, 160, now=60.0)
    assert receiver.jitter == 0.0
