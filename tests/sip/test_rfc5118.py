"""The IPv6 messages of RFC 5118, each with the treatment that the RFC describes."""

from __future__ import annotations

import pytest

from sip import RemoteProtocolError, Request, parse_message

COMMON = (
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Max-Forwards: 70",
    'Contact: "Caller" <sip:caller@[2001:db8::1]>',
)


def request(start: str, *lines: str, body: str = "") -> bytes:
    names = {line.partition(":")[0] for line in lines}
    kept = [line for line in COMMON if line.partition(":")[0] not in names]
    method = start.partition(" ")[0]
    length = f"Content-Length: {len(body.encode())}"
    head = "\r\n".join([f"{start} SIP/2.0", *lines, *kept, f"CSeq: 98176 {method}", length])
    return f"{head}\r\n\r\n{body}".encode()


def accepted(wire: bytes, *, strict: bool = True) -> Request:
    message = parse_message(wire, strict=strict)
    message.check(all=True)
    assert isinstance(message, Request)
    assert bytes(message) == wire
    return message


def test_4_1_a_valid_reference() -> None:
    message = accepted(request("REGISTER sip:[2001:db8::10]"))
    assert (message.uri.host, message.uri.port) == ("2001:db8::10", None)
    assert message.via[0].host == "2001:db8::9:1"
    assert message.contact[0].uri.host == "2001:db8::1"  # type: ignore[union-attr]


def test_4_2_a_reference_without_brackets_is_400() -> None:
    for strict in (False, True):
        with pytest.raises(RemoteProtocolError) as caught:
            parse_message(request("REGISTER sip:2001:db8::10"), strict=strict).check()
        assert caught.value.status_hint == 400


def test_4_3_and_4_4_where_the_port_stands() -> None:
    within = accepted(request("REGISTER sip:[2001:db8::10:5070]"))
    assert (within.uri.host, within.uri.port) == ("2001:db8::10:5070", None)
    outside = accepted(request("REGISTER sip:[2001:db8::10]:5070"))
    assert (outside.uri.host, outside.uri.port) == ("2001:db8::10", 5070)


@pytest.mark.parametrize("received", ["[2001:db8::9:255]", "2001:db8::9:255"])
def test_4_5_received_with_and_without_brackets(received: str) -> None:
    via = f"Via: SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111"
    message = accepted(request("BYE sip:[2001:db8::10]", via))
    assert message.via[0].received == "2001:db8::9:255"


def test_4_6_addresses_in_sdp() -> None:
    body = "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\nc=IN IP6 2001:db8::20\r\n"
    sdp = "Content-Type: application/sdp"
    message = accepted(request("INVITE sip:user@[2001:db8::10]", "To: sip:user@[2001:db8::10]", sdp, body=body))
    assert message.to.uri.host == "2001:db8::10"
    assert message.body == body.encode()


def test_4_7_several_families_in_one_message() -> None:
    vias = (
        "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
        "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
    )
    message = accepted(request("BYE sip:user@host.example.net", *vias))
    assert [via.host for via in message.via] == ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]
    assert (message.via[0].port, message.via[2].received) == (6050, "192.0.2.200")


def test_4_9_mapped_addresses() -> None:
    vias = (
        "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
        "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111",
    )
    contact = 'Contact: "T. desk phone" <sip:ted@[::ffff:192.0.2.2]>'
    message = accepted(request("INVITE sip:user@example.com", *vias, contact))
    assert (message.via[0].host, message.via[0].port) == ("::ffff:192.0.2.10", 19823)
    assert message.contact[0].uri.host == "::ffff:192.0.2.2"  # type: ignore[union-attr]


def test_4_10_three_colons_are_tolerated() -> None:
    wire = request("OPTIONS sip:user@[2001:db8:::192.0.2.1]", "To: sip:user@[2001:db8:::192.0.2.1]")
    message = accepted(wire, strict=False)
    assert message.uri.host == message.to.uri.host == "2001:db8::c000:201"
    assert {defect.where for defect in message.defects} == {"Request-URI", "To"}
    with pytest.raises(RemoteProtocolError):
        parse_message(wire, strict=True).check()
    accepted(request("OPTIONS sip:user@[2001:db8::192.0.2.1]", "To: sip:user@[2001:db8::192.0.2.1]"))
