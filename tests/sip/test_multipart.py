from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    ContentType,
    LimitExceeded,
    LocalProtocolError,
    Multipart,
    Part,
    RemoteProtocolError,
    Request,
    SipError,
    body_parts,
    find_part,
)

MIXED = ContentType.parse('multipart/mixed;boundary="b1"')


def request(content_type: object, body: bytes) -> Request:
    return Request.build("INVITE", "sip:bob@example.com", [("Content-Type", content_type)], body)


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_parts_survive_the_wire(bodies: list[bytes]) -> None:
    parts = tuple(Part.of("application/x", body) for body in bodies if b"--" not in body)
    sent = Multipart(parts, "unique-boundary_1")
    got = Multipart.parse(bytes(sent), sent.content_type)
    assert got == sent


@given(st.binary(max_size=80))
def test_any_octets_are_parts_or_refused(body: bytes) -> None:
    for wire in (body, b"--b1\r\n" + body, b"--b1\r\n" + body + b"\r\n--b1--"):
        try:
            Multipart.parse(wire, MIXED)
        except SipError:
            continue


def test_what_stands_around_the_parts_is_nobodys() -> None:
    body = (
        b"preamble\r\n--b1 \t\r\nContent-Type: text/plain\r\n\r\none\r\n--b1\r\n\r\ntwo\r\n\r\n--b1--\r\nepilogue --b1"
    )
    found = Multipart.parse(body, MIXED)
    assert [part.body for part in found.parts] == [b"one", b"two\r\n"]
    assert [part.content_type.media_type for part in found.parts] == ["text/plain", "text/plain"]


def test_bare_lf_folds_and_a_missing_end() -> None:
    body = b"--b1\nContent-Type: application/sdp;\n a=b\nContent-Disposition: session;handling=optional\n\nv=0\n"
    (part,) = Multipart.parse(body, MIXED).parts
    assert (part.content_type.media_type, part.content_type.params["a"]) == ("application/sdp", "b")
    assert not part.disposition.handling_required
    assert part.body == b"v=0\n"


def test_empty_parts() -> None:
    found = Multipart.parse(b"--b1\r\n--b1\r\n\r\n--b1\r\nA: b\r\n--b1--", MIXED)
    assert [part.body for part in found.parts] == [b"", b"", b""]
    assert found.parts[2].headers.get("A") == "b"


def test_the_root_of_a_related_body() -> None:
    first, second = Part.of("text/plain", b"1", content_id="1@x"), Part.of("application/sdp", b"2", content_id="2@x")
    related = Multipart((first, second), "b1", "multipart/related", start="2@x")
    assert related.root == second
    assert Multipart.parse(bytes(related), related.content_type).root == second
    assert Multipart((first, second), "b1").root == first
    assert Multipart((), "b1").root is None
    assert second.content_id == "2@x"
    assert second.disposition.disposition == "session"
    assert first.disposition.disposition == "render"


def test_parts_of_a_message_whatever_its_body() -> None:
    plain = request("application/sdp", b"v=0\r\n")
    assert [part.body for part in body_parts(plain)] == [b"v=0\r\n"]
    inner = Multipart(
        (Part.of("application/sdp", b"v=0"), Part.of("text/html", b"<p>")), "inner", "multipart/alternative"
    )
    outer = Multipart((Part.of("text/plain", b"hi"), Part.of(inner.content_type, bytes(inner))), "outer")
    nested = request(outer.content_type, bytes(outer))
    assert [part.content_type.media_type for part in body_parts(nested)] == [
        "text/plain",
        "application/sdp",
        "text/html",
    ]
    found = find_part(nested, "Application/SDP")
    assert found is not None
    assert found.body == b"v=0"
    assert find_part(nested, "application/x") is None
    assert body_parts(request("application/sdp", b"")) == ()


def test_what_cannot_be_taken_apart_is_refused() -> None:
    for content_type, body in (
        ("multipart/mixed", b"--b1--"),
        ('multipart/mixed;boundary=""', b"----"),
        ("multipart/mixed;boundary=b1", b"no boundary here"),
        ("multipart/mixed;boundary=b1", b"--b1\r\nno colon\r\n\r\nx\r\n--b1--"),
    ):
        with pytest.raises(RemoteProtocolError):
            body_parts(request(content_type, body))


def test_depth_and_number_are_limited() -> None:
    body = Part.of("text/plain", b"x")
    for depth in range(6):
        wrapped = Multipart((body,), f"b{depth}")
        body = Part.of(wrapped.content_type, bytes(wrapped))
    with pytest.raises(LimitExceeded):
        body_parts(request(body.content_type, body.body))
    with pytest.raises(LimitExceeded):
        Multipart.parse(b"--b1\r\n\r\nx\r\n" * 70, MIXED)
    many = Multipart(tuple(Part.of("text/plain", b"x") for _ in range(40)), "in")
    twice = Multipart((Part.of(many.content_type, bytes(many)),) * 2, "out")
    with pytest.raises(LimitExceeded):
        body_parts(request(twice.content_type, bytes(twice)))


def test_a_boundary_must_not_occur_in_a_part() -> None:
    with pytest.raises(LocalProtocolError):
        bytes(Multipart((Part.of("text/plain", b"--b1"),), "b1"))
    with pytest.raises(LocalProtocolError):
        Multipart((), "b\r\n1")
