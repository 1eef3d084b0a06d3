"""SRTP against published vectors, and against an attacker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import (
    AuthenticationFailed,
    LocalRtpError,
    MalformedPacket,
    RemoteRtpError,
    ReplayedPacket,
    RtpPacket,
    SrtpContext,
)
from rtp.srtp.profile import PROFILES
from rtp.srtp.transform import aes_ctr, derive

KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")
RTP = bytes.fromhex("800F1234DECAFBADCAFEBABE" + "AB" * 16)
RTCP = bytes.fromhex("81C8000BCAFEBABE" + "AB" * 16)
SRTP_80 = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
SRTCP = bytes.fromhex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798")


def context(profile: str = "AES_CM_128_HMAC_SHA1_80", fill: int = 7, mki: bytes = b"") -> SrtpContext:
    found = PROFILES[profile]
    return SrtpContext(profile, bytes([fill]) * found.key_length, bytes([fill + 1]) * found.salt_length, mki=mki)


def rtp(sequence_number: int, ssrc: int = 1, payload: bytes = b"sound") -> bytes:
    return bytes(RtpPacket(0, sequence_number & 0xFFFF, 160 * sequence_number & 0xFFFF_FFFF, ssrc, payload))


profiles = pytest.mark.parametrize("profile", PROFILES)


# Vectors


def test_the_key_stream() -> None:
    key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    counter = 0xF0F1F2F3F4F5F6F7F8F9FAFBFCFD0000
    expected = "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab"
    assert aes_ctr(key, counter, bytes(32)).hex() == expected


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
        (3, "4C1AA45A81F73D61C800BBB00FBB1EAA"),
        (4, "8D54534FEB49AE8E7993A6BD0B844FC323A93DFD"),
        (5, "9581C7AD87B3E530BF3E4454A8B3"),
    ],
)
def test_the_session_keys(label: int, expected: str) -> None:
    assert derive(KEY, SALT, label, len(expected) // 2).hex().upper() == expected


def test_a_packet_with_the_long_tag() -> None:
    assert SrtpContext("AES_CM_128_HMAC_SHA1_80", KEY, SALT).protect(RTP) == SRTP_80
    assert SrtpContext("AES_CM_128_HMAC_SHA1_80", KEY, SALT).unprotect(SRTP_80) == RTP


def test_a_packet_with_the_short_tag() -> None:
    assert SrtpContext("AES_CM_128_HMAC_SHA1_32", KEY, SALT).protect(RTP) == SRTP_80[:-6]


def test_a_control_packet_has_the_long_tag_in_both_profiles() -> None:
    for profile in ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"):
        assert SrtpContext(profile, KEY, SALT).seal_rtcp(RTCP, 1) == SRTCP
        assert SrtpContext(profile, KEY, SALT).unprotect_rtcp(SRTCP) == RTCP


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (0, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4"),
        (1, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05"),
        (2, "fa31791685ca444a9e07c6c64e93"),
    ],
)
def test_the_session_keys_of_aes_256(label: int, expected: str) -> None:
    """RFC 6188 section 7.2."""
    key = bytes.fromhex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6")
    salt = bytes.fromhex("3b04803de51ee7c96423ab5b78d2")
    assert derive(key, salt, label, len(expected) // 2).hex() == expected


@pytest.fixture
def session_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7714 sections 16 and 17 start from session keys, so the derivation is left out."""
    salt = bytes.fromhex("517569642070726f2071756f")
    monkeypatch.setattr(
        "rtp.srtp.transform.derive", lambda key, _, label, length: salt if label in (2, 5) else bytes(range(length))
    )


GCM_PLAIN = bytes.fromhex(
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
)
GCM_PLAIN_RTCP = bytes.fromhex(
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
)


@pytest.mark.usefixtures("session_keys")
@pytest.mark.parametrize(
    ("profile", "sealed"),
    [
        (
            "AEAD_AES_128_GCM",
            "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d"
            "7f27beb16a9152cf765ee4390cce",
        ),
        (
            "AEAD_AES_256_GCM",
            "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3"
            "db36dfffd6b0f9bb7878d7a76c13",
        ),
    ],
)
def test_gcm(profile: str, sealed: str) -> None:
    assert context(profile).protect(GCM_PLAIN).hex() == sealed
    assert context(profile).unprotect(bytes.fromhex(sealed)) == GCM_PLAIN


@pytest.mark.usefixtures("session_keys")
def test_gcm_of_a_control_packet() -> None:
    sealed = bytes.fromhex(
        "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
        "c84aa45896cf4d2fc5abf87245d9eade800005d4"
    )
    assert context("AEAD_AES_128_GCM").seal_rtcp(GCM_PLAIN_RTCP, 0x5D4) == sealed
    assert context("AEAD_AES_128_GCM").unprotect_rtcp(sealed) == GCM_PLAIN_RTCP


# Properties


@profiles
@given(payload=st.binary(max_size=60), options=st.booleans())
def test_round_trip(profile: str, payload: bytes, options: bool) -> None:
    packet = RtpPacket(0, 5, 6, 7, payload)
    if options:
        packet = RtpPacket(0, 5, 6, 7, payload, csrc=(1, 2), extension_profile=0xBEDE, extension=b"abcd", padding=4)
    sealed = context(profile).protect(bytes(packet))
    assert len(sealed) == len(bytes(packet)) + PROFILES[profile].tag_length
    assert context(profile).unprotect(sealed) == bytes(packet)
    assert payload not in sealed or len(payload) < 4


@profiles
@given(body=st.binary(max_size=10))
def test_control_round_trip(profile: str, body: bytes) -> None:
    sender, receiver = context(profile), context(profile)
    for _ in range(3):
        packet = RTCP[:8] + body * 4
        assert receiver.unprotect_rtcp(sender.protect_rtcp(packet)) == packet


@profiles
@given(data=st.data())
def test_any_change_is_noticed_and_changes_nothing(profile: str, data: st.DataObject) -> None:
    sender, receiver = context(profile), context(profile)
    for protect, unprotect, packet in (
        (sender.protect, receiver.unprotect, rtp(1)),
        (sender.protect_rtcp, receiver.unprotect_rtcp, RTCP),
    ):
        sealed = protect(packet)
        bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
        forged = bytearray(sealed)
        forged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RemoteRtpError):
            unprotect(bytes(forged))
        assert unprotect(sealed) == packet


@profiles
@given(data=st.binary(max_size=60))
def test_any_bytes_are_refused(profile: str, data: bytes) -> None:
    receiver = context(profile)
    for candidate in (data, b"\x80\x00" + data, b"\x9f\xc8" + data):
        for unprotect in (receiver.unprotect, receiver.unprotect_rtcp):
            with pytest.raises(RemoteRtpError):
                unprotect(candidate)


@profiles
def test_another_key_does_not_fit(profile: str) -> None:
    with pytest.raises(AuthenticationFailed):
        context(profile).unprotect(context(profile, 9).protect(rtp(1)))


@profiles
def test_a_replay_is_refused(profile: str) -> None:
    sender, receiver = context(profile), context(profile)
    sealed, control = sender.protect(rtp(1)), sender.protect_rtcp(RTCP)
    receiver.unprotect(sealed)
    receiver.unprotect_rtcp(control)
    with pytest.raises(ReplayedPacket):
        receiver.unprotect(sealed)
    with pytest.raises(ReplayedPacket):
        receiver.unprotect_rtcp(control)


@given(st.permutations(range(40)), st.integers(0, 0xFFFF))
def test_reordered_packets_are_taken_once_each_also_across_the_wrap(order: list[int], first: int) -> None:
    sender, receiver = context(), context()
    packets = [rtp(first + number) for number in range(41)]
    sealed = [sender.protect(packet) for packet in packets]
    assert receiver.unprotect(sealed[0]) == packets[0]
    for number in order:
        assert receiver.unprotect(sealed[number + 1]) == packets[number + 1]
        with pytest.raises(ReplayedPacket):
            receiver.unprotect(sealed[number + 1])


def test_a_packet_left_of_the_window_is_refused() -> None:
    sender, receiver = context(), context()
    old, *newer = [sender.protect(rtp(number)) for number in range(130)]
    receiver.unprotect(newer[-1])
    assert receiver.unprotect(newer[1])
    with pytest.raises(ReplayedPacket):
        receiver.unprotect(old)


def test_the_roll_over_counter_follows_many_wraps() -> None:
    sender, receiver = context(), context()
    for number in range(0, 300_000, 20_000):
        packet = rtp(number)
        assert receiver.unprotect(sender.protect(packet)) == packet


def test_who_joins_late_must_know_the_roll_over_counter() -> None:
    sender = context()
    packets = [rtp(number) for number in range(0, 100_000, 20_000)]
    *_, sealed = [sender.protect(packet) for packet in packets]
    with pytest.raises(AuthenticationFailed):
        context().unprotect(sealed)
    informed = SrtpContext("AES_CM_128_HMAC_SHA1_80", bytes([7]) * 16, bytes([8]) * 14, roll_over_counter=1)
    assert informed.unprotect(sealed) == packets[-1]


def test_sources_have_windows_of_their_own_and_forgeries_take_none() -> None:
    sender, receiver = context(), context()
    for ssrc in range(1, 200):
        assert receiver.unprotect(sender.protect(rtp(1, ssrc)))
    for ssrc in range(1000, 1100):
        with pytest.raises(AuthenticationFailed):
            receiver.unprotect(context(fill=9).protect(rtp(1, ssrc)))
    with pytest.raises(ReplayedPacket):
        receiver.unprotect(context().protect(rtp(1, 199)))


@profiles
def test_a_master_key_identifier(profile: str) -> None:
    sender, receiver = context(profile, mki=b"\x01\x02"), context(profile, mki=b"\x01\x02")
    assert receiver.unprotect(sender.protect(rtp(1))) == rtp(1)
    assert receiver.unprotect_rtcp(sender.protect_rtcp(RTCP)) == RTCP
    other = context(profile, mki=b"\x01\x03")
    with pytest.raises(AuthenticationFailed):
        other.unprotect(sender.protect(rtp(2)))
    with pytest.raises(AuthenticationFailed):
        other.unprotect_rtcp(sender.protect_rtcp(RTCP))


def test_control_packets_in_the_clear_are_refused() -> None:
    sealed = bytearray(context().protect_rtcp(RTCP))
    sealed[-14] &= 0x7F
    with pytest.raises(AuthenticationFailed):
        context().unprotect_rtcp(bytes(sealed))


def test_keys_are_used_up() -> None:
    spent = SrtpContext("AES_CM_128_HMAC_SHA1_80", KEY, SALT, roll_over_counter=2**32)
    with pytest.raises(LocalRtpError):
        spent.protect(RTP)
    spent._sent_rtcp = 2**31
    with pytest.raises(LocalRtpError):
        spent.protect_rtcp(RTCP)


def test_what_is_no_packet_is_our_own_error() -> None:
    for protect, data in (
        (context().protect, b"\x80"),
        (context().protect, b"\x9f" + RTP[1:20]),
        (context().protect_rtcp, b""),
    ):
        with pytest.raises(LocalRtpError):
            protect(data)


def test_profiles_and_lengths_are_checked() -> None:
    for profile, key, salt in (
        ("AES_F8", KEY, SALT),
        ("AES_CM_128_HMAC_SHA1_80", KEY, SALT[:12]),
        ("AEAD_AES_256_GCM", KEY, SALT),
    ):
        with pytest.raises(LocalRtpError):
            SrtpContext(profile, key, salt)


def test_keys_do_not_show() -> None:
    assert repr(SrtpContext("AES_CM_128_HMAC_SHA1_80", KEY, SALT)) == "SrtpContext('AES_CM_128_HMAC_SHA1_80')"


def test_too_short_for_the_tag() -> None:
    with pytest.raises(MalformedPacket):
        context().unprotect(RTP[:14])
