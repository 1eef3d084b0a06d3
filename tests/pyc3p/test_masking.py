import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rtp
import sip
from pyc3p.trace.masking import _CRYPTO, _HEADER, _SECRETS, _mask_credentials, _mask_crypto, mask
from rtp import Crypto

DIGEST = b'Authorization: Digest username="bob", realm="example.com", nonce="n1", uri="sip:example.com", '


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        (b"Authorization: Bearer s3cr3t-token\r\n", b"s3cr3t-token"),
        (b"proxy-authorization:Basic dXNlcjpwYXNz\r\n", b"dXNlcjpwYXNz"),
        (b"Authorization: rawtoken\r\n", b"rawtoken"),
        (b'Authorization: Digest username="bob", response="0123abcd", cnonce="77aa"\r\n', b"0123abcd"),
        (b'Authorization: Digest username="bob",\r\n response="0123abcd"\r\n', b"0123abcd"),
        (b'Authorization: Digest cnonce="a,b", nc=00000001\r\n', b"a,b"),
        (b'Authorization: Digest cnonce="a\\"geheim"\r\n', b"geheim"),
        (b"Authorization: Digest response=0123abcd\r\n", b"0123abcd"),
        (b'Authorization: NTLM qop="auth", gssapi-data="TlRMTVNTUAAD", opaque="x1"\r\n', b"TlRMTVNTUAAD"),
        (b'Proxy-Authorization: TLS-DSK qop="auth", response="0123abcd"\r\n', b"0123abcd"),
        (b"Authentication-Info: rspauth=0123abcd\r\n", b"0123abcd"),
        (b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0a2V5|2^31\r\n", b"c2VjcmV0a2V5"),
        (b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:YWJj|1:1;inline:ZGVm|2:1\r\n", b"ZGVm"),
        (b"a=key-mgmt:mikey AQAFgM0XflABAAAA\r\n", b"AQAFgM0XflABAAAA"),
        (b"k=base64:c2VjcmV0\r\n", b"c2VjcmV0"),
        (b"k=clear:geheim\r\n", b"geheim"),
        (b"a=ice-pwd:abcdefgh\r\n", b"abcdefgh"),
        (b"Contact: <sip:bob:geheim@192.0.2.1:5060>\r\n", b"geheim"),
        (b"INVITE sips:bob:gehe%69m@example.com SIP/2.0\r\n", b"gehe%69m"),
        (b"POST http://focus:geheim@example.com/LiveServer HTTP/1.1\r\n", b"geheim"),
        (b"meet:sip:a@example.com;gruu?conf-key=12345\r\n", b"12345"),
        (b"<mscp:passcode>98765</mscp:passcode>", b"98765"),
        (b"<passcode><![CDATA[98]765]]></passcode>", b"98]765"),
        (b'<user passcode="98765"/>', b"98765"),
        (b'<user passcode="98\'65"/>', b"98'65"),
        (b"<user passcode='98\"65'/>", b'98"65'),
        (b"<pin>4711</pin>", b"4711"),
        (b"<entry><key>sAuthId</key><value>abc123</value></entry>", b"abc123"),
    ],
)
def test_a_secret_is_covered_and_the_length_stays(data: bytes, secret: bytes) -> None:
    covered = mask("sip", data)
    assert secret not in covered
    assert len(covered) == len(data)
    start = data.index(secret)
    assert covered[:start] == data[:start] or b"cnonce" in data or b";inline" in data or b"opaque" in data
    assert mask("http", data) == covered


@pytest.mark.parametrize(
    "data",
    [
        b"Contact: <sip:bob@192.0.2.1:5060>, <sip:[2001:db8::1]:5060>\r\n",
        b"Route: <sip:proxy.example.com:5060;lr>,<sip:ann@example.com>\r\n",
        b"POST http://192.0.2.1:8444/LiveServer/Focus HTTP/1.1\r\nHost: 192.0.2.1:8444\r\n",
        b"Record-Route: <sip:192.0.2.1:5060;lr;flow=abc@x>\r\n",
        b"a=fingerprint:sha-256 4A:AD\r\na=ice-ufrag:abcd\r\n",
    ],
)
def test_what_is_no_secret_stays(data: bytes) -> None:
    assert mask("sip", data) == data


def test_what_a_reader_needs_stays() -> None:
    data = (
        b'INVITE sip:bob@example.com SIP/2.0\r\nAuthorization: Digest username="bob", realm="example.com", '
        b'response="0123"\r\nContent-Length: 4\r\n\r\nbody'
    )
    assert mask("sip", data) == data.replace(b"0123", b"0000")


@pytest.mark.parametrize(
    "line",
    [
        "a=crypto: 1 X  inline: SECRET",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline :SECRET|2^31",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline SECRET",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 SECRET",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:|SECRET",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA SECRET+/",
        "a=crypto:SECRET",
        " a = crypto : inline:\tSECRET",
        "a=key-mgmt: mikey  SECRET",
        "a = key-mgmt : mikey SECRET",
        "a=key-mgmt:SECRET",
        "k=SECRET",
        "k = clear : SECRET",
        "k= base64 :SECRET",
        "a=ice-pwd SECRET",
        "a = ice-pwd : SECRET",
        ' Authorization : Digest response\r\n = "SECRET"',
        "Authorization:Digest response : SECRET",
        'Authorization: Digest realm="a", response "SECRET"',
        "Authorization: Digest\r response=SECRET",
    ],
)
def test_a_secret_is_covered_where_the_grammar_is_broken(line: str) -> None:
    data = f"{line}\r\nv=0\r\n".encode()
    covered = mask("sip", data)
    assert b"SECRET" not in covered
    assert len(covered) == len(data)
    assert covered.endswith(b"\r\nv=0\r\n")


def test_lines_of_keys_that_are_in_form_lose_nothing_but_the_key() -> None:
    for rest in (b"|2^20|1:4 UNENCRYPTED_SRTP", b"", b"|1:1;inline:BBBB|2:1 KDR=0"):
        line = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA" + rest.replace(b"BBBB", b"AAAA") + b"\r\nk=prompt\r\n"
        assert mask("sip", line.replace(b"AAAA", b"c2Vj")) == line


@given(st.binary(min_size=1, max_size=46))
def test_a_covered_key_is_still_base64(key: bytes) -> None:
    line = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + base64.b64encode(key) + b"|2^31\r\n"
    covered = re.search(rb"inline:([^|]+)", mask("sip", line))
    assert covered is not None
    assert base64.b64decode(covered[1], validate=True) == bytes(len(key))


def test_a_description_with_a_covered_key_can_still_be_used() -> None:
    key = base64.b64encode(bytes(range(30)))
    sdp = (
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n"
        b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + b"|2^31\r\n"
    )
    covered = mask("sip", b"INVITE sip:b@example.com SIP/2.0\r\n\r\n" + sdp).partition(b"\r\n\r\n")[2]
    assert key not in covered
    (crypto,) = rtp.SessionDescription.parse(covered).media[0].attributes_named("crypto")
    assert Crypto.parse(crypto).profile is not None  # a key of the right length


@given(
    st.sampled_from([b"response", b"cnonce"]),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=40),
)
def test_covered_credentials_are_still_credentials(name: bytes, secret: str) -> None:
    quoted = secret.replace("\\", "\\\\").replace('"', '\\"').encode()
    request = (
        b"REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nMax-Forwards: 70\r\n"
        b"From: <sip:bob@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
        + DIGEST
        + name
        + b'="'
        + quoted
        + b'", nc=00000001\r\nContent-Length: 0\r\n\r\n'
    )
    covered = sip.parse_message(mask("sip", request))
    credentials = sip.Authorization.parse(covered.headers.get("Authorization", ""))
    assert (credentials.params["nc"], credentials.params["nonce"]) == ("00000001", "n1")
    assert set(credentials.params[name.decode()]) <= set("*0A=")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_documents_stay_readable_in_each_encoding(encoding: str) -> None:
    text = "<user><passcode>9876</passcode><name>Zoë €</name></user>"
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    head = b"POST /LiveServer/Focus HTTP/1.1\r\nAuthorization: Bearer geheim\r\n\r\n"
    covered = mask("http", head + mark + text.encode(encoding))
    assert b"geheim" not in covered
    body = covered.partition(b"\r\n\r\n")[2]
    assert body == mark + text.replace("9876", "****").encode(encoding)


def test_media_is_left_alone() -> None:
    assert mask("rtp", b"inline:abcd") == b"inline:abcd"


@given(
    st.one_of(
        st.binary(max_size=400),
        st.binary(max_size=200).map(lambda body: b"x\r\n\r\n\xff\xfe" + body),
        st.binary(max_size=200).map(lambda value: b"Authorization: X " + value),
    )
)
def test_any_bytes_keep_their_length_and_lines(data: bytes) -> None:
    covered = mask("sip", data)
    assert len(covered) == len(data)
    assert covered.count(b"\r\n") == data.count(b"\r\n")


#: Pieces that secrets are made of, and what stands around them.
PIECES = [
    *(
        "inline",
        ":",
        " ",
        "\t",
        "\r\n",
        "\n",
        "a=",
        "a =",
        "key-mgmt",
        "k=",
        "k",
        "K =",
        "base64",
        "clear",
        "uri",
        "ice-pwd",
    ),
    *(
        "sip:",
        "SIPS:",
        "http://",
        "https://",
        "bob",
        "@",
        "example.com",
        "conf-key=",
        "<",
        ">",
        "</",
        "passcode",
        "PIN",
    ),
    *("pin", "password", "auth-token", "conference-key", "mscp:", "<![CDATA[", "]]>", "'", '"', "=", "key>", "sAuthId"),
    *(
        "PIN",
        "ice-pwd",
        "value>",
        "crypto",
        "AES_CM_128_HMAC_SHA1_80",
        "Authorization",
        "Authentication-Info",
        "Digest",
        ",",
    ),
    "response",
]


@given(pieces=st.lists(st.sampled_from(PIECES) | st.text("aZ1;/|", max_size=3), max_size=16), upper=st.booleans())
def test_no_secret_is_overlooked_because_a_word_was_looked_for_first(pieces: list[str], upper: bool) -> None:
    text = "".join(pieces)
    data = (text.upper() if upper else text).encode()
    expected = _CRYPTO.sub(_mask_crypto, _HEADER.sub(_mask_credentials, data))
    for _, pattern, cover in _SECRETS:
        expected = pattern.sub(lambda match, cover=cover: match[1] + cover(match[2]), expected)  # type: ignore[misc]
    assert mask("sip", data) == expected
