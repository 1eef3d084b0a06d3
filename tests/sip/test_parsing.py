from __future__ import annotations

import gc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sip import (
    LimitExceeded,
    Limits,
    MalformedHeader,
    RemoteProtocolError,
    Request,
    Response,
    SipError,
    StreamParser,
    parse_message,
)
from sip.headers.names import key_of
from sip.testing import messages, mutated_messages, wire_messages

HEAD = b"Via: SIP/2.0/UDP h.example;branch=z9hG4bK1\r\nFrom: <sip:a@b.example>;tag=1\r\nTo: <sip:b@b.example>\r\n"
HEAD += b"Call-ID: 1@h.example\r\nCSeq: 1 OPTIONS\r\n"
OPTIONS = b"OPTIONS sip:b@b.example SIP/2.0\r\n" + HEAD


def refused(wire: bytes, *, strict: bool = False, limits: Limits | None = None) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(wire, strict=strict, **({} if limits is None else {"limits": limits}))
    return caught.value


def without_length(message: Request | Response) -> list[tuple[str, str]]:
    return [(key_of(name), value) for name, value in message.headers if key_of(name) != "content-length"]


def outcome(data: bytes, strict: bool) -> tuple[Request | Response | None, RemoteProtocolError | None]:
    try:
        message = parse_message(data, strict=strict)
        message.check(all=True)
    except RemoteProtocolError as error:
        return None, error
    return message, None


@settings(max_examples=150)
@given(st.binary(max_size=200) | mutated_messages())
@example(b"\0\1\0\0!\x12\xa4B")  # a STUN binding request
@example(b"\x80\0\0\1\0\0\0\xa0\0\0\0\1" + bytes(160))  # RTP on the SIP port
@example(b"")
@example(b"\r\n\r\n")
@example(b"\n")
def test_any_octets_are_a_message_or_refused(data: bytes) -> None:
    for strict in (False, True):
        message, error = outcome(data, strict)
        if error is not None:
            assert 400 <= error.status_hint < 700
            if isinstance(error.received, Request):
                assert isinstance(bytes(error.received.response(400, to_tag="1")), bytes)
        if message is None:
            continue
        assert not (strict and message.defects)
        again = parse_message(bytes(message))
        assert without_length(again) == without_length(message)
        assert again.body == message.body
        assert again.method == message.method if isinstance(again, Request) else again.status == message.status


@settings(max_examples=60)
@given(wire_messages())
def test_every_legal_spelling_is_read(wire: bytes) -> None:
    message = parse_message(wire, strict=True)
    message.check(all=True)
    assert message.defects == ()
    assert parse_message(bytes(message)).headers == message.headers


@settings(max_examples=30)
@given(messages(), st.data())
def test_a_message_that_was_cut_short_is_no_message(message: Request | Response, data: st.DataObject) -> None:
    wire = bytes(message)
    cut = data.draw(st.integers(0, len(wire) - 1))
    if wire[:cut].endswith(b"Content-Length: 0\r\n"):
        return  # the empty line alone is missing: nothing is lost
    refused(wire[:cut])


def test_a_response_may_lack_its_reason() -> None:
    response = parse_message(b"SIP/2.0 200 \r\n" + HEAD + b"\r\n", strict=True)
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (200, "")
    assert bytes(response).startswith(b"SIP/2.0 200 \r\n")
    tolerated = parse_message(b"SIP/2.0 200\r\n" + HEAD + b"\r\n")
    assert [defect.where for defect in tolerated.defects] == ["Status-Line"]
    refused(b"SIP/2.0 200\r\n" + HEAD + b"\r\n", strict=True)


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS  sip:b@b.example SIP/2.0",
        b"OPTIONS sip:b@b.example  SIP/2.0",
        b"OPTIONS sip:b@b.example SIP/2.0 ",
        b"OPTIONS\tsip:b@b.example SIP/2.0",
        b"OPTIONS <sip:b@b.example> SIP/2.0",
        b"OPTIONS <sip:b@b.example>;isfocus SIP/2.0",
        b"OPTIONS  < sip:b@b.example > ; isfocus; x=1  SIP/2.0 ",
        b'OPTIONS "Bob" <sip:b@b.example> SIP/2.0',
        b"OPTIONS Bob <sip:b@b.example>;tag=1 SIP/2.0",
        b"OPTIONS\t<sip:b@b.example>\tsip/2.0",
    ],
)
def test_a_request_line_with_too_many_blanks_or_with_brackets_is_tolerated(line: bytes) -> None:
    wire = line + b"\r\n" + HEAD + b"\r\n"
    request = parse_message(wire)
    assert [defect.where for defect in request.defects] == ["Request-Line"]
    assert bytes(request).startswith(b"OPTIONS sip:b@b.example SIP/2.0\r\n")
    assert refused(wire, strict=True).status_hint == 400


@pytest.mark.parametrize(
    "line",
    [
        b"OPTIONS <sip:b@b.example SIP/2.0",
        b"OPTIONS sip:b@b.example> SIP/2.0",
        b"OPTIONS <sip:b@b.example><sip:c@c.example> SIP/2.0",
        b"OPTIONS <sip:b @b.example> SIP/2.0",
        b"OPTIONS <12> SIP/2.0",
        b"OPTIONS sip:b@b.example; lr SIP/2.0",
        b'OPTIONS "sip:b@b.example" SIP/2.0',
        b"OPTIONS 12 SIP/2.0",
        b"OPTIONS  SIP/2.0",
    ],
)
def test_a_request_with_a_broken_uri_can_be_answered(line: bytes) -> None:
    error = refused(line + b"\r\n" + HEAD + b"\r\n")
    assert error.status_hint == 400
    assert isinstance(error.received, Request)
    assert bytes(error.received.response(400, to_tag="x")).startswith(b"SIP/2.0 400 Bad Request\r\nVia: ")


@pytest.mark.parametrize(
    "line",
    [
        b"SIP/2.0 99 Low",
        b"SIP/2.0 700 High",
        b"SIP/2.0 2000 Long",
        b"SIP/2.0 4294967301 Overflow",
        b"SIP/2.0 abc Letters",
        b"SIP/3.0 200 OK",
        b"OPTIONS sip:b@b.example HTTP/1.1",
        b"OPT IONS sip:b@b.example SIP/2.0",
        b"OPTIONS sip:b@b.example",
        b"garbage",
        b" ",
    ],
)
def test_a_start_line_that_is_none(line: bytes) -> None:
    error = refused(line + b"\r\n" + HEAD + b"\r\n")
    assert error.status_hint == 400


def test_another_version_is_505() -> None:
    for version in (b"SIP/7.0", b"SIP/2.1", b"sip/1.0"):
        error = refused(b"OPTIONS sip:b@b.example " + version + b"\r\n" + HEAD + b"\r\n")
        assert error.status_hint == 505
        assert isinstance(error.received, Request)


def test_the_version_has_no_case() -> None:
    assert isinstance(parse_message(b"OPTIONS sip:b@b.example sip/2.0\r\n" + HEAD + b"\r\n", strict=True), Request)
    assert isinstance(parse_message(b"Sip/2.0 200 OK\r\n" + HEAD + b"\r\n", strict=True), Response)


@pytest.mark.parametrize("name", [b"Via", b"From", b"To", b"Call-ID", b"CSeq"])
def test_mandatory_headers(name: bytes) -> None:
    lines = [line for line in OPTIONS.split(b"\r\n") if not line.startswith(name + b":")]
    error = refused(b"\r\n".join(lines) + b"\r\n")
    assert error.status_hint == 400
    assert name.decode() in str(error)


@pytest.mark.parametrize(
    "line", [b"No colon", b": no name", b"Bad Name: x", b"Bad\xffName: x", b"A: b\rC: d", b"(x): y"]
)
def test_a_line_that_is_no_header_is_refused(line: bytes) -> None:
    error = refused(OPTIONS + line + b"\r\n\r\n")
    assert isinstance(error, MalformedHeader)
    assert error.received is not None
    assert len(error.received.headers) == 5


def test_a_fold_is_one_blank() -> None:
    request = parse_message(
        OPTIONS + b"Subject: one\r\n two \t\r\n\t  three\r\nX-Y:\r\n y\r\nX-Z:\r\n \r\n\r\n", strict=True
    )
    assert request.headers.get("Subject") == "one two three"
    assert request.headers.get("X-Y") == "y"
    assert request.headers.get("X-Z") == ""
    assert b"Subject: one two three\r\nX-Y: y\r\nX-Z: \r\n" in bytes(request)


def test_a_fold_before_any_header_is_refused() -> None:
    refused(b"OPTIONS sip:b@b.example SIP/2.0\r\n folded: x\r\n" + HEAD + b"\r\n")


def test_blanks_around_colon_and_value() -> None:
    request = parse_message(OPTIONS + b"Subject  \t:\t  x y \t \r\n\r\n", strict=True)
    assert request.headers.get("Subject") == "x y"


def test_lines_that_end_in_a_bare_lf() -> None:
    wire = (OPTIONS + b"Subject: a\r\n b\r\nContent-Length: 4\r\n\r\n\r\n\r\n").replace(b"\r\n", b"\n", 8)
    for text in (wire, (OPTIONS + b"Content-Length: 4\r\n\r\n").replace(b"\r\n", b"\n") + b"\r\n\r\n"):
        request = parse_message(text)
        request.check(all=True)
        assert request.body == b"\r\n\r\n"
        assert any("bare LF" in str(defect) for defect in request.defects)
        assert b"\n" not in bytes(request).partition(b"\r\n\r\n")[0].replace(b"\r\n", b"")
        refused(text, strict=True)


def test_a_head_with_mixed_line_ends_ends_at_the_first_empty_line() -> None:
    request = parse_message(OPTIONS + b"Content-Length: 12\n\nX: y\r\n\r\nbody")
    assert request.body == b"X: y\r\n\r\nbody"
    assert "X" not in request.headers


def test_line_breaks_before_the_start_line_are_ignored() -> None:
    assert isinstance(parse_message(b"\r\n\r\n" + OPTIONS + b"\r\n"), Request)


def test_octets_behind_the_body_are_dropped() -> None:
    assert parse_message(OPTIONS + b"Content-Length: 3\r\n\r\nabcdef").body == b"abc"
    assert parse_message(OPTIONS + b"\r\nabcdef").body == b"abcdef"


@pytest.mark.parametrize("value", [b"-1", b"+1", b"five", b"1 0", b"0x1", b"", b"9" * 30, "\u0661".encode(), b"1,1"])
def test_a_length_that_is_no_number(value: bytes) -> None:
    error = refused(OPTIONS + b"Content-Length: " + value + b"\r\n\r\nx")
    assert error.status_hint == 400
    assert isinstance(error.received, Request)


def test_a_length_beyond_the_datagram_or_in_doubt() -> None:
    assert refused(OPTIONS + b"Content-Length: 5\r\n\r\nabcd").status_hint == 400
    assert refused(OPTIONS + b"l: 1\r\nContent-Length: 2\r\n\r\nab").status_hint == 400
    twice = OPTIONS + b"l: 1\r\nContent-Length: 1\r\n\r\na"
    request = parse_message(twice)
    assert [defect.where for defect in request.defects] == ["Content-Length"]
    assert bytes(request).count(b"Content-Length") == 1
    refused(twice, strict=True)


def test_leading_zeros_of_a_length_do_no_harm() -> None:
    assert parse_message(OPTIONS + b"Content-Length: 0000000000001\r\n\r\na").body == b"a"


def test_a_missing_empty_line_is_tolerated_when_nothing_is_lost() -> None:
    request = parse_message(OPTIONS + b"l: 0\r\n")
    assert [defect.where for defect in request.defects] == ["header section"]
    refused(OPTIONS + b"l: 0\r\n", strict=True)
    refused(OPTIONS + b"l: 1\r\n")
    refused(OPTIONS)
    refused(OPTIONS + b"l: 0")


@pytest.mark.parametrize(
    ("extra", "limits", "hint"),
    [
        (b"X: " + b"y" * 100, Limits(max_line=99), 513),
        (b"X: y\r\n" * 20 + b"X: y", Limits(max_headers=20), 513),
        (b"X: " + b"y" * 1000, Limits(max_head=1000), 513),
        (b"\r\n" + b"y" * 200, Limits(max_datagram_body=100), 513),
    ],
)
def test_limits(extra: bytes, limits: Limits, hint: int) -> None:
    wire = OPTIONS + extra + b"\r\n\r\n"
    assert isinstance(parse_message(wire), Request)
    error = refused(wire, limits=limits)
    assert isinstance(error, LimitExceeded)
    assert error.status_hint == hint


def test_a_request_uri_that_is_too_long_is_414() -> None:
    wire = OPTIONS.replace(b"sip:b@", b"sip:" + b"b" * 20000 + b"@") + b"\r\n"
    error = refused(wire)
    assert error.status_hint == 414
    assert len(str(error)) < 200


def test_too_many_hops_are_refused() -> None:
    hop = b"SIP/2.0/X h,"
    for wire in (OPTIONS + b"Via: SIP/2.0/UDP h.example\r\n" * 69, OPTIONS + b"v: " + hop * 68 + hop[:-1] + b"\r\n"):
        parse_message(wire + b"\r\n").check()
        error = refused(wire + b"Via: SIP/2.0/UDP h.example\r\n\r\n")
        assert isinstance(error, LimitExceeded)


def test_other_kinds_of_octets() -> None:
    wire = OPTIONS + b"\r\n"
    assert parse_message(bytearray(wire)) == parse_message(memoryview(wire)) == parse_message(wire)  # type: ignore[arg-type]


def test_errors_are_sip_errors() -> None:
    with pytest.raises(SipError):
        parse_message(b"x")


def test_a_message_that_is_refused_leaves_nothing_for_the_garbage_collector() -> None:
    """Whoever sends many would else make it run again and again, for longer than sound may wait."""
    wire = OPTIONS.replace(b"Call-ID", b"X-Call-ID") + b"\r\n"

    def refuse() -> None:
        with pytest.raises(RemoteProtocolError):
            parse_message(wire)
        with pytest.raises(RemoteProtocolError):
            StreamParser().receive_data(wire.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\n\r\n"))

    refuse()
    enabled = gc.isenabled()
    gc.disable()
    try:
        gc.collect()
        for _ in range(5):
            refuse()
        assert gc.collect() == 0
    finally:
        if enabled:
            gc.enable()
