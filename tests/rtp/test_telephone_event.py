"""The payload of telephone events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import LocalRtpError, MalformedPacket, TelephoneEvent
from rtp.packets.telephone_event import event_of
from rtp.testing import telephone_events


@given(telephone_events())
def test_round_trip(event: TelephoneEvent) -> None:
    assert TelephoneEvent.parse(bytes(event)) == event


@given(st.binary(max_size=12))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    if len(data) < 4:
        with pytest.raises(MalformedPacket):
            TelephoneEvent.parse(data)
    else:
        assert bytes(TelephoneEvent.parse(data)) == data[:4]


def test_on_the_wire() -> None:
    assert bytes(TelephoneEvent(11, True, 10, 800)).hex() == "0b8a0320"


@pytest.mark.parametrize(("digit", "event"), [("0", 0), ("9", 9), ("*", 10), ("#", 11), ("A", 12), ("d", 15)])
def test_keys(digit: str, event: int) -> None:
    assert event_of(digit) == event
    assert TelephoneEvent(event).digit == digit.upper()


def test_other_events_have_no_key() -> None:
    assert TelephoneEvent(16).digit is None


@pytest.mark.parametrize("text", ["", "x", "12", "é"])
def test_what_is_no_key_is_our_own_error(text: str) -> None:
    with pytest.raises(LocalRtpError):
        event_of(text)


@pytest.mark.parametrize(
    "event", [TelephoneEvent(256), TelephoneEvent(1, volume=64), TelephoneEvent(1, duration=65536)]
)
def test_what_does_not_fit_is_our_own_error(event: TelephoneEvent) -> None:
    with pytest.raises(LocalRtpError):
        bytes(event)
