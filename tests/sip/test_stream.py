from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import Keepalive, LimitExceeded, Limits, RemoteProtocolError, Request, Response, StreamParser, parse_message
from sip.testing import messages

HEAD = b"OPTIONS sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TCP h.example;branch=z9hG4bK1\r\n"
HEAD += b"From: <sip:a@b.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1@h.example\r\nCSeq: 1 OPTIONS\r\n"
ONE = HEAD + b"Content-Length: 3\r\n\r\nabc"


def only_messages(items: list[Request | Response | Keepalive]) -> list[Request | Response]:
    return [item for item in items if not isinstance(item, Keepalive)]


@settings(max_examples=40)
@given(st.lists(messages(), max_size=4), st.lists(st.integers(0, 3000), max_size=8), st.integers(0, 3))
def test_messages_come_out_however_the_stream_is_cut(
    sent: list[Request | Response], cuts: list[int], line_breaks: int
) -> None:
    wire = b"\r\n" * line_breaks + b"".join(bytes(message) + b"\r\n" * line_breaks for message in sent)
    places = sorted({min(cut, len(wire)) for cut in cuts} | {0, len(wire)})
    parser, found = StreamParser(), []
    for start, end in pairwise(places):
        found += parser.receive_data(wire[start:end])
    assert only_messages(found) == sent
    assert parser.pending == 0
    parser.receive_eof()


def test_one_octet_at_a_time() -> None:
    wire = b"\r\n\r\n" + ONE + b"\r\n\r\n" + ONE + ONE
    parser = StreamParser()
    found = [item for place in range(len(wire)) for item in parser.receive_data(wire[place : place + 1])]
    assert only_messages(found) == [parse_message(ONE)] * 3
    assert [item for item in found if isinstance(item, Keepalive) and item.ping] == [Keepalive(ping=True)] * 2


def test_a_ping_is_two_line_breaks_and_its_answer_one() -> None:
    parser = StreamParser()
    assert parser.receive_data(b"\r\n\r\n") == [Keepalive(ping=True)]
    assert parser.receive_data(b"\r\n") == [Keepalive(ping=False)]
    assert parser.receive_data(ONE)[0] == parse_message(ONE)
    assert parser.receive_data(b"\r") == []
    assert parser.receive_data(b"\n" + ONE) == [Keepalive(ping=False), parse_message(ONE)]


def test_who_pings_gets_answers_only() -> None:
    parser = StreamParser(awaiting_pong=True)
    assert parser.receive_data(b"\r\n") == [Keepalive(ping=False)]
    assert parser.receive_data(b"\r\n") == [Keepalive(ping=False)]


def test_several_messages_and_the_start_of_another_in_one_read() -> None:
    parser = StreamParser()
    assert parser.receive_data(ONE + ONE + ONE[:50]) == [parse_message(ONE)] * 2
    assert parser.pending == 50
    assert parser.receive_data(ONE[50:]) == [parse_message(ONE)]


def test_a_stream_needs_lengths() -> None:
    parser = StreamParser()
    with pytest.raises(RemoteProtocolError) as caught:
        parser.receive_data(HEAD + b"\r\n")
    assert caught.value.status_hint == 400
    assert isinstance(caught.value.received, Request)
    assert parser.closed


def test_a_lenient_stream_takes_a_missing_length_as_none() -> None:
    parser = StreamParser(lenient_length=True)
    first, second = parser.receive_data(HEAD + b"\r\n" + ONE)
    assert isinstance(first, Request)
    assert first.body == b""
    assert [defect.where for defect in first.defects] == ["Content-Length"]
    assert second == parse_message(ONE)


def test_a_closed_stream_stays_closed() -> None:
    parser = StreamParser()
    with pytest.raises(RemoteProtocolError) as caught:
        parser.receive_data(b"garbage\r\n\r\n")
    assert parser.closed
    assert parser.pending == 0
    with pytest.raises(RemoteProtocolError) as again:
        parser.receive_data(ONE)
    assert again.value is caught.value
    parser.receive_eof()


def test_what_was_complete_comes_before_the_error() -> None:
    parser = StreamParser()
    assert parser.receive_data(ONE + b"garbage\r\n\r\n") == [parse_message(ONE)]
    assert parser.closed
    with pytest.raises(RemoteProtocolError):
        parser.receive_data(b"")


@pytest.mark.parametrize("length", [b"-1", b"five", b"1\r\nl: 2", b""])
def test_a_length_that_frames_nothing_closes_the_stream(length: bytes) -> None:
    parser = StreamParser()
    with pytest.raises(RemoteProtocolError) as caught:
        parser.receive_data(HEAD + b"Content-Length: " + length + b"\r\n\r\nabc")
    assert caught.value.received is not None


def test_a_broken_header_line_closes_the_stream_and_can_be_answered() -> None:
    parser = StreamParser()
    with pytest.raises(RemoteProtocolError) as caught:
        parser.receive_data(HEAD + b"broken\r\nContent-Length: 0\r\n\r\n")
    assert isinstance(caught.value.received, Request)


WITHOUT_FROM = ONE.replace(b"From", b"X-From")


def test_a_message_that_is_of_no_use_is_left_out_when_it_says_where_it_ends() -> None:
    parser = StreamParser()
    assert parser.receive_data(ONE + WITHOUT_FROM[:-1]) == [parse_message(ONE)]
    assert not parser.failing
    with pytest.raises(RemoteProtocolError) as caught:
        parser.receive_data(WITHOUT_FROM[-1:] + ONE + ONE)
    assert isinstance(caught.value.received, Request)
    assert not parser.closed
    assert parser.receive_data(b"") == [parse_message(ONE)] * 2


def test_what_is_of_no_use_is_told_in_its_turn() -> None:
    parser = StreamParser()
    assert parser.receive_data(ONE + WITHOUT_FROM + WITHOUT_FROM + ONE) == [parse_message(ONE)]
    for _ in range(2):
        with pytest.raises(RemoteProtocolError):
            parser.receive_data(b"")
    assert parser.receive_data(ONE) == [parse_message(ONE)] * 2
    assert not parser.failing


def test_limits_hold_before_the_octets_are_there() -> None:
    parser = StreamParser(Limits(max_head=1000))
    with pytest.raises(LimitExceeded):
        parser.receive_data(HEAD + b"X: " + b"y" * 1000)
    parser = StreamParser(Limits(max_body=10))
    with pytest.raises(LimitExceeded) as caught:
        parser.receive_data(HEAD + b"Content-Length: 11\r\n\r\n")
    assert isinstance(caught.value.received, Request)
    assert caught.value.status_hint == 513


def test_an_end_within_a_message_is_an_error() -> None:
    for part in (ONE[:10], ONE[:-1], HEAD):
        parser = StreamParser()
        assert parser.receive_data(part) == []
        with pytest.raises(RemoteProtocolError):
            parser.receive_eof()
        assert parser.closed
    parser = StreamParser()
    parser.receive_data(ONE + b"\r\n\r")
    parser.receive_eof()


def test_strict_streams_refuse_what_tolerant_ones_record() -> None:
    wire = ONE.replace(b" SIP/2.0\r\n", b"  SIP/2.0\r\n", 1)
    (message,) = StreamParser().receive_data(wire)
    assert isinstance(message, Request)
    assert message.defects
    with pytest.raises(RemoteProtocolError):
        StreamParser(strict=True).receive_data(wire)


def test_bare_lf_on_a_stream() -> None:
    wire = HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 3\n\nabc"
    parser = StreamParser()
    found = [item for place in range(len(wire)) for item in parser.receive_data(wire[place : place + 1])]
    assert isinstance(found[0], Request)
    assert found[0].body == b"abc"
    assert parser.receive_data(wire + ONE) == [found[0], parse_message(ONE)]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_octets_give_messages_or_close_the_stream(pieces: list[bytes]) -> None:
    parser = StreamParser()
    for piece in (HEAD, *pieces, ONE):
        refused = None
        try:
            parser.receive_data(piece)
        except RemoteProtocolError as error:
            refused = error
        assert refused is None or parser.closed or refused.received is not None


@given(st.integers(3, 5_000), st.booleans())
def test_a_run_of_line_breaks_is_one_keep_alive_however_long(line_breaks: int, pongs: bool) -> None:
    parser = StreamParser(awaiting_pong=pongs)
    assert parser.receive_data(b"\r\n" * line_breaks + ONE) == [Keepalive(ping=not pongs), parse_message(ONE)]


@given(
    st.integers(1, 4), st.lists(st.sampled_from([ONE, b"\r\n\r\n", HEAD + b"Content-Length: x\r\n\r\n"]), max_size=9)
)
def test_a_stream_that_is_read_in_parts_gives_what_it_gives_at_once(most: int, wire: list[bytes]) -> None:
    def read(limit: int | None) -> list[object]:
        parser, found, data = StreamParser(), [], b"".join(wire)
        while data or parser.unread:
            try:
                items = parser.receive_data(data, limit)
                assert limit is None or len(items) <= limit
                found += items
            except RemoteProtocolError as error:
                found.append(str(error))
                if parser.closed:
                    break
            data = b""
        return found

    assert read(most) == read(None)


def test_nothing_is_unread_between_messages() -> None:
    parser = StreamParser()
    assert len(parser.receive_data(ONE * 3 + ONE[:10], 3)) == 3
    assert parser.unread
    assert parser.receive_data(b"", 3) == []
    assert not parser.unread


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Route: " + ", ".join(["<sip:a;lr>"] * 600), id="one line"),
        pytest.param("\r\n".join(["Route: " + ",".join(["<sip:a;lr>"] * 200)] * 4), id="several lines"),
        pytest.param("Contact: " + "," * 900, id="nothing between"),
        pytest.param("Require: " + "a," * 600, id="option tags"),
    ],
)
def test_a_message_with_more_items_than_anybody_needs_is_refused_unread(header: str) -> None:
    parser = StreamParser()
    wire = HEAD + header.encode() + b"\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(LimitExceeded, match="items in lists") as caught:
        parser.receive_data(wire + ONE)
    assert caught.value.status_hint == 513
    assert parser.receive_data(b"") == [parse_message(ONE)]  # it says where it ends, so the stream goes on
