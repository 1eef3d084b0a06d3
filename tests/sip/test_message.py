from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    REASONS,
    CSeq,
    Headers,
    LocalProtocolError,
    MalformedHeader,
    NameAddr,
    RemoteProtocolError,
    Request,
    Response,
    SipError,
    Uri,
    Via,
    parse_message,
)
from sip.testing import messages, requests, texts

INVITE = (
    b"INVITE sip:bob@biloxi.example SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776asdhds;rport\r\n"
    b"v: SIP/2.0/TCP 192.0.2.1:5070 ;  branch=z9hG4bK2 , SIP/2.0/UDP 192.0.2.2\r\n"
    b"Max-Forwards: 70\r\n"
    b"Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr=on>\r\n"
    b"Record-route: <sip:p3.example;lr>\r\n"
    b"To: Bob <sip:bob@biloxi.example>\r\n"
    b"From: Alice <sip:alice@atlanta.example>;tag=1928301774;epid=01010101\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@pc33.atlanta.example>\r\n"
    b"Supported: \r\n"
    b"Allow: INVITE,ACK , BYE\r\n"
    b"Timestamp: 54.2\r\n"
    b"Content-Type: application/SDP;charset=utf-8\r\n"
    b"Content-Length: 4\r\n\r\nv=0\n"
)


def invite() -> Request:
    message = parse_message(INVITE)
    assert isinstance(message, Request)
    return message


def test_what_a_request_says() -> None:
    request = invite()
    request.check(all=True)
    assert (request.method, request.uri) == ("INVITE", Uri.parse("sip:bob@biloxi.example"))
    assert [via.transport for via in request.via] == ["UDP", "TCP", "UDP"]
    assert request.via[1].branch == "z9hG4bK2"
    assert (request.from_.tag, request.from_.params["EPID"], request.to.tag) == ("1928301774", "01010101", None)
    assert (request.cseq.number, request.cseq.method) == (314159, "INVITE")
    assert (request.call_id, request.max_forwards) == ("a84b4c76e66710@pc33.atlanta.example", 70)
    assert [str(route.uri) for route in request.record_route] == [
        "sip:p1.example;lr",
        "sip:p2.example;lr=on",
        "sip:p3.example;lr",
    ]
    assert all(route.uri.lr for route in request.record_route)
    assert (request.supported, request.require, request.allow) == ((), (), ("INVITE", "ACK", "BYE"))
    assert (request.content_type, request.content_length, request.body) == ("application/sdp", 4, b"v=0\n")
    assert (request.route, request.event, request.expires, request.session_expires) == ((), None, None, None)
    assert request.defects == ()


def test_typed_values_are_kept() -> None:
    request = invite()
    assert request.via is request.via
    assert request.from_ is request.from_
    assert request.uri is request.uri


def test_options_and_timers() -> None:
    request = Request.build(
        "SUBSCRIBE",
        "sip:a@b.example",
        [
            ("k", "Timer, 100rel"),
            ("Require", "adhoclist"),
            ("Proxy-Require", "ms-benotify"),
            ("Unsupported", "x"),
            ("Session-Expires", "1200;refresher=UAC"),
            ("Min-SE", "90"),
            ("Min-Expires", "60"),
            ("Expires", "3600"),
            ("o", "Conference;id=4"),
            ("subscription-state", "Active;expires=60;reason=Timeout;retry-after=5"),
        ],
    )
    assert request.supported == ("timer", "100rel")
    assert (request.require, request.proxy_require, request.unsupported) == (("adhoclist",), ("ms-benotify",), ("x",))
    assert request.session_expires is not None
    assert (request.session_expires.interval, request.session_expires.refresher, request.min_se) == (1200, "uac", 90)
    assert (request.expires, request.min_expires) == (3600, 60)
    assert request.event is not None
    assert (request.event.package, request.event.id) == ("conference", "4")
    state = request.subscription_state
    assert state is not None
    assert (state.state, state.expires, state.reason, state.retry_after) == ("active", 60, "timeout", 5)


def test_headers_are_an_ordered_multimap() -> None:
    headers = invite().headers
    assert headers.get("via") == "SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776asdhds;rport"
    assert len(headers.get_all("V")) == 2
    assert headers.get_all("record-ROUTE")[1] == "<sip:p3.example;lr>"
    assert headers.get("Subject") is None
    assert headers.get("Subject", "none") == "none"
    assert headers.get_all("Subject") == ()
    assert "l" in headers
    assert "Content-length" in headers
    assert "Subject" not in headers
    assert 5 not in headers
    assert len(headers) == len(list(headers)) == 15
    assert next(iter(headers))[0] == "Via"
    assert headers == Headers(list(headers))
    assert hash(headers) == hash(Headers(list(headers)))
    assert headers != 1


def test_untouched_values_come_back_byte_for_byte() -> None:
    assert bytes(invite()) == INVITE.replace(b"v: ", b"Via: ")


@settings(max_examples=50)
@given(messages())
def test_a_message_survives_the_wire(message: Request | Response) -> None:
    wire = bytes(message)
    for strict in (False, True):
        again = parse_message(wire, strict=strict)
        again.check(all=True)
        assert again.defects == ()
        assert bytes(again) == wire
        assert again == message
        assert hash(again) == hash(message)
        assert again.body == message.body
        assert again.headers == message.headers
        assert again.via == message.via
        assert again.contact == message.contact


def test_values_that_are_not_utf_8_survive() -> None:
    wire = INVITE.replace(b"Alice <", b'"Al\xff\xc3ice \xe2\x82\xac" <').replace(
        b"Supported: ", b"Subject: \xfe\x80\xff"
    )
    request = parse_message(wire)
    request.check(all=True)
    assert bytes(request) == wire.replace(b"v: ", b"Via: ")
    assert b"\xfe\x80\xff" in bytes(request.evolve(set={"X": request.headers.get("Subject")}))


def test_a_change_touches_nothing_else() -> None:
    request = invite().evolve(
        uri="sip:carol@chicago.example;transport=tcp",
        set={"Max-Forwards": 69, "Record-Route": [NameAddr("sip:p.example;lr")], "Supported": None, "X-New": "1"},
        add=[("X-New", "2")],
        prepend=[("Via", Via("TCP", "me.example", None, {"branch": "z9hG4bK9"})), ("Route", "<sip:q.example;lr>")],
        remove=["timestamp"],
    )
    expected = INVITE.replace(b"bob@biloxi.example SIP", b"carol@chicago.example;transport=tcp SIP")
    expected = expected.replace(b"SIP/2.0\r\n", b"SIP/2.0\r\nVia: SIP/2.0/TCP me.example;branch=z9hG4bK9\r\n", 1)
    expected = expected.replace(b"v: ", b"Via: ").replace(
        b"Max-Forwards: 70", b"Route: <sip:q.example;lr>\r\nMax-Forwards: 69"
    )
    before, _, rest = expected.partition(b"Record-Route")
    expected = before + b"Record-Route: <sip:p.example;lr>\r\n" + rest[rest.index(b"To: Bob") :]
    expected = expected.replace(b"Supported: \r\n", b"").replace(b"Timestamp: 54.2\r\n", b"")
    expected = expected.replace(b"Content-Length: 4\r\n", b"Content-Length: 4\r\nX-New: 1\r\nX-New: 2\r\n")
    assert bytes(request) == expected
    assert bytes(invite()) == INVITE.replace(b"v: ", b"Via: ")


def test_a_change_keeps_values_that_it_does_not_touch() -> None:
    request = invite()
    request.check(all=True)
    changed = request.evolve(set={"CSeq": CSeq(2, "INVITE")})
    assert changed.from_ is request.from_
    assert changed.cseq.number == 2
    assert request.evolve(method="ACK").method == "ACK"


def test_the_length_follows_the_body() -> None:
    request = invite().evolve(body=b"longer body", set={"Content-Length": "1"})
    assert bytes(request).endswith(b"Content-Length: 11\r\n\r\nlonger body")
    assert bytes(request).count(b"Content-Length") == 1
    assert b"Content-Length: 0\r\n\r\n" in bytes(request.evolve(body=b""))
    assert b"Content-Length: 0\r\n\r\n" in bytes(Request.build("BYE", "sip:a@b.example"))
    assert b"Content-Length: 4\r\n\r\n" in bytes(invite().evolve(remove=["l"]))


def test_a_datagram_without_length_gets_one() -> None:
    request = parse_message(INVITE.replace(b"Content-Length: 4\r\n", b""))
    assert request.body == b"v=0\n"
    assert bytes(request).endswith(b"Content-Length: 4\r\n\r\nv=0\n")


def test_a_response_copies_what_identifies_the_request() -> None:
    response = invite().response(180, to_tag="314159", headers=[("Contact", "<sip:bob@192.0.2.4>")])
    assert bytes(response) == (
        b"SIP/2.0 180 Ringing\r\n"
        b"Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bK776asdhds;rport\r\n"
        b"Via: SIP/2.0/TCP 192.0.2.1:5070 ;  branch=z9hG4bK2 , SIP/2.0/UDP 192.0.2.2\r\n"
        b"Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr=on>\r\n"
        b"Record-Route: <sip:p3.example;lr>\r\n"
        b"From: Alice <sip:alice@atlanta.example>;tag=1928301774;epid=01010101\r\n"
        b"To: Bob <sip:bob@biloxi.example>;tag=314159\r\n"
        b"Call-ID: a84b4c76e66710@pc33.atlanta.example\r\n"
        b"CSeq: 314159 INVITE\r\n"
        b"Contact: <sip:bob@192.0.2.4>\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    response.check(all=True)


def test_what_a_response_copies_depends_on_its_status() -> None:
    trying = invite().response(100)
    assert (trying.header("Timestamp"), trying.record_route, trying.to.tag) == (invite().header("Timestamp"), (), None)
    assert invite().response(404, to_tag="1").record_route == ()
    assert len(invite().response(200, to_tag="1").record_route) == 3
    assert invite().evolve(method="BYE").response(200).record_route == ()


@pytest.mark.parametrize(
    "to",
    [
        "<sip:b@c.example>;tag=7",
        "<sip:b@c.example>;TAG = 7",
        "sip:b@c.example;tag=7",
        '"tag" <sip:b@c.example>;x;tag=7',
    ],
)
def test_a_tag_that_is_there_stays(to: str) -> None:
    response = invite().evolve(set={"To": to}).response(200, to_tag="new")
    assert response.headers.get("To") == to


@pytest.mark.parametrize(
    "to", ["<sip:tag=1@c.example;tag=2>", '";tag=3" <sip:b@c.example>', "sip:vintage@c.example;x=tag"]
)
def test_a_tag_that_only_seems_to_be_there_does_not_count(to: str) -> None:
    assert invite().evolve(set={"To": to}).response(200, to_tag="new").to.tag == "new"


def test_a_broken_to_is_copied_as_it_is() -> None:
    assert invite().evolve(set={"To": '"tag'}).response(400, to_tag="new").headers.get("To") == '"tag'


def test_a_response_with_a_body() -> None:
    response = invite().response(200, "Fine", to_tag="1", body=b"v=0\r\n", content_type="application/sdp")
    assert (response.status, response.reason, response.content_type) == (200, "Fine", "application/sdp")
    assert parse_message(bytes(response)).body == b"v=0\r\n"


def test_responses_change_too() -> None:
    response = Response.build(180, headers=[("Call-ID", "1")])
    assert bytes(response.evolve(status=486)).startswith(b"SIP/2.0 486 Busy Here\r\n")
    assert bytes(response.evolve(reason="Hello")).startswith(b"SIP/2.0 180 Hello\r\n")
    assert bytes(response.evolve(set={"Call-ID": "2"})).startswith(b"SIP/2.0 180 Ringing\r\nCall-ID: 2\r\n")
    assert Response.build(499).reason == "Request Failure"
    assert REASONS[200] == "OK"


BREAKS = st.sampled_from(("\r\n", "\n", "\r", "\r\n ", "\n\n"))


@given(requests(), texts(), BREAKS, texts())
def test_nothing_put_into_a_message_makes_a_line(request: Request, before: str, line_break: str, after: str) -> None:
    hostile = before + line_break + after + "X"
    attempts = [
        lambda: request.evolve(set={"Subject": hostile}),
        lambda: request.evolve(set={"Subject": ["fine", "a" + hostile]}),
        lambda: request.evolve(add=[("a" + hostile, "value")]),
        lambda: request.evolve(prepend=[("Via", "a" + hostile)]),
        lambda: request.evolve(set={"a" + hostile: "value"}),
        lambda: request.evolve(method="a" + hostile),
        lambda: request.evolve(uri="sip:a" + hostile),
        lambda: Request.build("a" + hostile, "sip:a@b.example"),
        lambda: Request.build("BYE", "sip:a" + hostile),
        lambda: Request.build("BYE", "sip:a@b.example", [("Subject", "a" + hostile)]),
        lambda: request.response(200, "a" + hostile),
        lambda: request.response(200, to_tag="a" + hostile),
        lambda: request.response(200, headers=[("Subject", "a" + hostile)]),
        lambda: request.response(200, content_type="a" + hostile),
        lambda: Response.build(200, "a" + hostile),
        lambda: Headers([("Subject", "a" + hostile)]),
    ]
    for attempt in attempts[2:]:
        with pytest.raises(LocalProtocolError):
            attempt()
    # A line break at the very start or end is only a blank, if it is there at all.
    for attempt in attempts[:2]:
        with pytest.raises(LocalProtocolError):
            attempt()


@pytest.mark.parametrize("character", ["\ud800", "a\udfff"])
def test_what_cannot_be_written_is_refused(character: str) -> None:
    with pytest.raises(LocalProtocolError):
        invite().evolve(set={"Subject": character})


def test_a_wrong_status_or_name_is_refused() -> None:
    for attempt in (
        lambda: Response.build(99),
        lambda: Response.build(700),
        lambda: invite().response(1000),
        lambda: invite().evolve(set={"Bad Name": "x"}),
        lambda: invite().evolve(remove="Via"),
        lambda: Request.build("BYE", "not a uri"),
        lambda: Request.build("", "sip:a@b.example"),
        lambda: CSeq(2**31, "INVITE"),
        lambda: CSeq(1, "IN VITE"),
    ):
        with pytest.raises(LocalProtocolError):
            attempt()


def test_a_value_that_looks_like_text_is_written_as_text() -> None:
    request = invite().evolve(set={"Expires": 60, "Allow": ("INVITE", "BYE")})
    assert request.headers.get_all("Allow") == ("INVITE", "BYE")
    assert request.expires == 60


@pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq", "Max-Forwards"])
def test_check_refuses_what_everybody_needs_when_it_comes_twice(name: str) -> None:
    value = invite().headers.get(name)
    request = parse_message(bytes(invite().evolve(add=[(name, value)])))
    with pytest.raises(RemoteProtocolError) as caught:
        request.check()
    assert caught.value.status_hint == 400


@pytest.mark.parametrize("name", ["Content-Type", "Expires", "Event", "Subject", "Identity-Info", "Session-Expires"])
def test_check_notes_that_another_single_header_comes_twice_and_lets_it_pass(name: str) -> None:
    wire = bytes(invite().evolve(remove=[name], add=[(name, "1"), (name, "2")]))
    request = parse_message(wire)
    request.check()
    assert [str(defect) for defect in request.defects] == [f"{name}: comes 2 times"]
    assert bytes(request) == wire
    for careful in (lambda: request.check(all=True), parse_message(wire, strict=True).check):
        with pytest.raises(RemoteProtocolError):
            careful()


@pytest.mark.parametrize(
    ("name", "value"), [("Identity", "abc;info=<https://cert.example.com>"), ("ms-im-format", "text/plain")]
)
def test_what_may_come_on_several_lines_is_no_defect(name: str, value: str) -> None:
    request = parse_message(bytes(invite().evolve(add=[(name, value), (name, value)])))
    request.check(all=True)
    assert not request.defects
    assert request.headers.get_all(name) == (value, value)


def test_what_cannot_be_read_is_absent_once_it_is_to_be_ignored() -> None:
    added = [("Supported", "timer, a b, gruu"), ("Min-SE", "q"), ("Contact", "<broken"), ("Route", ","), ("Event", "")]
    wire = bytes(invite().evolve(remove=["Contact"], add=[*added, ("Expires", "1"), ("Expires", "2")]))
    before, request = parse_message(wire), parse_message(wire)
    assert all(before.unreadable(name) for name in ("Supported", "Min-SE", "Expires"))
    assert not any(before.unreadable(name) for name in ("Route", "From", "Session-Expires"))
    with pytest.raises(MalformedHeader):
        _ = before.min_se
    request.check()
    request.ignore_unreadable()
    assert request.supported == ("timer", "gruu")
    assert request.contact == request.route == ()
    assert (request.min_se, request.expires, request.event) == (None, None, None)
    left_out = ("Supported", "Min-SE", "Contact", "Expires", "Event")
    assert all(request.unreadable(name) for name in left_out)
    assert not any(request.unreadable(name) for name in ("Route", "From", "Allow", "Session-Expires"))
    assert {defect.where for defect in request.defects} == set(left_out)
    changed = request.evolve(set={"Min-SE": "90"})
    assert changed.min_se == 90
    assert changed.contact == ()
    with pytest.raises(RemoteProtocolError):
        request.check(all=True)


def test_check_lets_unknown_headers_repeat() -> None:
    parse_message(bytes(invite().evolve(add=[("X-A", "1"), ("X-A", "2")]))).check(all=True)


def test_check_does_not_look_at_what_not_everybody_needs() -> None:
    request = invite().evolve(set={"Contact": "<broken", "Date": "now"})
    request.check()
    with pytest.raises(MalformedHeader):
        _ = request.contact
    with pytest.raises(MalformedHeader):
        request.check(all=True)


def test_check_compares_the_methods() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        invite().evolve(method="OPTIONS").check()
    assert caught.value.status_hint == 400
    with pytest.raises(RemoteProtocolError) as caught:
        invite().evolve(method="NEWMETHOD").check()
    assert caught.value.status_hint == 501


def test_a_message_without_what_it_needs_says_so() -> None:
    request = Request.build("BYE", "sip:a@b.example")
    for read in (
        lambda: request.from_,
        lambda: request.to,
        lambda: request.cseq,
        lambda: request.call_id,
        request.check,
    ):
        with pytest.raises(RemoteProtocolError):
            read()
    with pytest.raises(RemoteProtocolError):
        request.evolve(set={"Via": "SIP/2.0/UDP h"}).check()
    assert request.max_forwards is None


def test_credentials_show_in_no_repr_and_no_error() -> None:
    request = invite().evolve(set={"Authorization": 'Digest username="alice", response="s3cr3t'})
    with pytest.raises(MalformedHeader) as caught:
        request.header("Authorization")
    shown = f"{caught.value!r} {caught.value} {caught.value.value} {caught.value.__cause__!r} {request!r}"
    assert "s3cr3t" not in shown
    assert "s3cr3t" not in repr(
        invite().evolve(set={"Authorization": 'Digest response="s3cr3t"'}).header("Authorization")
    )


def test_messages_compare_by_their_octets() -> None:
    assert invite() == invite()
    assert len({invite(), invite()}) == 1
    assert invite() != invite().response(200)
    assert invite() != "INVITE"


def test_sip_errors_are_value_errors() -> None:
    assert issubclass(SipError, ValueError)


def test_headers_show_their_names_only() -> None:
    headers = Headers([("Authorization", 'Digest response="s3cr3t"'), ("X-Y", "z")])
    assert repr(headers) == "<Headers Authorization, X-Y>"
