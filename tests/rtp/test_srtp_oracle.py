"""SRTP against libsrtp: each opens what the other sealed, octet for octet."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtp import (
    ReceiverReport,
    RtpPacket,
    SdesChunk,
    SourceDescription,
    SrtpContext,
    build_compound,
)
from rtp.srtp.profile import PROFILES

pylibsrtp: Any = pytest.importorskip("pylibsrtp", reason="pylibsrtp is not installed: pip install pylibsrtp")

#: Our name and that of the profile there, which has no AES-256 in counter mode.
THEIRS = {
    "AES_CM_128_HMAC_SHA1_80": "SRTP_PROFILE_AES128_CM_SHA1_80",
    "AES_CM_128_HMAC_SHA1_32": "SRTP_PROFILE_AES128_CM_SHA1_32",
    "AEAD_AES_128_GCM": "SRTP_PROFILE_AEAD_AES_128_GCM",
    "AEAD_AES_256_GCM": "SRTP_PROFILE_AEAD_AES_256_GCM",
}

suites = st.sampled_from([name for name, theirs in THEIRS.items() if hasattr(pylibsrtp.Policy, theirs)])
keys = st.binary(min_size=46, max_size=46)
payloads = st.binary(max_size=300)


def ours(suite: str, key: bytes) -> SrtpContext:
    profile = PROFILES[suite]
    return SrtpContext(suite, key[: profile.key_length], key[profile.key_length : profile.key_and_salt_length])


def theirs(suite: str, key: bytes, *, sends: bool) -> Any:
    policy = pylibsrtp.Policy(
        key=key[: PROFILES[suite].key_and_salt_length],
        ssrc_type=pylibsrtp.Policy.SSRC_ANY_OUTBOUND if sends else pylibsrtp.Policy.SSRC_ANY_INBOUND,
        srtp_profile=getattr(pylibsrtp.Policy, THEIRS[suite]),
    )
    return pylibsrtp.Session(policy=policy)


@settings(max_examples=60, deadline=None)
@given(
    suites,
    keys,
    st.integers(0, 0x7FFF),
    st.integers(1, 2**32 - 1),
    st.lists(payloads, min_size=1, max_size=8),
    st.lists(st.integers(0, 2**32 - 1), max_size=15),
)
def test_what_we_seal_libsrtp_opens_and_the_other_way_round(
    suite: str, key: bytes, first: int, ssrc: int, sounds: list[bytes], csrc: list[int]
) -> None:
    we, they_open, they_seal, we_open = (
        ours(suite, key),
        theirs(suite, key, sends=False),
        theirs(suite, key, sends=True),
        ours(suite, key),
    )
    for number, payload in enumerate(sounds):
        packet = bytes(RtpPacket(0, first + number & 0xFFFF, 160 * number, ssrc, payload, csrc=tuple(csrc)))
        sealed = we.protect(packet)
        assert sealed == they_seal.protect(packet)
        assert they_open.unprotect(sealed) == packet
        assert we_open.unprotect(sealed) == packet


@settings(max_examples=10, deadline=None)
@given(suites, keys, st.integers(1, 2**32 - 1))
def test_sequence_numbers_that_wrap_twice(suite: str, key: bytes, ssrc: int) -> None:
    we, they = ours(suite, key), theirs(suite, key, sends=False)
    for number in range(30_000, 3 * 65_536, 1_500):
        packet = bytes(RtpPacket(0, number & 0xFFFF, 160 * number & 0xFFFF_FFFF, ssrc, b"sound"))
        assert they.unprotect(we.protect(packet)) == packet


@settings(max_examples=60, deadline=None)
@given(
    suites, keys, st.lists(st.integers(1, 2**32 - 1), min_size=1, max_size=5), st.text("abc@", min_size=1, max_size=20)
)
def test_reports(suite: str, key: bytes, sources: list[int], name: str) -> None:
    we, they_open, they_seal, we_open = (
        ours(suite, key),
        theirs(suite, key, sends=False),
        theirs(suite, key, sends=True),
        ours(suite, key),
    )
    for ssrc in sources:
        report = build_compound(
            [ReceiverReport(ssrc, ()), SourceDescription((SdesChunk(ssrc, ((1, name.encode()),)),))]
        )
        assert they_open.unprotect_rtcp(we.protect_rtcp(report)) == report
        assert we_open.unprotect_rtcp(they_seal.protect_rtcp(report)) == report


@settings(max_examples=60, deadline=None)
@given(suites, keys, payloads, st.integers(0, 10_000))
def test_what_was_altered_neither_opens(suite: str, key: bytes, payload: bytes, at: int) -> None:
    sealed = bytearray(ours(suite, key).protect(bytes(RtpPacket(0, 1, 2, 3, payload))))
    sealed[12 + at % (len(sealed) - 12)] ^= 0x10
    with pytest.raises(pylibsrtp.Error):
        theirs(suite, key, sends=False).unprotect(bytes(sealed))
    with pytest.raises(ValueError, match="tag"):
        ours(suite, key).unprotect(bytes(sealed))
