"""What real peers send, and what arrives on a SIP port without being SIP."""

from __future__ import annotations

import pytest

from sip import STAR, NameAddr, RemoteProtocolError, Request, parse_message

LINES = {
    "Via": "SIP/2.0/TCP 192.0.2.1:49152;branch=z9hG4bK1",
    "From": "<sip:alice@example.com>;tag=1;epid=0101010101",
    "To": "<sip:bob@example.com>",
    "Call-ID": "a1b2",
    "CSeq": "1 INVITE",
    "Max-Forwards": "70",
}


def message(*extra: tuple[str, str], body: bytes = b"", method: str = "INVITE", **changed: str) -> Request:
    lines = {**LINES, **{name.replace("_", "-"): value for name, value in changed.items()}}
    fields = [*extra, *lines.items(), ("Content-Length", str(len(body)))]
    head = f"{method} sip:bob@example.com SIP/2.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
    found = parse_message(head.encode() + b"\r\n" + body)
    assert isinstance(found, Request)
    return found


def test_vias_between_other_headers_keep_their_order() -> None:
    request = message(("l", "0"), ("v", "SIP/2.0/UDP first.example"), ("Subject", "x"), Content_Length="0")
    assert [via.host for via in request.via] == ["first.example", "192.0.2.1"]


def test_names_in_any_case_and_compact() -> None:
    request = message(("SUBSCRIPTION-STATE", "active"), ("K", "timer"), ("m", "<sip:a@b.example>"), ("o", "presence"))
    assert request.subscription_state is not None
    assert (request.supported, str(request.contact[0])) == (("timer",), "<sip:a@b.example>")
    assert b"Supported: timer\r\n" in bytes(request)
    assert b"SUBSCRIPTION-STATE: active\r\n" in bytes(request)


def test_a_lower_case_transport_and_no_branch() -> None:
    request = message(Via="SIP/2.0/tcp 192.0.2.1:49152")
    request.check(all=True)
    assert (request.via[0].transport, request.via[0].branch) == ("tcp", None)
    assert b"Via: SIP/2.0/tcp 192.0.2.1:49152\r\n" in bytes(request.response(200, to_tag="x"))


def test_credentials_are_not_split_at_commas() -> None:
    value = 'Kerberos qop="auth", realm="SIP Communications Service", crand="1b2c", cnum="1", response="00"'
    request = message(("Proxy-Authorization", value), ("Proxy-Authorization", 'Digest username="a", realm="b"'))
    first, second = request.header("Proxy-Authorization")  # type: ignore[misc]
    assert (first.scheme, first.realm, first.params["cnum"]) == ("Kerberos", "SIP Communications Service", "1")
    assert second.params["username"] == "a"


def test_semicolons_in_quotes_and_uris() -> None:
    request = message(From='"A; B" <sip:a;b@example.com;x=";">;tag=9'.replace('";"', "1"))
    assert (request.from_.display_name, request.from_.uri.user, request.from_.tag) == ("A; B", "a;b", "9")


def test_an_empty_supported() -> None:
    assert message(("Supported", "")).supported == ()


def test_a_star() -> None:
    assert message(("Contact", "*")).contact == (STAR,)


def test_blanks_inside_angle_brackets() -> None:
    request = message(To="< sip:bob@example.com >")
    assert str(request.to.uri) == "sip:bob@example.com"
    assert request.defects


def test_quoted_parameters() -> None:
    request = message(("Contact", '<sip:bob@192.0.2.1;transport="tcp">;expires="60"'))
    contact = request.contact[0]
    assert isinstance(contact, NameAddr)
    assert (contact.uri.transport, contact.expires) == ("tcp", 60)


def test_headers_that_nobody_knows() -> None:
    request = message(("UserAgent", "x"), ("X-Odd", ";;,\"'<"))
    request.check(all=True)
    assert b"UserAgent: x\r\n" in bytes(request)


def test_a_body_with_a_byte_order_mark() -> None:
    assert message(body=b"\xef\xbb\xbf<request/>").body == b"\xef\xbb\xbf<request/>"


@pytest.mark.parametrize(
    "noise",
    [
        bytes(200),
        b"\0\1\0\0!\x12\xa4B" + bytes(12),
        b"\x80\0" + bytes(170),
        b"\xff" * 200,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0",
    ],
)
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_message(noise)


def test_isfocus_belongs_to_the_header() -> None:
    contact = message(("Contact", "<sip:conf@192.0.2.1;transport=tcp>;isFocus")).contact[0]
    assert isinstance(contact, NameAddr)
    assert "isfocus" in contact.params
    assert "isfocus" not in contact.uri.params


def test_a_record_route_spelled_with_a_small_r_and_lr_with_a_value() -> None:
    # linphone, Kamailio
    request = message(("Record-route", "<sip:127.0.0.1;lr=on>"), ("Record-Route", "<sip:192.0.2.1;r2=on;lr=on>"))
    assert [proxy.uri.lr for proxy in request.record_route] == [True, True]
    answer = bytes(request.response(200, to_tag="1"))
    assert answer.count(b"Record-Route: <sip:") == 2


def test_a_contact_without_user_and_with_a_transport_in_upper_case() -> None:
    # linphone, sipp
    first, second = message(
        ("Contact", "<sip:192.0.2.1:5061;transport=udp>,sip:sipp@127.0.0.1:5060;transport=UDP")
    ).contact
    assert isinstance(first, NameAddr)
    assert isinstance(second, NameAddr)
    assert (first.uri.user, first.uri.transport) == (None, "udp")
    assert (second.uri.transport, second.params["transport"]) == (None, "UDP")


def test_what_a_microsoft_client_registers() -> None:
    contact = (
        "<sip:192.0.2.1:1234;transport=tls;ms-opaque=d6b1f0a3ec>;"
        'methods="INVITE, MESSAGE, INFO, SUBSCRIBE, OPTIONS, BYE, CANCEL, NOTIFY, ACK, REFER, BENOTIFY";proxy=replace;'
        '+sip.instance="<urn:uuid:4b1682a8-f968-5701-83fc-7c6741dc6697>"'
    )
    request = message(
        ("Contact", contact),
        ("ms-keep-alive", "UAC;hop-hop=yes"),
        ("Event", "registration"),
        CSeq="1 REGISTER",
        method="REGISTER",
    )
    request.check(all=True)
    (found,) = request.contact
    assert isinstance(found, NameAddr)
    assert found.params["+sip.instance"] == "<urn:uuid:4b1682a8-f968-5701-83fc-7c6741dc6697>"
    assert found.params["proxy"] == "replace"
    assert found.uri.params["ms-opaque"] == "d6b1f0a3ec"
    assert str(found) == contact


def test_a_gruu_in_a_registration_answer() -> None:
    gruu = "sip:user@example.com;opaque=user:epid:qIIWS2j5AVeD_HxnQdxmlwAA;gruu"
    contact = message(("Contact", f'<sip:192.0.2.1:1234;transport=tls>;expires=7200;gruu="{gruu}"')).contact[0]
    assert isinstance(contact, NameAddr)
    assert contact.params["gruu"] == gruu


def test_the_answer_to_keep_alive() -> None:
    value = message(("Ms-Keep-Alive", "UAS; tcp=no; hop-hop=yes; end-end=no; timeout=300")).header("ms-keep-alive")
    assert (value.role, value.timeout, value.hop_hop) == ("UAS", 300, True)  # type: ignore[union-attr]


def test_diagnostics_of_a_microsoft_server() -> None:
    text = '15030.1;source="pool.example.com";reason="Failed to route to Exchange Server";dialplan="a b";appName="X"'
    (value,) = message(("ms-diagnostics", text)).header("ms-diagnostics")  # type: ignore[misc]
    assert (value.error_id, value.sub_id, value.source) == (15030, 1, "pool.example.com")
    assert value.reason == "Failed to route to Exchange Server"
    assert dict(value.params) == {"dialplan": "a b", "appname": "X"}


def test_a_conference_uri_as_request_uri() -> None:
    wire = b"INVITE sip:alice@example.com;gruu;opaque=app:conf:focus:id:0123456789ABCDEF SIP/2.0\r\n"
    wire += "".join(f"{name}: {value}\r\n" for name, value in LINES.items()).encode() + b"\r\n"
    request = parse_message(wire)
    assert isinstance(request, Request)
    assert request.uri.opaque == "app:conf:focus:id:0123456789ABCDEF"
    assert "gruu" in request.uri.params


def test_messages_that_refuse_without_max_forwards_do_not_exist() -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in LINES.items() if name != "Max-Forwards")
    request = parse_message(b"INVITE sip:bob@example.com SIP/2.0\r\n" + lines.encode() + b"\r\n")
    request.check()
    assert request.max_forwards is None
