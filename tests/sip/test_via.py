from __future__ import annotations

import pytest

from sip import Address, Flow, LocalProtocolError, MalformedHeader, Request, SipError, Via, parse_message, refuse
from sip.transport.received import stamped


def test_the_parts_of_a_hop() -> None:
    via = Via.parse("SIP/2.0/UDP Host.Example:5062;branch=z9hG4bK1;received=192.0.2.9;rport=4444;ttl=1")
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "host.example", 5062, "z9hG4bK1")
    assert (via.received, via.rport, via.wants_rport, via.sent_by) == ("192.0.2.9", 4444, True, "host.example:5062")


def test_a_hop_without_branch_as_microsoft_clients_send_it() -> None:
    via = Via.parse("SIP/2.0/tcp 192.0.2.1:49152")
    assert (via.transport, via.branch, via.received, via.rport, via.wants_rport) == ("tcp", None, None, None, False)


def test_rport_may_be_asked_for_and_answered() -> None:
    asked = Via.parse("SIP/2.0/UDP h.example;rport;branch=z9hG4bK1")
    assert asked.wants_rport
    assert asked.rport is None
    answered = asked.with_params(rport="5060", received="192.0.2.1")
    assert str(answered) == "SIP/2.0/UDP h.example;rport=5060;branch=z9hG4bK1;received=192.0.2.1"


@pytest.mark.parametrize("value", ["2001:db8::9:255", "[2001:db8::9:255]"])
def test_received_may_have_brackets_or_not(value: str) -> None:
    # RFC 5118 section 4.5
    via = Via.parse(f"SIP/2.0/UDP [2001:db8::9:1]:6050;received={value};branch=z9hG4bKas3")
    assert (via.host, via.port, via.received) == ("2001:db8::9:1", 6050, "2001:db8::9:255")
    assert via.sent_by == "[2001:db8::9:1]:6050"


def test_blanks_wherever_the_grammar_allows_them() -> None:
    via = Via.parse("SIP  /    2.0   / UDP  192.168.255.111 : 5060 ; branch= z9hG4bK30239", refuse)
    assert (via.transport, via.host, via.port, via.branch) == ("UDP", "192.168.255.111", 5060, "z9hG4bK30239")


@pytest.mark.parametrize(
    "text",
    [
        "SIP/7.0/UDP c.example.com;branch=1",
        "SIP/2.0/UDP my_host",
        "SIP/2.0/UDP a.b;;x",
        "SIP/2.0/UDP [fe80::1%eth0]:5060;branch=1",
        "SIP/2.0/UDP [fe80::1%25eth0];branch=1",
        "SIP/2.0/UDP a.b;received=fe80::1%eth0",
        "SIP/2.0/UDP a.b;received=[fe80::1%25eth0];branch=1",
    ],
)
def test_what_peers_get_wrong_is_tolerated_and_reported(text: str) -> None:
    said: list[str] = []
    assert str(Via.parse(text, said.append)) == text
    assert said
    with pytest.raises(SipError):
        Via.parse(text, refuse)


@pytest.mark.parametrize(
    "text", ["", "SIP/2.0/UDP", "SIP/2.0/UDP h:99999", "UDP h", "SIP/2.0/UDP h h", "SIP/2.0/UDP h;a b"]
)
def test_what_is_no_hop_is_refused(text: str) -> None:
    with pytest.raises(MalformedHeader):
        Via.parse(text)


def test_a_hop_on_a_link_is_found_by_its_address_and_goes_back_as_it_came() -> None:
    via = Via.parse("SIP/2.0/UDP [FE80::0:1%25eth0]:5060;branch=1;rport")
    assert (via.host, via.port) == ("fe80::1%eth0", 5060)
    assert via == Via.parse("SIP/2.0/UDP [fe80::1%eth0]:5060;branch=1;rport")
    assert str(via.with_params(rport="7")) == "SIP/2.0/UDP [FE80::0:1%25eth0]:5060;branch=1;rport=7"


@pytest.mark.parametrize(("rport", "noted"), [("", ""), (";rport", ";rport=5060;received=[fe80::1]")])
def test_what_is_noted_in_a_hop_names_no_interface_of_ours(rport: str, noted: str) -> None:
    head = f"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP [FE80::0:1]:5060;branch=1{rport}\r\n"
    rest = "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
    request = parse_message((head + rest).encode())
    assert isinstance(request, Request)
    flow = Flow(1, "UDP", Address("fe80::2%eth1", 5060), Address("fe80::1%eth1", 5060))
    assert (
        str(stamped(request, request.via[0], flow).via[0]) == f"SIP/2.0/UDP [FE80::0:1]:5060;branch=1{noted or rport}"
    )


def test_what_cannot_be_written_is_refused() -> None:
    for transport, host, port in (("U DP", "h", None), ("UDP", "h\r\n", None), ("UDP", "h", 65536), ("UDP", "", 1)):
        with pytest.raises(LocalProtocolError):
            Via(transport, host, port)


def test_hops_compare_by_meaning() -> None:
    assert Via.parse("SIP/2.0/tcp H.example;branch=1") == Via("TCP", "h.example", None, {"branch": "1"})
    assert len({Via("TCP", "h.example"), Via.parse("SIP/2.0/TCP h.example")}) == 1
    assert Via("TCP", "h.example") != "x"
    assert "h.example" in repr(Via("TCP", "h.example"))


@pytest.mark.parametrize(
    "written",
    [
        "SIP/2.0/UDP Host.Example.;branch=z9hG4bK1",
        "SIP/2.0/UDP Host_1.Example.:5060;branch=z9hG4bK1;rport=",
        "SIP/2.0/UDP Host.Example:5060;branch=z9hG4bK1;rport=",
    ],
)
def test_a_sent_by_is_compared_by_value_and_goes_back_as_it_came(written: str) -> None:
    via = Via.parse(written)
    assert via.host.endswith(".example")
    assert via.sent_by == written.split(" ")[1].split(";")[0].lower()
    assert str(via.with_params(received="192.0.2.1")) == f"{written};received=192.0.2.1"
