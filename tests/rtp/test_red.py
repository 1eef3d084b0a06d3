"""Redundant audio."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import LocalRtpError, MalformedPacket, RedundantBlock, build_redundant, parse_redundant

_blocks = st.builds(RedundantBlock, st.integers(0, 127), st.binary(max_size=40), st.integers(0, 2**14 - 1))
_primary = st.builds(RedundantBlock, st.integers(0, 127), st.binary(max_size=40))


@given(st.lists(_blocks, max_size=3), _primary)
def test_round_trip(redundant: list[RedundantBlock], primary: RedundantBlock) -> None:
    blocks = (*redundant, primary)
    assert parse_redundant(build_redundant(blocks)) == blocks


@given(st.binary(max_size=40))
def test_any_bytes_parse_or_are_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        assert build_redundant(parse_redundant(data)) == data


def test_on_the_wire() -> None:
    blocks = (RedundantBlock(0, b"old", 160), RedundantBlock(0, b"new"))
    assert build_redundant(blocks) == bytes.fromhex("8002800300") + b"oldnew"


@pytest.mark.parametrize("data", ["", "80", "80000001", "80000005006162", "80000000" * 9 + "00"])
def test_what_breaks_the_format_is_malformed(data: str) -> None:
    with pytest.raises(MalformedPacket):
        parse_redundant(bytes.fromhex(data))


@pytest.mark.parametrize(
    "blocks",
    [
        (),
        (RedundantBlock(0, b""),) * 10,
        (RedundantBlock(0, b"", 2**14), RedundantBlock(0, b"")),
        (RedundantBlock(0, bytes(1024)), RedundantBlock(0, b"")),
    ],
)
def test_what_does_not_fit_is_our_own_error(blocks: tuple[RedundantBlock, ...]) -> None:
    with pytest.raises(LocalRtpError):
        build_redundant(blocks)
