"""Keys in INFO bodies, as phones and gateways write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import DtmfInfo, MalformedPacket


@pytest.mark.parametrize(
    ("body", "event", "digit", "duration"),
    [
        (b"Signal=5\r\nDuration=160\r\n", 5, "5", 0.16),
        (b"Signal=5\r\nDuration=160", 5, "5", 0.16),
        (b"Signal= *\nDuration= 250\n", 10, "*", 0.25),
        (b"signal = #\r\nDURATION=100\r\n", 11, "#", 0.1),
        (b"Duration=100\r\nSignal=d\r\n", 15, "D", 0.1),
        (b"Signal=10\r\n", 10, "*", 0.25),
        (b"Signal=11\r\nDuration=\r\n", 11, "#", 0.25),
        (b"Signal=16\r\nDuration=999999\r\n", 16, None, 0.25),
        (b"Signal=flash\r\nDuration=99999\r\n", 16, None, 60.0),
        (b'Signal="7"\r\n', 7, "7", 0.25),
        (b"5", 5, "5", 0.25),
        (b"*\r\n", 10, "*", 0.25),
        (b" a ", 12, "A", 0.25),
        (b"\r\n#\r\n", 11, "#", 0.25),
        (b"!", 16, None, 0.25),
        (b"10", 10, "*", 0.25),
    ],
)
def test_keys_are_read(body: bytes, event: int, digit: str | None, duration: float) -> None:
    info = DtmfInfo.parse(body)
    assert (info.event, info.digit, info.duration) == (event, digit, duration)


@pytest.mark.parametrize(
    "body", [b"", b"\r\n", b"Signal=\r\n", b"Signal=55", b"Duration=100", b"x", b"\xff", b"5" * 999]
)
def test_what_is_no_key_is_an_error_of_the_peer(body: bytes) -> None:
    with pytest.raises(MalformedPacket):
        DtmfInfo.parse(body)


@given(st.binary(max_size=300))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        info = DtmfInfo.parse(body)
    except MalformedPacket:
        return
    assert 0 <= info.event <= 16
    assert 0.0 <= info.duration <= 60.0
