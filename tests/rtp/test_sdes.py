"""The crypto attribute."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp import Crypto, InlineKey, LocalRtpError, MalformedSdp
from rtp.sdp.sdes import parse_crypto_lines

MATERIAL = bytes(range(30))
TEXT = base64.b64encode(MATERIAL).decode()
LINE = f"1 AES_CM_128_HMAC_SHA1_80 inline:{TEXT}"


@given(
    st.integers(0, 999_999_999),
    st.binary(min_size=30, max_size=30),
    st.none() | st.integers(1, 2**48),
    st.none() | st.integers(0, 255),
)
def test_round_trip(tag: int, material: bytes, lifetime: int | None, mki: int | None) -> None:
    key = InlineKey(material, lifetime, mki, 0 if mki is None else 1)
    line = Crypto(tag, "AES_CM_128_HMAC_SHA1_80", (key,), ("WSH=128",))
    assert Crypto.parse(str(line)) == line


@pytest.mark.parametrize(
    "text", [LINE, f"{LINE}|2^31", f"{LINE}|2^31|1:1", f"{LINE}|1:4;inline:{TEXT}|2:4 KDR=1 FEC_ORDER=FEC_SRTP"]
)
def test_lines_come_back(text: str) -> None:
    assert str(Crypto.parse(text)) == text


@pytest.mark.parametrize("suite", ["aes_cm_128_hmac_sha1_80", "AES_CM_128_HMAC_sha1_32", "Aead_aes_256_gcm"])
def test_a_suite_is_known_in_any_case(suite: str) -> None:
    octets = Crypto.fresh(1, suite.upper(), bytes).keys[0]
    line = Crypto.parse(f"1 {suite} {octets}")
    assert line.usable
    assert line == Crypto(1, suite.upper(), (octets,))


def test_a_suite_that_nobody_knows_is_kept_as_it_is() -> None:
    assert Crypto.parse(LINE.replace("AES_CM", "aes_xx")).suite == "aes_xx_128_HMAC_SHA1_80"


def test_the_parts() -> None:
    line = Crypto.parse(f"{LINE}|1000|7:2")
    assert line.keys == (InlineKey(MATERIAL, 1000, 7, 2),)
    assert line.master() == (MATERIAL[:16], MATERIAL[16:])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 AES_CM_128_HMAC_SHA1_80",
        f"x AES_CM_128_HMAC_SHA1_80 inline:{TEXT}",
        f"1234567890 AES_CM_128_HMAC_SHA1_80 inline:{TEXT}",
        f"1 AES_CM_128_HMAC_SHA1_80 other:{TEXT}",
        "1 AES_CM_128_HMAC_SHA1_80 inline:!!!",
        "1 AES_CM_128_HMAC_SHA1_80 inline:A",
        "1 AES_CM_128_HMAC_SHA1_80 ;",
        f"{LINE}|0",
        f"{LINE}|2^49",
        f"{LINE}|2^999999999999",
        f"{LINE}|x",
        f"{LINE}|1:0",
        f"{LINE}|1:129",
        f"{LINE}|256:1",
        "1 X " + ";".join(["inline:AAAA"] * 17),
    ],
)
def test_what_breaks_the_grammar_is_malformed(text: str) -> None:
    with pytest.raises(MalformedSdp):
        Crypto.parse(text)


@given(st.text(max_size=40))
def test_any_text_parses_or_is_malformed(text: str) -> None:
    for candidate in (text, f"{LINE}|{text}", f"1 X inline:{text}"):
        assert len(parse_crypto_lines([candidate])) <= 1


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        (LINE, True),
        (LINE.replace("_80", "_32"), True),
        (f"1 AEAD_AES_128_GCM inline:{base64.b64encode(bytes(28)).decode()}", True),
        (f"1 AEAD_AES_256_GCM inline:{base64.b64encode(bytes(44)).decode()}", True),
        (f"1 AES_256_CM_HMAC_SHA1_80 inline:{base64.b64encode(bytes(46)).decode()}", True),
        (f"1 AEAD_AES_256_GCM inline:{TEXT}", False),
        (LINE.replace("AES_CM_128", "F8_128"), False),
        (f"{LINE} WSH=64 -KDR=3", True),
        (f"{LINE} KDR=3", False),
        (f"{LINE} UNENCRYPTED_SRTP", False),
        (f"{LINE} FUTURE", False),
    ],
)
def test_which_lines_can_be_used(text: str, usable: bool) -> None:
    assert Crypto.parse(text).usable is usable


def test_padding_may_be_missing() -> None:
    assert Crypto.parse("1 X inline:" + base64.b64encode(bytes(28)).decode().rstrip("=")).keys[0].key_and_salt == bytes(
        28
    )


def test_lines_without_identifier_come_first_and_broken_ones_are_passed_over() -> None:
    lines = [f"{LINE}|2^31|1:1", "broken", LINE.replace("1 ", "3 ", 1), f"{LINE} KDR=1"]
    assert [line.tag for line in parse_crypto_lines(lines)] == [3, 1]


def test_an_unusable_line_has_no_master_key() -> None:
    with pytest.raises(LocalRtpError):
        Crypto.parse("1 X inline:AAAA").master()


def test_keys_do_not_show() -> None:
    line = Crypto.parse(LINE)
    assert "key_and_salt" not in repr(line)
    with pytest.raises(MalformedSdp) as caught:
        Crypto.parse(f"{LINE}|x")
    assert TEXT not in str(caught.value)
