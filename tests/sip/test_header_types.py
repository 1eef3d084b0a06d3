"""Each header is read, printed and read again, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import STAR, MalformedHeader, NameAddr, Request, SipError, parse_message, refuse
from sip.headers.names import Shape, key_of, shape_of
from sip.headers.table import PARSERS
from sip.testing import HEADER_VALUES

HEADERS = sorted(HEADER_VALUES)


@pytest.mark.parametrize("name", HEADERS)
def test_a_value_survives_printing_and_strict_parsing(name: str) -> None:
    parse = PARSERS[key_of(name)]

    @settings(max_examples=25)
    @given(HEADER_VALUES[name])
    def check(value: object) -> None:
        text = str(value)
        again = parse(text, refuse)
        assert again == value
        assert str(again) == text

    check()


@pytest.mark.parametrize("name", HEADERS)
def test_a_message_carries_it_and_gives_it_back_typed(name: str) -> None:
    @settings(max_examples=10)
    @given(st.lists(HEADER_VALUES[name], min_size=1, max_size=1 if shape_of(key_of(name)) is Shape.SINGLE else 3))
    def check(values: list[object]) -> None:
        request = Request.build("INFO", "sip:bob@example.com", [(name, value) for value in values])
        wire = bytes(request)
        found = Request.build("INFO", "sip:bob@example.com", parse_lines(wire)).header(name)
        assert found == (values[0] if shape_of(key_of(name)) is Shape.SINGLE else tuple(values))

    check()


def parse_lines(wire: bytes) -> list[tuple[str, str]]:
    lines = wire.decode("utf-8", "surrogateescape").split("\r\n")[1:-2]
    return [(line.partition(":")[0], line.partition(":")[2]) for line in lines]


@pytest.mark.parametrize("name", HEADERS)
def test_any_text_is_read_or_refused_with_a_sip_error(name: str) -> None:
    parse = PARSERS[key_of(name)]

    @settings(max_examples=40)
    @given(st.text(st.sampled_from('ab1<>":;,=@%[]?&\\ \t()*/.+-é\x00'), max_size=30) | st.text(max_size=12))
    def check(text: str) -> None:
        try:
            value = parse(text)
        except SipError:
            return
        assert isinstance(str(value), str)

    check()


@settings(max_examples=60)
@given(st.data())
def test_what_strict_parsing_accepts_tolerant_parsing_reads_the_same(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(HEADERS))
    text = str(data.draw(HEADER_VALUES[name]))
    parse = PARSERS[key_of(name)]
    said: list[str] = []
    assert parse(text, said.append) == parse(text, refuse)
    assert said == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CSeq", "1"),
        ("CSeq", "2147483648 INVITE"),
        ("CSeq", "-1 INVITE"),
        ("Max-Forwards", "256"),
        ("Max-Forwards", "+7"),
        ("Max-Forwards", "\u0667"),
        ("Expires", "-1"),
        ("Expires", "1.5"),
        ("Content-Type", "text"),
        ("Event", "a b"),
        ("Replaces", "id;to-tag=1"),
        ("RAck", "1 INVITE"),
        ("RSeq", "0"),
        ("RSeq", "4294967296"),
        ("Warning", '1812 overture "In Progress"'),
        ("Session-Expires", "soon"),
        ("Date", "Fri, 31 Feb 2010 16:00:00 GMT"),
        ("Date", "2010-01-01T00:00:00Z"),
        ("Timestamp", "now"),
        ("Privacy", "id;;"),
        ("ms-diagnostics", "many"),
        ("Subscription-State", "active;expires=soon"),
        ("Retry-After", "18000 (maintenance"),
        ("To", "<sip:a@b"),
        ("To", ""),
        ("Contact", "*;q=1"),
        ("Via", "SIP/2.0 host"),
        ("Via", "SIP/2.0/UDP host:65536"),
        ("Via", "SIP/2.0/UDP [1:2]"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(MalformedHeader):
        PARSERS[key_of(name)](value)


def test_values_larger_than_the_clock_mean_the_largest_time() -> None:
    said: list[str] = []
    assert PARSERS["expires"]("1" + "0" * 100, said.append) == 2**32 - 1
    assert said == ["more seconds than 2**32 - 1"]
    assert PARSERS["expires"]("0" * 100 + "60", refuse) == 60


def test_a_star_is_a_contact_of_its_own() -> None:
    request = Request.build("REGISTER", "sip:example.com", [("Contact", STAR), ("Contact", "*")])
    assert request.contact == (STAR, STAR)
    assert repr(request.contact[0]) == "STAR"


def test_a_header_without_a_type_is_text() -> None:
    request = Request.build("OPTIONS", "sip:example.com", [("Subject", "lunch, or not"), ("X-Own", "a, b")])
    assert request.header("Subject") == "lunch, or not"
    assert request.header("x-own") == "a, b"
    assert request.header("Organization") is None
    assert request.header("Accept") == ()


def test_both_kinds_of_parsing_meet_in_a_message() -> None:
    wire = (
        b"OPTIONS sip:a@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h.example\r\nFrom: A, B <sip:a@b.example>;tag=1\r\n"
        b"To: sip:b@b.example\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    tolerant = parse_message(wire)
    assert tolerant.from_.display_name == "A, B"
    assert [str(defect) for defect in tolerant.defects] == ["From: a display name that should be quoted"]
    strict = parse_message(wire, strict=True)
    with pytest.raises(MalformedHeader) as caught:
        strict.check()
    assert caught.value.name == "From"


def test_every_list_has_a_type() -> None:
    assert {key for key in map(key_of, HEADERS) if shape_of(key) is Shape.LIST} <= set(PARSERS)
    assert {key_of(name) for name in HEADERS} | {"content-length"} == set(PARSERS)


def test_what_only_microsofts_clients_send() -> None:
    fields = [
        ("EndPoints", '"A, B" <sip:a@example.com>, <sip:c@example.com>'),
        ("Roster-Manager", "sip:a@example.com"),
        ("Ms-Mcu-Contact", "<sip:mcu.example.com;transport=tcp>"),
        ("Ms-Sensitivity", "Normal"),
        ("ms-im-format", "text/plain; charset=UTF-8; msgr=WAAtAE0"),
        ("ms-endpoint-location-data", "NetworkScope;ms-media-location-type=Intranet"),
        ("Ms-Conversation-ID", "f=0"),
    ]
    request = Request.build("OPTIONS", "sip:b@example.com", fields)
    assert [str(each.uri) for each in request.header("endpoints")] == ["sip:a@example.com", "sip:c@example.com"]  # type: ignore
    assert request.header("Roster-Manager").uri.user == "a"  # type: ignore[union-attr]
    assert request.header("Ms-Mcu-Contact").uri.transport == "tcp"  # type: ignore[union-attr]
    assert (request.header("Ms-Sensitivity"), request.header("Ms-Conversation-ID")) == ("normal", "f=0")
    assert request.header("ms-im-format")[0].params["msgr"] == "WAAtAE0"  # type: ignore[index]
    (place,) = request.header("ms-endpoint-location-data")  # type: ignore[misc]
    assert place.params["ms-media-location-type"] == "Intranet"


def test_the_first_of_a_repeated_parameter_counts() -> None:
    text = "<sip:a@example.com>;x=1;X=2"
    assert PARSERS["from"](text).params["x"] == "1"  # type: ignore[attr-defined]
    with pytest.raises(MalformedHeader):
        PARSERS["from"](text, refuse)


def test_a_refresher_that_nobody_is() -> None:
    assert PARSERS["session-expires"]("90;refresher=UAC", refuse).refresher == "uac"  # type: ignore[attr-defined]
    assert PARSERS["session-expires"]("90;refresher=me").refresher is None  # type: ignore[attr-defined]
    with pytest.raises(MalformedHeader):
        PARSERS["session-expires"]("90;refresher=me", refuse)


@pytest.mark.parametrize("name", ["route", "record-route", "path", "service-route"])
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("sip:p.example.com;lr", "<sip:p.example.com;lr>"),
        ("sip:p.example.com;lr=on;transport=tcp", "<sip:p.example.com;lr=on;transport=tcp>"),
        ("<sip:p.example.com>;lr;x=1", "<sip:p.example.com;lr>;x=1"),
    ],
)
def test_a_route_keeps_its_lr_wherever_it_stands(name: str, text: str, read: str) -> None:
    said: list[str] = []
    route = PARSERS[name](text, said.append)
    assert isinstance(route, NameAddr)
    assert (str(route), route.uri.lr, len(said)) == (read, True, 1)
    with pytest.raises(SipError):
        PARSERS[name](text, refuse)
