"""Nothing that an application puts into a value gets out of it: not into another parameter, header or message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    AuthenticationInfo,
    Authorization,
    Challenge,
    ContentDisposition,
    ContentType,
    CSeq,
    Date,
    EventPackage,
    Headers,
    Join,
    LocalProtocolError,
    MinSE,
    MsDiagnostics,
    MsKeepAlive,
    Multipart,
    NameAddr,
    Parameterised,
    Params,
    Part,
    Privacy,
    RAck,
    Reason,
    RemoteProtocolError,
    Replaces,
    Request,
    Response,
    RetryAfter,
    SessionExpires,
    SipError,
    SubscriptionState,
    TargetDialog,
    Timestamp,
    Uri,
    Via,
    Warning,
    parse_message,
    refuse,
    tolerate,
)
from sip.headers.auth_params import AuthParams
from sip.headers.table import PARSERS
from sip.syntax.params import parse_q

URI: Final = Uri("sip", "b.example")
HOSTILE: Final = (
    *("a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "\r\n\r\n", "a\r\n b", "\n", "a\0b", "\0"),
    *(
        'a"b',
        '"',
        '"a',
        '"a";x="',
        '"a"b"',
        'a";evil="1',
        "a\\",
        '\\"',
        "\\",
        '"\\"',
        '"a\\"',
        "a>b",
        "<a",
        "a;evil",
        "a,evil",
    ),
    *(
        "a, b",
        "a b",
        " a ",
        "",
        "a?evil=1",
        "a@evil.example",
        "a%0d%0aX-Evil: 1",
        "a\x85b",
        "a\u2028b",
        "\u20ac",
        "\udc80",
    ),
    *("a\ud800", "\x7f", "\x1b[2J", "a\tb"),
)
#: For each kind of value and each place in it that takes text: the header, and how it is built.
BUILDERS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "display name": ("From", lambda text: NameAddr(URI, text)),
    "address": ("From", lambda text: NameAddr(text)),
    "parameter of an address": ("From", lambda text: NameAddr(URI, None, {"x": text})),
    "name of a parameter": ("From", lambda text: NameAddr(URI, None, {text: "x"})),
    "changed parameter": ("From", lambda text: NameAddr(URI).with_params({"x": text})),
    "name of a changed parameter": ("From", lambda text: NameAddr(URI).with_params({text: None})),
    "tag": ("From", lambda text: NameAddr(URI).with_tag(text)),
    "host": ("From", lambda text: NameAddr(Uri("sip", text))),
    "scheme": ("From", lambda text: NameAddr(Uri(text, "b.example"))),
    "user": ("From", lambda text: NameAddr(Uri("sip", "b.example", text))),
    "password": ("From", lambda text: NameAddr(Uri("sip", "b.example", "a", password=text))),
    "parameter of a URI": ("From", lambda text: NameAddr(Uri("sip", "b.example", params={"x": text}))),
    "name of a parameter of a URI": ("From", lambda text: NameAddr(Uri("sip", "b.example", params={text: None}))),
    "changed parameter of a URI": ("From", lambda text: NameAddr(URI.with_params({text: text}))),
    "header of a URI": ("From", lambda text: NameAddr(Uri("sip", "b.example", headers=[(text, text)]))),
    "transport of a Via": ("Via", lambda text: Via(text, "b.example")),
    "host of a Via": ("Via", lambda text: Via("UDP", text)),
    "branch": ("Via", lambda text: Via("UDP", "b.example", None, {"branch": text})),
    "changed branch": ("Via", lambda text: Via("UDP", "b.example").with_params({"branch": text})),
    "method of a CSeq": ("CSeq", lambda text: CSeq(1, text)),
    "media type": ("Content-Type", ContentType),
    "subtype": ("Content-Type", lambda text: ContentType(f"text/{text}")),
    "parameter of a media type": ("Content-Type", lambda text: ContentType("a/b").with_params({"boundary": text})),
    "disposition": ("Content-Disposition", ContentDisposition),
    "event package": ("Event", EventPackage),
    "event id": ("Event", lambda text: EventPackage("a", Params({"id": text}))),
    "subscription state": ("Subscription-State", SubscriptionState),
    "protocol of a reason": ("Reason", lambda text: Reason.of(text, 1)),
    "text of a reason": ("Reason", lambda text: Reason.of("SIP", 1, text)),
    "agent of a warning": ("Warning", lambda text: Warning(399, text)),
    "text of a warning": ("Warning", lambda text: Warning(399, "a", text)),
    "comment": ("Retry-After", lambda text: RetryAfter(1, Params(), text)),
    "replaced dialog": ("Replaces", lambda text: Replaces(text, "1", "2")),
    "replaced tag": ("Replaces", lambda text: Replaces("a", text, "2")),
    "joined dialog": ("Join", lambda text: Join(text, "1", "2")),
    "joined tag": ("Join", lambda text: Join("a", "1", text)),
    "target dialog": ("Target-Dialog", lambda text: TargetDialog(text, "1", "2")),
    "target tag": ("Target-Dialog", lambda text: TargetDialog("a", text, "2")),
    "acknowledged method": ("RAck", lambda text: RAck(1, 1, text)),
    "privacy": ("Privacy", lambda text: Privacy((text,))),
    "timestamp": ("Timestamp", Timestamp),
    "feature": ("Accept-Contact", Parameterised),
    "role": ("ms-keep-alive", MsKeepAlive),
    "source of a diagnosis": ("ms-diagnostics", lambda text: MsDiagnostics(1, text)),
    "reason of a diagnosis": ("ms-diagnostics", lambda text: MsDiagnostics(1, None, text)),
    "scheme of a challenge": ("WWW-Authenticate", lambda text: Challenge(text)),
    "realm": ("WWW-Authenticate", lambda text: Challenge("Digest", AuthParams({"realm": text}))),
    "name in a challenge": ("WWW-Authenticate", lambda text: Challenge("Digest", AuthParams({text: "x"}))),
    "token68 of a challenge": ("WWW-Authenticate", lambda text: Challenge("Negotiate", token68=text)),
    "scheme of credentials": ("Authorization", lambda text: Authorization(text)),
    "username": ("Authorization", lambda text: Authorization("Digest", AuthParams({"username": text}))),
    "token68 of credentials": ("Authorization", lambda text: Authorization("Negotiate", token68=text)),
    "proof": ("Authentication-Info", lambda text: AuthenticationInfo(AuthParams({"rspauth": text}))),
    "scheme of a proof": ("Authentication-Info", lambda text: AuthenticationInfo(AuthParams({"a": "b"}), text)),
}
PLAIN: Final = Request.build(
    "OPTIONS",
    URI,
    [
        *(("Via", "SIP/2.0/UDP a.example;branch=z9hG4bK1"), ("From", "<sip:a@a.example>;tag=1")),
        *(("To", "<sip:b@b.example>"), ("Call-ID", "1"), ("CSeq", "1 OPTIONS"), ("X-Last", "1")),
    ],
)


def lines(message: Request | Response) -> int:
    head, _, rest = bytes(message).partition(b"\r\n\r\n")
    assert rest == b""
    assert head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n")
    assert b"\0" not in head.replace(b"\\\0", b"")
    return head.count(b"\r\n")


@pytest.mark.parametrize("place", BUILDERS)
@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_in_its_value(place: str, text: str) -> None:
    name, build = BUILDERS[place]
    refused: SipError | None = None
    try:
        value = build(text)
        message = PLAIN.evolve(set={f"X-{name}": value})
    except SipError as error:
        refused = error
    if refused is None:
        assert lines(message) == lines(PLAIN) + 1
        read = parse_message(bytes(message))
        assert [key for key, _ in read.headers] == [key for key, _ in message.headers]
        # An address is read as it is written, a Call-ID may have what it should not.
        report = tolerate if place == "address" or place.endswith("dialog") else refuse
        assert PARSERS[name.lower()](read.headers.get(f"X-{name}", ""), report) == value
    else:
        assert isinstance(refused, LocalProtocolError) or place == "address"


@given(
    st.sampled_from(sorted(BUILDERS)),
    st.text(st.sampled_from('a1";,<>@:\\=?&%()[] \t\r\n\0\x7f\x85é\udcff'), max_size=8),
)
def test_any_text_stays_in_its_value(place: str, text: str) -> None:
    test_text_stays_in_its_value(place, text)


@pytest.mark.parametrize("text", [text for text in HOSTILE if any(each in text for each in "\r\n\0\ud800")])
def test_what_is_no_line_is_refused_everywhere(text: str) -> None:
    builds: list[Callable[[], object]] = [
        lambda: Request.build("OPTIONS", URI, [("X", text + "x")]),
        lambda: Request.build("OPTIONS", URI, [(text, "x")]),
        lambda: Request.build(text, URI),
        lambda: Request.build("OPTIONS", f"sip:{text}"),
        lambda: Response.build(200, text),
        lambda: Response.build(200, None, [("X", "x" + text + "x")]),
        lambda: PLAIN.response(200, text),
        lambda: PLAIN.response(200, to_tag=text),
        lambda: PLAIN.response(200, headers=[("X", "x" + text + "x")]),
        lambda: PLAIN.response(200, content_type="x" + text + "x"),
        lambda: PLAIN.response(200).evolve(reason=text),
        lambda: PLAIN.evolve(method=text),
        lambda: PLAIN.evolve(uri=f"sip:{text}"),
        lambda: PLAIN.evolve(add=[("X", "x" + text + "x")]),
        lambda: PLAIN.evolve(prepend=[("X", "x" + text + "x")]),
        lambda: PLAIN.evolve(set={"X": ["x", "x" + text + "x"]}),
        lambda: PLAIN.evolve(set={text: "x"}),
        lambda: Headers([("X", "x" + text + "x")]),
        lambda: Part.of("text/plain", b"", content_id=text),
        lambda: Multipart((), text),
    ]
    for build in builds:
        with pytest.raises(LocalProtocolError):
            build()


def test_numbers_that_do_not_fit_are_refused() -> None:
    builds: list[Callable[[], object]] = [
        *(lambda: CSeq(-1, "A"), lambda: CSeq(2**31, "A"), lambda: RAck(-1, 1, "A"), lambda: RAck(2**32, 1, "A")),
        *(lambda: RAck(1, 2**31, "A"), lambda: SessionExpires(-1), lambda: MinSE(-1), lambda: RetryAfter(-1)),
        *(lambda: MsDiagnostics(-1), lambda: MsDiagnostics(1, sub_id=-1), lambda: Timestamp("1", -0.5)),
        *(lambda: Timestamp("1", float("nan")), lambda: Timestamp("1", float("inf")), lambda: Warning(99, "a")),
        *(lambda: Via("UDP", "a", -1), lambda: Via("UDP", "a", 65536), lambda: Uri("sip", "a", port=65536)),
        lambda: Date(datetime(2000, 1, 1)),
        *(lambda: Response.build(99), lambda: Uri("sip", "1::2::3"), lambda: Via("UDP", "[:]")),
    ]
    for build in builds:
        with pytest.raises(LocalProtocolError):
            build()
    assert str(Date(datetime(2000, 1, 1, tzinfo=UTC))) == "Sat, 01 Jan 2000 00:00:00 GMT"
    assert parse_q("-1") == 1.0


@pytest.mark.parametrize("raw", [b"a\0b", b'"a\0b"', b"\0"])
def test_a_nul_from_the_wire_is_refused_unless_it_is_escaped(raw: bytes) -> None:
    wire = bytes(PLAIN).replace(b"X-Last: 1", b"X-Last: " + raw)
    with pytest.raises(SipError):
        parse_message(wire)
    escaped = bytes(PLAIN).replace(b"X-Last: 1", b"X-Last: " + raw.replace(b"\0", b"\\\0"))
    assert bytes(parse_message(escaped)) == escaped


@pytest.mark.parametrize("key", ["from", "contact", "via", "reason", "warning", "www-authenticate", "ms-diagnostics"])
def test_a_line_break_is_not_read_as_part_of_a_value(key: str) -> None:
    texts = {"via": "SIP/2.0/UDP a;x=%s", "warning": "399 a %s", "www-authenticate": "Digest realm=%s"}
    text = texts.get(key, {"reason": "SIP;text=%s", "ms-diagnostics": "1;reason=%s"}.get(key, "%s <sip:a@b>;x=%s"))
    for quoted in ('"a\r\nb"', '"a\\\nb"', '"\\"\rb"'):
        with pytest.raises(RemoteProtocolError):
            PARSERS[key](text.replace("%s", quoted))
    PARSERS[key](text.replace("%s", '"a\\"b"'))
