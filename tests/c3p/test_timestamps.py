"""xs:dateTime in UTC."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import C3PError, format_timestamp, parse_timestamp


@given(st.integers(0, 253_402_300_799))
def test_round_trip(seconds: int) -> None:
    assert parse_timestamp(format_timestamp(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10),
        (" 1970-01-01T00:00:10 ", 10),
        ("1970-01-01T01:00:10.5+01:00", 10.5),
    ],
)
def test_forms_that_peers_write(text: str, seconds: float) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "2026-13-01T00:00:00Z", "2026-01-01", "20260101T000000Z", "2026-W01-1T00:00:00Z"),
        *("2026-01-01T00:00Z", "2026-01-01 00:00:00", "2026-01-01T00:00:00,5Z", "２０２６-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(C3PError):
        parse_timestamp(text)


@pytest.mark.parametrize("seconds", [1e30, float("nan"), -1e30])
def test_time_outside_the_calendar_is_refused(seconds: float) -> None:
    with pytest.raises(C3PError):
        format_timestamp(seconds)
