"""Judges of responses: right ones pass, and each wrong one is found by its clause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Request, Response, parse_message
from sip.testing import Finding, Force, Side, Spoken, check_response, conversations

INVITE = (
    b"INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP p.example;branch=z9hG4bK2;rport\r\n"
    b"Via: SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.1\r\nMax-Forwards: 70\r\n"
    b"Record-Route: <sip:p.example;lr>, <sip:q.example;lr>\r\nContact: <sip:a@192.0.2.1>\r\n"
    b"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    b"Content-Length: 0\r\n\r\n"
)
OK = (
    b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP p.example;branch=z9hG4bK2;rport=5060;received=192.0.2.2\r\n"
    b"Via: SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.1\r\n"
    b"Record-Route: <sip:p.example;lr>, <sip:q.example;lr>\r\nContact: <sip:b@192.0.2.3>\r\n"
    b"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    b"Allow: INVITE, ACK, BYE\r\nSupported: timer\r\nContent-Length: 0\r\n\r\n"
)


def judged(answer: bytes, asked: bytes = INVITE) -> list[Finding]:
    request, response = parse_message(asked), parse_message(answer)
    assert isinstance(request, Request)
    assert isinstance(response, Response)
    return check_response(request, response)


def answered(messages: tuple[Spoken, ...]) -> list[tuple[Request, Response]]:
    asked: dict[tuple[Side, str | None, object], Request] = {}
    pairs = []
    for spoken in messages:
        message = spoken.message
        if isinstance(message, Request):
            asked[spoken.side, message.via[0].branch, message.cseq] = message
        else:
            other = Side.CALLEE if spoken.side is Side.CALLER else Side.CALLER
            pairs.append((asked[other, message.via[0].branch, message.cseq], message))
    return pairs


@given(conversations(lossy=True))
def test_our_own_responses_are_right_in_every_call(messages: tuple[Spoken, ...]) -> None:
    pairs = answered(messages)
    found = [str(finding) for request, response in pairs for finding in check_response(request, response)]
    assert not found


@given(conversations(), st.data())
def test_one_changed_field_of_any_of_our_responses_is_found(messages: tuple[Spoken, ...], data: st.DataObject) -> None:
    request, response = data.draw(st.sampled_from(answered(messages)))
    name = data.draw(st.sampled_from(("Via", "From", "To", "Call-ID", "CSeq")))
    other = {
        "Via": "SIP/2.0/UDP elsewhere.example;branch=z9hG4bKother",
        "From": "<sip:elsewhere@example.com>;tag=other",
        "To": "<sip:elsewhere@example.com>;tag=other",
        "Call-ID": "other",
        "CSeq": f"{request.cseq.number + 1} {request.method}",
    }
    gone = data.draw(st.booleans())
    changed = response.evolve(remove=[name]) if gone else response.evolve(set={name: other[name]})
    assert any(name in finding.clause for finding in check_response(request, changed))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"p.example;branch", b"P.EXAMPLE;branch"),
        (b"CSeq: 1 ", b"CSeq: 01 "),
        (b"From: <sip", b'From: "A" <sip'),
        (b"Record-Route: ", b"Record-Route: <sip:r.example;lr>, "),
        (b"\r\nVia: SIP/2.0/UDP a.example", b", SIP/2.0/UDP a.example"),
    ],
    ids=str,
)
def test_what_is_written_otherwise_or_added_on_the_way_is_not_blamed(old: bytes, new: bytes) -> None:
    assert judged(OK) == []
    assert old in OK
    assert judged(OK.replace(old, new, 1)) == []


@pytest.mark.parametrize(
    ("old", "new", "clause"),
    [
        (b"branch=z9hG4bK2", b"branch=z9hG4bK3", "Via equals"),
        (b";received=192.0.2.1\r\n", b"\r\n", "Via equals"),
        (b";tag=1", b";tag=3", "From equals"),
        (b"Call-ID: c", b"Call-ID: C", "Call-ID equals"),
        (b"CSeq: 1", b"CSeq: 2", "CSeq equals"),
        (b"To: <sip:b@", b"To: <sip:x@", "the URI in To"),
        (b"To: <sip:b@b.example>;tag=2", b"To: <sip:b", "To can be read"),
        (b"Contact: <sip:b@192.0.2.3>\r\n", b"", "has Contact"),
        (b", <sip:q.example;lr>", b"", "all Record-Route"),
        (b"<sip:p.example;lr>, <sip:q.example;lr>", b"<sip:q.example;lr>, <sip:p.example;lr>", "all Record-Route"),
        (b"To: <sip:b@b.example>;tag=2", b"To: <sip:b@b.example>", "To has a tag"),
        (b"Supported: timer\r\n", b"", "has Supported"),
        (b"Allow: INVITE, ACK, BYE\r\n", b"", "has Allow"),
    ],
    ids=str,
)
def test_each_wrong_response_is_found_by_its_clause_alone(old: bytes, new: bytes, clause: str) -> None:
    assert old in OK
    (finding,) = judged(OK.replace(old, new, 1))
    assert clause in finding.clause
    assert finding.force is (Force.SHOULD if clause in ("has Supported", "has Allow") else Force.MUST)


@pytest.mark.parametrize("status", [401, 405, 407, 420, 421, 422, 423])
def test_a_status_without_the_field_that_it_owes_is_found(status: int) -> None:
    (finding,) = judged(OK.replace(b"200", b"%d" % status).replace(b"Allow: INVITE, ACK, BYE\r\n", b""))
    assert finding.clause.startswith(f"{status} has ")


@pytest.mark.parametrize(("method", "status"), [("ACK", 200), ("INFO", 180), ("INFO", 408)])
def test_what_must_not_be_answered_is_found(method: str, status: int) -> None:
    name = method.encode()
    (finding,) = judged(
        OK.replace(b"200", b"%d" % status, 1).replace(b"1 INVITE", b"1 " + name), INVITE.replace(b"INVITE", name)
    )
    assert finding.seen == str(status)


def test_within_a_dialog_the_tag_stays_and_routes_need_not() -> None:
    asked = INVITE.replace(b"To: <sip:b@b.example>", b"To: <sip:b@b.example>;tag=2")
    assert judged(OK.replace(b"Record-Route: <sip:p.example;lr>, <sip:q.example;lr>\r\n", b""), asked) == []
    (finding,) = judged(OK.replace(b"tag=2", b"tag=9"), asked)
    assert finding.clause.startswith("To equals")


def test_what_the_request_has_illegibly_is_not_held_against_the_answer() -> None:
    assert judged(OK, INVITE.replace(b"CSeq: 1 INVITE", b"CSeq: one INVITE")) == []
