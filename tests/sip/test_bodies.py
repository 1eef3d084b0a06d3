"""Finding what a body holds, and refusing what it must not hold."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    BodyRefusal,
    Headers,
    Multipart,
    Part,
    RemoteProtocolError,
    Request,
    body_of,
    parse_message,
    refusal_of_body,
)
from sip.message.bodies import SDP, describes, description_in
from sip.testing.network import raw_request

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
ISUP = "application/isup;version=nxv3"
NOT_TAKEN = BodyRefusal(415, (("Accept", SDP),))


def part(media_type: str, body: bytes, disposition: str | None = None, **fields: str) -> Part:
    lines = [("Content-Type", media_type), *((name.replace("_", "-"), value) for name, value in fields.items())]
    if disposition is not None:
        lines.append(("Content-Disposition", disposition))
    return Part(body, Headers(lines))


def multipart(kind: str, *parts: Part, boundary: str = "b1", start: str | None = None) -> Part:
    made = Multipart(parts, boundary, f"multipart/{kind}", start)
    return part(str(made.content_type), bytes(made))


def request(whole: Part) -> Request:
    return Request.build("INVITE", "sip:bob@example.com", list(whole.headers), whole.body)


SDP_PART = part(SDP, OFFER)
GEO = part("application/pidf+xml", b"<presence/>", "render;handling=optional")
SIGNAL = part(ISUP, b"\x01\x00\xff", "signal;handling=optional")
NEEDED = part(ISUP, b"\x01\x00\xff", "signal;handling=required")

FOUND = {
    "alone": SDP_PART,
    "alone, for the session": part(SDP, OFFER, "session"),
    "alone, for the session, optional": part(SDP, OFFER, "session;handling=optional"),
    "alone, with parameters": part("Application/SDP; charset=utf-8", OFFER),
    "mixed": multipart("mixed", SDP_PART, SIGNAL),
    "mixed, behind another": multipart("mixed", GEO, SDP_PART),
    "mixed, alone": multipart("mixed", SDP_PART),
    "related": multipart("related", SDP_PART, SIGNAL),
    "related, named as the root": multipart("related", GEO, part(SDP, OFFER, Content_ID="<r@x>"), start="r@x"),
    "alternative": multipart("alternative", part("text/plain", b"call me"), SDP_PART),
    "alternative, not the last": multipart("alternative", SDP_PART, part("application/sdpng", b"<sdp/>")),
    "alternative, the last of two": multipart("alternative", part(SDP, b"old", "session;handling=optional"), SDP_PART),
    "a subtype that nobody knows": multipart("signal", SDP_PART, SIGNAL),
    "nested": multipart("mixed", GEO, multipart("alternative", SDP_PART, boundary="b2")),
    "nested in nested": multipart(
        "mixed", multipart("related", multipart("mixed", SDP_PART, boundary="b3"), boundary="b2"), GEO
    ),
    "in base64": multipart("mixed", part(SDP, base64.b64encode(OFFER), Content_Transfer_Encoding="BASE64")),
    "quoted-printable": multipart(
        "mixed", part(SDP, OFFER.replace(b"=", b"=3D"), Content_Transfer_Encoding="quoted-printable")
    ),
    "in identity": multipart("mixed", part(SDP, OFFER, Content_Encoding="identity")),
    "beside one for another purpose": multipart(
        "mixed", part(SDP, b"v=1", "early-session;handling=optional"), SDP_PART
    ),
    "beside one that cannot be unpacked": multipart(
        "mixed", part(SDP, b"zz", "session;handling=optional", Content_Encoding="gzip"), SDP_PART
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_description_is_found_wherever_it_is(name: str) -> None:
    message = request(FOUND[name])
    assert body_of(message, "Application/SDP") == OFFER
    assert describes(message)
    assert refusal_of_body(message, (SDP,)) is None
    whole = FOUND[name]
    if "Content-Disposition" not in whole.headers:
        assert description_in(whole.body, whole.headers.get("Content-Type")) == OFFER


REFUSED = {
    "of another type": (part("application/foo", b"x"), NOT_TAKEN),
    "of another type, required": (part("application/foo", b"x", "render;handling=required"), NOT_TAKEN),
    "for another purpose": (part(SDP, OFFER, "nobody-knows"), NOT_TAKEN),
    "for another purpose, required": (part(SDP, OFFER, "early-session;handling=required"), NOT_TAKEN),
    "mixed with a part that is needed": (multipart("mixed", SDP_PART, NEEDED), NOT_TAKEN),
    "mixed with a part that says nothing": (multipart("mixed", SDP_PART, part(ISUP, b"x")), NOT_TAKEN),
    "related to a part that is needed": (multipart("related", SDP_PART, NEEDED), NOT_TAKEN),
    "nested beside a part that is needed": (
        multipart("mixed", SDP_PART, multipart("mixed", NEEDED, boundary="b2")),
        NOT_TAKEN,
    ),
    "alternatives of which none is known": (
        multipart("alternative", part("text/plain", b"x", "render;handling=optional"), NEEDED),
        NOT_TAKEN,
    ),
    "packed": (
        part(SDP, OFFER, Content_Encoding="gzip"),
        BodyRefusal(415, (("Accept-Encoding", "identity"),), encoded=True),
    ),
    "in base64 that is none": (
        multipart("mixed", part(SDP, b"A", Content_Transfer_Encoding="base64")),
        BodyRefusal(415, (("Accept-Encoding", "identity"),), encoded=True),
    ),
    "without a boundary": (part("multipart/mixed", b"--b1\r\n"), BodyRefusal(400)),
    "without its boundary": (part("multipart/mixed;boundary=b1", b"--b2\r\n"), BodyRefusal(400)),
    "with a part that cannot be read": (
        part("multipart/mixed;boundary=b1", b"--b1\r\nno colon\r\n\r\nx\r\n--b1--"),
        BodyRefusal(400),
    ),
    "with a part of a type that cannot be read": (
        part("multipart/mixed;boundary=b1", b"--b1\r\nContent-Type: /\r\n\r\nx\r\n--b1--"),
        BodyRefusal(400),
    ),
    "of a type that nobody can read": (Part(OFFER, Headers._of([("Content-Type", "///")])), BodyRefusal(400)),
    "without a type": (Part(OFFER), NOT_TAKEN),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_body_that_is_needed_and_not_understood_is_refused(name: str) -> None:
    whole, refusal = REFUSED[name]
    assert refusal_of_body(request_of_wire(whole), (SDP,)) == refusal


@pytest.mark.parametrize("name", REFUSED)
def test_the_same_body_is_no_reason_when_it_is_optional(name: str) -> None:
    whole, _ = REFUSED[name]
    fields = [(key, value) for key, value in whole.headers if key != "Content-Disposition"]
    optional = Part(whole.body, Headers._of([*fields, ("Content-Disposition", "render;handling=optional")]))
    assert refusal_of_body(request_of_wire(optional), (SDP,)) is None


def request_of_wire(whole: Part) -> Request:
    """A request with headers that nothing of ours would write."""
    head = "".join(f"{name}: {value}\r\n" for name, value in whole.headers)
    start = "INVITE sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n"
    ends = "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
    message = parse_message(f"{start}{ends}{head}\r\n".encode() + whole.body)
    assert isinstance(message, Request)
    return message


def test_what_is_not_for_us_is_not_found() -> None:
    for whole in (
        part("text/plain", OFFER),
        part(SDP, OFFER, "early-session"),
        multipart("mixed", part(SDP, OFFER, "early-session"), GEO),
        part(SDP, OFFER, Content_Encoding="gzip"),
        part("multipart/mixed;boundary=b1", b"--b2\r\n"),
        Part(OFFER, Headers._of([("Content-Type", "///")])),
    ):
        message = request_of_wire(whole)
        assert body_of(message, SDP) == b""
        assert not describes(message)
    assert body_of(request_of_wire(Part(b"")), SDP) == b""
    assert description_in(b"<x/>", "application/cccp+xml") == b""
    assert description_in(OFFER, None) == OFFER


def test_a_body_that_does_not_say_its_type_is_what_is_asked_for() -> None:
    assert body_of(request_of_wire(Part(OFFER)), SDP) == OFFER
    assert describes(request_of_wire(Part(OFFER)))


def test_a_purpose_that_cannot_be_read_is_the_usual_one() -> None:
    message = request_of_wire(Part(OFFER, Headers._of([("Content-Type", SDP), ("Content-Disposition", "@@")])))
    assert body_of(message, SDP) == OFFER
    assert refusal_of_body(message, (SDP,)) is None
    other = request_of_wire(Part(OFFER, Headers._of([("Content-Type", "a/b"), ("Content-Disposition", "@@")])))
    assert refusal_of_body(other, (SDP,)) == NOT_TAKEN


def test_a_missing_end_costs_nothing() -> None:
    whole = multipart("mixed", SIGNAL, SDP_PART)
    cut = Part(whole.body.removesuffix(b"\r\n--b1--\r\n"), whole.headers)
    assert body_of(request(cut), SDP) == OFFER
    assert refusal_of_body(request(cut), (SDP,)) is None


def test_a_part_that_cannot_be_read_costs_only_itself_in_an_answer() -> None:
    body = b"--b1\r\nno colon\r\n\r\nx\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b1--"
    assert body_of(request(part("multipart/mixed;boundary=b1", body)), SDP) == b"v=0"


def test_multiparts_are_followed_to_a_limit() -> None:
    whole = SDP_PART
    for depth in range(6):
        whole = multipart("mixed", whole, boundary=f"d{depth}")
    assert body_of(request(whole), SDP) == b""
    assert refusal_of_body(request(whole), (SDP,)) == NOT_TAKEN
    many = multipart("mixed", *([SIGNAL] * 70), SDP_PART)
    assert body_of(request(many), SDP) == b""
    assert refusal_of_body(request(many), (SDP,)) == NOT_TAKEN


def test_whoever_lists_a_multipart_takes_it_apart_by_itself() -> None:
    for accept in (("multipart/mixed",), ("multipart/*",), ("*/*",)):
        assert refusal_of_body(request(multipart("mixed", NEEDED)), accept) is None
    assert refusal_of_body(request(part("text/html", b"x")), ("text/*",)) is None


_leaves = st.sampled_from([GEO, SIGNAL, part("text/plain", b"hello", "render;handling=optional")])


@st.composite
def buried(draw: st.DrawFn) -> Part:
    """A description among other parts, up to four multiparts deep."""
    whole = SDP_PART
    for depth in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["mixed", "related", "alternative", "unheard-of"]))
        before, after = (draw(st.lists(_leaves, max_size=2)) for _ in range(2))
        whole = multipart(kind, *before, whole, *after, boundary=f"level-{depth}")
    return whole


@given(buried())
def test_a_description_is_found_at_any_depth(whole: Part) -> None:
    assert body_of(request(whole), SDP) == OFFER
    assert refusal_of_body(request(whole), (SDP,)) is None


@given(buried(), st.data())
def test_no_damage_to_a_body_or_its_headers_raises(whole: Part, data: st.DataObject) -> None:
    wire = bytes(request_of_wire(whole))
    at = data.draw(st.integers(wire.index(b"Content-Type"), len(wire) - 1))
    junk = data.draw(st.sampled_from([b"", b"\0", b"--", b"\r\n\r\n", b";", b'"', b"/", b"\xff", b"\r\n--level-0--"]))
    try:
        message = parse_message(wire[:at] + junk + wire[at + 1 :])
    except RemoteProtocolError:
        return
    assert isinstance(body_of(message, SDP), bytes)
    refusal = refusal_of_body(message, (SDP,))
    assert refusal is None or refusal.status in (400, 415)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((), 415),
        (("Content-Disposition: session;handling=optional",), None),
        (("Content-Type: ;;",), 400),
        (("Content-Type: application/sdp", "Content-Type: application/sdp"), 400),
        (("Content-Type: application/sdp", "Content-Disposition: ;;"), None),
        (("Content-Type: text/plain", "Content-Disposition: ;;"), 415),
    ],
)
def test_what_the_headers_of_a_body_that_cannot_be_read_mean_to_its_reader(
    lines: tuple[str, ...], status: int | None
) -> None:
    message = parse_message(raw_request("INVITE", extra=lines, body=b"v=0"))
    message.ignore_unreadable()
    refused = refusal_of_body(message, ("application/sdp",))
    assert (refused and refused.status) == status
