from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    AuthenticationInfo,
    Authorization,
    Challenge,
    LocalProtocolError,
    MalformedHeader,
    SipError,
    parse_message,
    refuse,
)
from sip.headers.auth_params import AuthParams, split_auth


def test_a_digest_challenge() -> None:
    text = (
        'Digest realm="atlanta.example", domain="sip:a.example sip:b.example", qop="auth,auth-int", '
        'nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=SHA-512-256'
    )
    challenge = Challenge.parse(text, refuse)
    assert (challenge.scheme, challenge.realm, challenge.params["QOP"]) == (
        "Digest",
        "atlanta.example",
        "auth,auth-int",
    )
    assert (challenge.params["opaque"], challenge.params["algorithm"]) == ("", "SHA-512-256")
    assert str(challenge) == text


@pytest.mark.parametrize(
    ("text", "scheme", "params"),
    [
        (
            'NTLM realm="SIP Communications Service", targetname="pool.example.com", version=3',
            "NTLM",
            {"realm": "SIP Communications Service", "targetname": "pool.example.com", "version": "3"},
        ),
        (
            'Kerberos realm="R", targetname="sip/pool.example.com", version=4',
            "Kerberos",
            {"realm": "R", "targetname": "sip/pool.example.com", "version": "4"},
        ),
        (
            'TLS-DSK realm="R", targetname="p", version=4, sts-uri="https://p.example.com/CertProv/CertProvisioningService.svc"',
            "TLS-DSK",
            {
                "realm": "R",
                "targetname": "p",
                "version": "4",
                "sts-uri": "https://p.example.com/CertProv/CertProvisioningService.svc",
            },
        ),
        ('NTLM opaque="A1", gssapi-data="TlRMTVNTUAACAAAA+/==", r="a\\"b"', "NTLM", None),
        ("Digest", "Digest", {}),
    ],
)
def test_microsoft_forms(text: str, scheme: str, params: dict[str, str] | None) -> None:
    challenge = Challenge.parse(text)
    assert challenge.scheme == scheme
    if params is not None:
        assert dict(challenge.params) == params
    assert str(challenge) == text


def test_a_token68_in_place_of_parameters() -> None:
    challenge = Challenge.parse("Negotiate TlRMTVNTUAABAAAA+/==")
    assert (challenge.scheme, challenge.token68, dict(challenge.params)) == ("Negotiate", "TlRMTVNTUAABAAAA+/==", {})
    assert str(challenge) == "Negotiate TlRMTVNTUAABAAAA+/=="


def test_values_that_should_be_quoted_are_tolerated() -> None:
    said: list[str] = []
    challenge = Challenge.parse("Digest realm=a/b, nonce=, ,qop=auth,", said.append)
    assert dict(challenge.params) == {"realm": "a/b", "nonce": "", "qop": "auth"}
    assert said
    twice = Challenge.parse("Digest realm=a, realm=b", said.append)
    assert twice.realm == "a"
    assert "twice" in said[-1]


@pytest.mark.parametrize(
    "text", ["", '"Digest"', 'Digest realm="a', "Digest realm=a nonce=b", "Digest a b", 'Digest "x"', "Digest =a, b=c"]
)
def test_what_is_no_challenge_is_refused_without_showing_it(text: str) -> None:
    for parse in (Challenge.parse, Authorization.parse):
        with pytest.raises(MalformedHeader) as caught:
            parse(text)
        assert caught.value.value == "***"


def test_credentials_are_built_and_hidden() -> None:
    credentials = Authorization("Digest", AuthParams({"username": 'a"b', "response": "0123", "nc": "00000001"}))
    assert str(credentials) == 'Digest username="a\\"b", response=0123, nc=00000001'
    assert "0123" not in repr(credentials)
    assert "username" in repr(credentials)
    assert credentials.realm is None
    quoted = AuthParams({"response": '"0123"'})
    assert str(quoted) == 'response="0123"'
    assert quoted["response"] == "0123"


def test_what_would_break_the_line_is_refused() -> None:
    for params in ({"a b": "x"}, {"a": "x\r\ny"}, {"a": "\n"}):
        with pytest.raises(LocalProtocolError):
            AuthParams(params)
    with pytest.raises(LocalProtocolError):
        Challenge("Digest x")


def test_authentication_info_with_and_without_a_scheme() -> None:
    plain = AuthenticationInfo.parse('nextnonce="47364c", qop=auth, rspauth="00"')
    assert (plain.scheme, plain.params["nextnonce"]) == (None, "47364c")
    microsoft = AuthenticationInfo.parse('NTLM rspauth="0100", srand="0878F41B", snum="1", opaque="BCDC0C9D"')
    assert (microsoft.scheme, microsoft.params["snum"]) == ("NTLM", "1")
    spaced = AuthenticationInfo.parse('qop = auth, rspauth="00"')
    assert (spaced.scheme, spaced.params["qop"]) == (None, "auth")


def test_parameters_compare_by_value() -> None:
    assert AuthParams({"a": "b"}) == Challenge.parse('X A="b"').params
    assert hash(AuthParams({"a": "b"})) == hash(Challenge.parse('X A="b"').params)
    assert AuthParams({"a": "b"}) != 1


@given(st.text('Digest ="ab,\\ \t=', max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (Challenge.parse, Authorization.parse, AuthenticationInfo.parse):
        try:
            assert isinstance(str(parse(text)), str)
        except SipError:
            continue


@pytest.mark.parametrize("name", ["WWW-Authenticate", "Proxy-Authenticate", "Authorization", "Proxy-Authorization"])
def test_several_in_one_line_are_told_apart_and_strict_reading_refuses(name: str) -> None:
    line = 'Digest realm="a, Digest b", nonce="1", NTLM, Digest realm="c", nonce="2"'
    wire = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
    wire += f"Call-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n{name}: {line}\r\n\r\n"
    message = parse_message(wire.encode())
    found = message.header(name)
    assert isinstance(found, tuple)
    assert [each.scheme for each in found] == ["Digest", "NTLM", "Digest"]
    assert [each.realm for each in found] == ["a, Digest b", None, "c"]
    assert [str(each) for each in message.defects] == [f"{name}: several in one line"]
    with pytest.raises(MalformedHeader):
        parse_message(wire.encode(), strict=True).header(name)


@given(st.text('Digest ="ab,\\ \t', max_size=40))
def test_nothing_of_a_line_is_lost_when_it_is_taken_apart(text: str) -> None:
    parts = split_auth(text)
    assert "".join("".join(parts).split()).replace(",", "") == "".join(text.split()).replace(",", "")
