"""Sending keys and hearing them, over networks that lose packets."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    DtmfReceiver,
    DtmfSender,
    LocalRtpError,
    MediaEvent,
    TelephoneEvent,
    TelephoneEventEnded,
    TelephoneEventStarted,
)
from rtp.stream.dtmf import EventPacket

FRAME = 160


def play(sender: DtmfSender, frames: int, start: int = 1000) -> list[EventPacket | None]:
    return [sender.advance((start + FRAME * frame) & 0xFFFF_FFFF, FRAME) for frame in range(frames)]


def sent(
    digits: str, *, duration: float = 0.1, start: int = 1000, frames: int = 400
) -> list[tuple[float, EventPacket]]:
    sender = DtmfSender()
    sender.start(digits, duration=duration)
    packets = enumerate(play(sender, frames, start))
    return [(0.02 * frame, packet) for frame, packet in packets if packet is not None]


def hear(packets: list[tuple[float, EventPacket]], lost: Collection[int] = ()) -> list[MediaEvent]:
    receiver, events = DtmfReceiver(), list[MediaEvent]()
    for index, (at, packet) in enumerate(packets):
        if index in lost:
            continue
        events += receiver.handle_timeout(now=at)
        events += receiver.receive(packet.report, packet.timestamp, now=at)
    return events + receiver.handle_timeout(now=1000.0)


def digits_of(events: list[MediaEvent]) -> str:
    """The keys of well-formed pairs of started and ended."""
    assert len(events) % 2 == 0
    text = ""
    for begun, over in zip(events[::2], events[1::2], strict=True):
        assert isinstance(begun, TelephoneEventStarted)
        assert isinstance(over, TelephoneEventEnded)
        assert begun.digit == over.digit
        text += begun.digit or "?"
    return text


def test_the_packets_of_a_key() -> None:
    packets = [packet for _, packet in sent("5")]
    assert {packet.timestamp for packet in packets} == {1000}
    assert [packet.marker for packet in packets] == [True] + [False] * 6
    assert [packet.report.duration for packet in packets] == [160, 320, 480, 640, 800, 800, 800]
    assert [packet.report.end for packet in packets] == [False] * 4 + [True] * 3
    assert [packet.repeated for packet in packets] == [False] * 5 + [True] * 2


def test_sound_goes_between_keys() -> None:
    sender = DtmfSender()
    sender.start("12", duration=0.02, pause=0.06)
    assert [packet is None for packet in play(sender, 10)] == [False] * 3 + [True] * 3 + [False] * 3 + [True]
    assert not sender.active


@given(st.text("0123456789*#ABCD", max_size=5), st.integers(0, 0xFFFF_FFFF))
def test_keys_arrive_in_order(digits: str, start: int) -> None:
    assert digits_of(hear(sent(digits, start=start))) == digits


@given(st.data())
def test_each_key_is_reported_once_whatever_is_lost_or_repeated(data: st.DataObject) -> None:
    packets = sent("1#")
    lost = data.draw(st.sets(st.sampled_from(range(len(packets))), max_size=len(packets) - 1))
    survivors = [item for index, item in enumerate(packets) if index not in lost]
    doubled = [item for item in survivors for _ in range(2)]
    heard = digits_of(hear(doubled))
    expected = [packet.report.digit for _, packet in survivors]
    assert list(heard) == [digit for digit in "1#" if digit in expected]


def test_a_lost_first_packet_does_not_lose_the_key() -> None:
    events = hear(sent("7"), lost=[0, 1])
    assert digits_of(events) == "7"
    assert events[1] == TelephoneEventEnded(event=7, digit="7", duration=0.1, end_seen=True)


def test_without_its_ends_a_key_ends_by_itself() -> None:
    packets = sent("7")
    receiver = DtmfReceiver()
    for at, packet in packets[:4]:
        receiver.receive(packet.report, packet.timestamp, now=at)
    assert receiver.active
    assert receiver.next_timeout() == pytest.approx(0.06 + 0.15)
    assert receiver.handle_timeout(now=0.2) == []
    assert receiver.handle_timeout(now=0.25) == [TelephoneEventEnded(event=7, digit="7", duration=0.08, end_seen=False)]
    assert receiver.next_timeout() is None


def test_a_new_key_ends_the_one_whose_ends_were_lost() -> None:
    assert digits_of(hear(sent("11"), lost=[4, 5, 6])) == "11"


def test_a_single_end_packet_is_a_whole_key() -> None:
    receiver = DtmfReceiver()
    events = receiver.receive(TelephoneEvent(3, True, 10, 400), 5, now=0.0)
    assert digits_of(events) == "3"
    assert receiver.receive(TelephoneEvent(3, True, 10, 400), 5, now=0.1) == []


def test_late_packets_of_an_earlier_key_are_ignored() -> None:
    receiver = DtmfReceiver()
    receiver.receive(TelephoneEvent(1, False, 10, 160), 5000, now=0.0)
    assert receiver.receive(TelephoneEvent(9, False, 10, 160), 4000, now=0.0) == []
    receiver.receive(TelephoneEvent(1, True, 10, 320), 5000, now=0.1)
    assert receiver.receive(TelephoneEvent(9, True, 10, 160), 4000, now=0.2) == []


def feed(*packets: tuple[float, int, int, bool, int]) -> str:
    """Keys that are heard from (seconds, event, timestamp, end, duration)."""
    receiver, events = DtmfReceiver(), list[MediaEvent]()
    for at, event, timestamp, end, duration in packets:
        events += receiver.handle_timeout(now=at)
        events += receiver.receive(TelephoneEvent(event, end, 10, duration), timestamp & 0xFFFF_FFFF, now=at)
    return digits_of(events + receiver.handle_timeout(now=1000.0))


@given(
    st.lists(st.tuples(st.sampled_from("1#"), st.sampled_from([320, 400, 800, 1600, 8000])), min_size=1, max_size=5),
    st.sampled_from([0.04, 0.06, 0.2, 3.0]),
    st.sampled_from([0, 1, 80, 160, 240]),
    st.sampled_from([0, 2**32 - 1000]),
)
def test_ends_with_timestamps_of_their_own_are_one_key_and_a_second_press_is_another(
    keys: list[tuple[str, int]], pause: float, step: int, start: int
) -> None:
    packets, now = [], 0.0
    for digit, duration in keys:
        event, timestamp = 1 if digit == "1" else 11, start + round(now * 8000)
        for spoken in range(160, duration, 160):
            packets.append((now + spoken / 8000, event, timestamp, False, spoken))
        over = now + duration / 8000
        packets += [(over + 0.02 * end, event, timestamp + step * end, True, duration) for end in range(3)]
        now = over + max(pause, 0.06)
    assert feed(*packets) == "".join(digit for digit, _ in keys)


def test_a_gateway_that_numbers_every_packet_of_a_key_presses_it_once() -> None:
    updates = [(0.02 * n, 5, 1000 + 160 * n, False, 160 + 160 * n) for n in range(5)]
    ends = [(0.1 + 0.02 * n, 5, 1800 + 160 * n, True, 960) for n in range(3)]
    assert feed(*updates, *ends) == "5"


def test_only_the_ends_of_two_quick_presses_are_two_keys() -> None:
    assert feed((0.1, 5, 1000, True, 800), (0.26, 5, 2280, True, 800)) == "55"


def test_a_key_of_a_time_line_that_stepped_back_is_heard() -> None:
    assert feed((0.0, 5, 50_000, True, 800), (2.0, 5, 30_000, True, 800)) == "55"
    assert feed((0.0, 5, 50_000, False, 800), (2.0, 6, 30_000, True, 800)) == "56"


def test_a_long_key_goes_over_segments_and_stays_one_key() -> None:
    packets = sent("0", duration=20.0, frames=1200, start=0xFFFF_0000)
    assert len({packet.timestamp for _, packet in packets}) == 3
    assert sum(packet.marker for _, packet in packets) == 1
    events = hear(packets)
    assert digits_of(events) == "0"
    assert isinstance(events[1], TelephoneEventEnded)
    assert events[1].duration == pytest.approx(20.0)


def test_a_segment_may_lose_its_last_packets() -> None:
    packets = sent("0", duration=20.0, frames=1200)
    first = next(index for index, (_, packet) in enumerate(packets) if packet.timestamp != 1000)
    assert digits_of(hear(packets, lost=[first - 1, first - 2])) == "0"


def test_reset_ends_what_goes_on() -> None:
    receiver = DtmfReceiver()
    assert receiver.reset() == []
    receiver.receive(TelephoneEvent(16, False, 10, 160), 0, now=0.0)
    assert receiver.reset() == [TelephoneEventEnded(event=16, digit=None, duration=0.02, end_seen=False)]
    assert not receiver.active


@pytest.mark.parametrize(
    ("digits", "duration", "pause"),
    [("1" * 65, 0.1, 0.1), ("1", 0.0, 0.1), ("1", 61.0, 0.1), ("1", 0.1, -1.0), ("x", 1, 1)],
)
def test_what_cannot_be_sent_is_our_own_error(digits: str, duration: float, pause: float) -> None:
    sender = DtmfSender()
    with pytest.raises(LocalRtpError):
        sender.start(digits, duration=duration, pause=pause)
    assert not sender.active
