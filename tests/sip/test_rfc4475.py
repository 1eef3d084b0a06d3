"""The torture messages of RFC 4475, each with the treatment that the RFC describes.

The octets are those of the archive in its appendix.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sip import Multipart, RemoteProtocolError, Request, Response, SipError, StreamParser, Uri, parse_message
from sip.headers.names import key_of

MESSAGES = Path(__file__).parent / "rfc4475"


def octets(name: str) -> bytes:
    return (MESSAGES / f"{name}.dat").read_bytes()


def without_length(message: Request | Response) -> list[tuple[str, str]]:
    return [(key_of(name), value) for name, value in message.headers if key_of(name) != "content-length"]


def accepted(name: str, *, strict: bool = True) -> Request | Response:
    """The message, which is well formed."""
    message = parse_message(octets(name), strict=strict)
    message.check(all=True)
    if strict:
        assert message.defects == ()
    assert without_length(parse_message(bytes(message))) == without_length(message)
    return message


def refused(name: str, *, strict: bool) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_message(octets(name), strict=strict).check(all=True)
    return caught.value


VALID = [
    *("wsinv", "intmeth", "esc01", "escnull", "esc02", "lwsdisp", "longreq", "dblreq", "semiuri", "transports"),
    *("mpart01", "unreason", "noreason", "badbranch", "unkscm", "novelsc", "unksm2", "bext01", "invut", "regaut01"),
    *("bcast", "zeromf", "cparam01", "cparam02", "regescrt", "sdp01", "inv2543"),
]
#: Malformed, and what a request of them is answered with.
INVALID = {
    **{"badinv01": 400, "clerr": 400, "ncl": 400, "scalar02": 400, "scalarlg": 400, "quotbal": 400},
    **{"lwsruri": 400, "escruri": 400, "regbadct": 400, "badvers": 505, "mismatch01": 400, "mismatch02": 501},
    **{"bigcode": 400, "insuf": 400, "multi01": 400, "mcl01": 400},
}
#: Malformed, but no harm is done by living with it.
TOLERATED = {
    "lwsstart": {"Request-Line"},
    "trws": {"Request-Line"},
    "ltgtruri": {"Request-Line"},
    "baddate": {"Date"},
    "badaspec": {"To"},
    "baddn": {"header section", "From", "To"},
}


def test_every_message_of_the_archive_is_judged() -> None:
    assert sorted(path.stem for path in MESSAGES.glob("*.dat")) == sorted([*VALID, *INVALID, *TOLERATED])


@pytest.mark.parametrize("name", VALID)
def test_well_formed(name: str) -> None:
    accepted(name)
    accepted(name, strict=False)


@pytest.mark.parametrize("name", INVALID)
def test_malformed(name: str) -> None:
    for strict in (False, True):
        error = refused(name, strict=strict)
        assert error.status_hint == INVALID[name]


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated_and_recorded_or_refused_when_strict(name: str) -> None:
    message = accepted(name, strict=False)
    assert {defect.where for defect in message.defects} == TOLERATED[name]
    assert refused(name, strict=True).status_hint == 400


@pytest.mark.parametrize("name", sorted(set(INVALID) - {"scalarlg", "bigcode"}))
def test_each_malformed_request_can_be_answered(name: str) -> None:
    try:
        received: Request | Response | None = parse_message(octets(name))
    except RemoteProtocolError as error:
        received = error.received
    assert isinstance(received, Request)
    response = parse_or_none(bytes(received.response(INVALID[name], to_tag="answer")))
    # What lacks From, To and Call-ID gets an answer that lacks them too: there is nothing to copy.
    assert (response is not None) == (name != "insuf")


def parse_or_none(wire: bytes) -> Request | Response | None:
    try:
        return parse_message(wire)
    except SipError:
        return None


def test_3_1_1_1_a_short_tortuous_invite() -> None:
    request = accepted("wsinv")
    assert isinstance(request, Request)
    assert request.uri == Uri.parse("sip:vivekg@chair-dnrc.example.com;unknownparam")
    assert (request.to.tag, request.from_.tag, request.from_.display_name) == (
        "1918181833n",
        "98asjd8",
        'J Rosenberg \\"',
    )
    assert (request.max_forwards, request.cseq.number, request.headers.get("Subject")) == (68, 9, "")
    assert [(via.transport, via.sent_by, via.branch) for via in request.via] == [
        ("UDP", "192.0.2.2", "390skdjuw"),
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert request.headers.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.headers.get("unknownheaderwithunusualvalue") == ";;,,;;,;"
    assert request.route[0].uri.lr
    contact = request.contact[0]
    assert not isinstance(contact, type(None))
    assert dict(contact.params) == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}  # type: ignore[union-attr]
    assert len(request.body) == 150


def test_3_1_1_2_a_wide_range_of_valid_characters() -> None:
    request = accepted("intmeth")
    assert isinstance(request, Request)
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.display_name == "BEL:\a NUL:\0 DEL:\x7f"
    assert request.from_.tag == "_token~1'+`*%!-."
    assert request.from_.params["fromparam''~+*_!.-%"] == "\u0440\u0430\u0431\u043e\u0442\u0430\u044e\u0449\u0438\u0439"
    assert bytes(request) == octets("intmeth").replace(b"extensionHeader-!.%*+_`'~:", b"extensionHeader-!.%*+_`'~: ")


def test_3_1_1_3_escapes() -> None:
    request = accepted("esc01")
    assert isinstance(request, Request)
    assert request.uri.user == "sips:user@example.com"
    assert request.to.uri.equivalent(Uri.parse("sip:user@example.com"))
    assert request.from_.uri.user == "I have spaces"
    contact = request.contact[0].uri  # type: ignore[union-attr]
    assert (contact.user, contact.lr, contact.params["name"]) == ("caller", True, "value%41")


def test_3_1_1_4_escaped_nulls() -> None:
    request = accepted("escnull")
    assert request.to.uri.user == "null-\0-null"
    assert [contact.uri.user for contact in request.contact] == ["\0", "\0\0"]  # type: ignore[union-attr]


def test_3_1_1_5_percent_signs_that_escape_nothing() -> None:
    request = accepted("esc02")
    assert isinstance(request, Request)
    assert request.method == "RE%47IST%45R"
    assert request.to.display_name == "%Z%45"
    assert len(request.contact) == 2


def test_3_1_1_7_long_values() -> None:
    request = accepted("longreq")
    assert len(request.via) == 34
    assert request.via[0].host == "sip33.example.com"
    assert request.via[-1].branch == "very" + "long" * 50 + "branchvalue"
    assert request.to.uri.port == 6000


def test_3_1_1_8_octets_behind_the_message() -> None:
    request = accepted("dblreq")
    assert isinstance(request, Request)
    assert (request.method, request.body) == ("REGISTER", b"")
    assert b"INVITE" not in bytes(request)


def test_3_1_1_9_parameters_in_the_user_part() -> None:
    request = accepted("semiuri")
    assert isinstance(request, Request)
    assert request.uri.user == "user;par=u@example.net"
    assert request.uri.host == "example.com"


def test_3_1_1_11_a_binary_multipart() -> None:
    message = accepted("mpart01")
    content_type = message.header("Content-Type")
    body = Multipart.parse(message.body, content_type)  # type: ignore[arg-type]
    first, second = body.parts
    assert (first.content_type.media_type, first.body) == ("text/plain", b"Hello")
    assert second.content_type.media_type == "application/octet-stream"
    assert b"\0" in second.body
    assert second.body.endswith(b"\x99\xd0\x05")


def test_3_1_1_12_an_unusual_reason() -> None:
    response = accepted("unreason")
    assert isinstance(response, Response)
    assert response.reason.startswith("= 2**3 * 5**2 \u043d\u043e \u0441\u0442\u043e")
    assert bytes(response).startswith(octets("unreason")[:100])


def test_3_1_1_13_no_reason() -> None:
    response = accepted("noreason")
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (100, "")


def test_3_2_1_no_transaction_identifier() -> None:
    assert accepted("badbranch").via[0].branch == "z9hG4bK"


def test_3_3_2_schemes_of_the_request_uri() -> None:
    for name, scheme in (("unkscm", "nobodyknowsthisscheme"), ("novelsc", "soap.beep")):
        request = accepted(name)
        assert isinstance(request, Request)
        assert request.uri.scheme == scheme


def test_3_3_4_schemes_in_headers() -> None:
    request = accepted("unksm2")
    assert (request.to.uri.scheme, request.from_.uri.scheme) == ("isbn", "http")


def test_3_3_5_required_extensions() -> None:
    request = accepted("bext01")
    assert request.require == ("nothingsupportsthis", "nothingsupportsthiseither")
    assert request.proxy_require == ("noproxiessupportthis", "nordoanyproxiessupportthis")


def test_3_3_12_to_14_parameters_of_a_contact() -> None:
    header, uri, escaped = (accepted(name).contact[0] for name in ("cparam01", "cparam02", "regescrt"))
    assert dict(header.params) == {"unknownparam": None}  # type: ignore[union-attr]
    assert dict(header.uri.params) == {}  # type: ignore[union-attr]
    assert dict(uri.uri.params) == {"unknownparam": None}  # type: ignore[union-attr]
    assert escaped.uri.headers == (("Route", "<sip:sip.example.com>"),)  # type: ignore[union-attr]


def test_3_4_1_a_peer_of_rfc_2543() -> None:
    request = accepted("inv2543")
    assert (request.via[0].branch, request.from_.tag, request.max_forwards) == (None, None, None)
    assert request.body.startswith(b"v=0\r\n")


@pytest.mark.parametrize("name", ["ncl", "mcl01", "inv2543"])
def test_what_cannot_be_framed_closes_a_stream(name: str) -> None:
    parser = StreamParser()
    with pytest.raises(RemoteProtocolError):
        parser.receive_data(octets(name))
    assert parser.closed


def test_a_stream_waits_for_a_body_that_is_longer_than_what_came() -> None:
    parser = StreamParser()
    assert parser.receive_data(octets("clerr")) == []
    assert not parser.closed


@pytest.mark.parametrize("name", [*VALID, *INVALID, *TOLERATED])
def test_no_message_breaks_the_stream_parser(name: str) -> None:
    for feed in (whole, octet_by_octet):
        feed(StreamParser(lenient_length=True), octets(name))


def whole(parser: StreamParser, data: bytes) -> None:
    refused = None
    try:
        parser.receive_data(data)
    except RemoteProtocolError as error:
        refused = error
    assert refused is None or parser.closed or refused.received is not None


def octet_by_octet(parser: StreamParser, data: bytes) -> None:
    for place in range(len(data)):
        if not parser.closed:
            whole(parser, data[place : place + 1])
