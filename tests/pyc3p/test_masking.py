import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyc3p.masking import mask


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        (b"Authorization: Bearer s3cr3t-token\r\n", b"s3cr3t-token"),
        (b"proxy-authorization:Basic dXNlcjpwYXNz\r\n", b"dXNlcjpwYXNz"),
        (b"Authorization: rawtoken\r\n", b"rawtoken"),
        (b'Authorization: Digest username="bob", response="0123abcd", cnonce="77aa"\r\n', b"0123abcd"),
        (b'Authorization: Digest username="bob",\r\n response="0123abcd"\r\n', b"0123abcd"),
        (b"Authentication-Info: rspauth=0123abcd\r\n", b"0123abcd"),
        (b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0a2V5|2^31\r\n", b"c2VjcmV0a2V5"),
        (b"k=base64:c2VjcmV0\r\n", b"c2VjcmV0"),
        (b"a=ice-pwd:abcdefgh\r\n", b"abcdefgh"),
        (b"meet:sip:a@example.com;gruu?conf-key=12345\r\n", b"12345"),
        (b"<mscp:passcode>98765</mscp:passcode>", b"98765"),
        (b'<user passcode="98765"/>', b"98765"),
        (b"<pin>4711</pin>", b"4711"),
        (b"<entry><key>sAuthId</key><value>abc123</value></entry>", b"abc123"),
    ],
)
def test_a_secret_is_covered_and_the_length_stays(data: bytes, secret: bytes) -> None:
    covered = mask("sip", data)
    assert secret not in covered
    assert covered.replace(b"*" * len(secret), secret) == data or len(covered) == len(data)
    assert len(covered) == len(data)
    assert mask("http", data) == covered


def test_what_a_reader_needs_stays() -> None:
    data = (
        b'INVITE sip:bob@example.com SIP/2.0\r\nAuthorization: Digest username="bob", realm="example.com", '
        b'response="0123"\r\nContent-Length: 4\r\n\r\nbody'
    )
    assert mask("sip", data) == data.replace(b"0123", b"****")


def test_media_is_left_alone() -> None:
    assert mask("rtp", b"inline:abcd") == b"inline:abcd"


@given(st.binary(max_size=400))
def test_any_bytes_keep_their_length_and_lines(data: bytes) -> None:
    covered = mask("sip", data)
    assert len(covered) == len(data)
    assert covered.count(b"\r\n") == data.count(b"\r\n")
