"""Server transactions: matching, answers sent again, CANCEL, merged requests, and what is never answered."""

import pytest

from sip import (
    EndpointConfig,
    InviteReceived,
    LocalProtocolError,
    RequestReceived,
    SessionCancelled,
    SessionConfirmed,
)
from sip.testing.network import Agent, Network, raw_request


@pytest.fixture
def bob(net: Network) -> Agent:
    return net.agent("bob")


def test_a_request_is_reported_once_and_its_answer_sent_again(net: Network, bob: Agent) -> None:
    flow = net.outside(bob)
    net.inject(bob, raw_request("MESSAGE"), flow)
    net.inject(bob, raw_request("MESSAGE"), flow)
    assert net.heads() == []
    bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now)
    net.flush()
    net.inject(bob, raw_request("MESSAGE"), flow)
    assert net.heads() == ["200"] * 2
    net.run(33)
    assert bob.idle


def test_the_answer_goes_back_to_the_source_with_received_and_rport(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("MESSAGE", via="SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;rport"))
    bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now)
    net.flush()
    assert net.log[-1].to == "192.0.2.99:5060"
    via = net.responses(200)[0].via[0]
    assert (via.received, via.rport) == ("192.0.2.99", 5060)


def test_without_rport_the_answer_goes_to_the_port_of_the_via(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("MESSAGE", via="SIP/2.0/UDP 10.0.0.1:7070;branch=z9hG4bKx"))
    bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now)
    net.flush()
    assert net.log[-1].to == "192.0.2.99:7070"
    assert net.responses(200)[0].via[0].received == "192.0.2.99"


def test_maddr_wins_over_received(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("MESSAGE", via="SIP/2.0/UDP 10.0.0.1:7070;branch=z9hG4bKx;maddr=192.0.2.40"))
    bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now)
    net.flush()
    assert net.log[-1].to == "192.0.2.40:7070"


def test_an_answer_finds_a_new_connection_when_the_old_one_closed(net: Network, bob: Agent) -> None:
    alice = net.agent("alice")
    alice.endpoint.request(
        "ua", "MESSAGE", bob.uri("tcp"), from_="<sip:a@example.com>", to="<sip:b@example.com>", now=0
    )
    net.run(0.1)
    received = bob.one(RequestReceived)
    net.close(bob, received.flow)
    bob.endpoint.respond(received.transaction, 200, now=net.now)
    net.run(0.1)
    assert net.log[-1].to == f"{alice.host}:5060"


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_rfc_2543_requests_without_branch_are_told_apart(net: Network, bob: Agent, transport: str) -> None:
    flow = net.outside(bob, transport)
    via = f"SIP/2.0/{transport.lower()} 192.0.2.99:5060"
    net.inject(bob, raw_request("MESSAGE", via=via), flow)
    net.inject(bob, raw_request("MESSAGE", via=via), flow)
    net.inject(bob, raw_request("MESSAGE", via=via, cseq="2 MESSAGE"), flow)
    net.inject(bob, raw_request("MESSAGE", via=via, call_id="call-2"), flow)
    assert len(bob.of(RequestReceived)) == 3


def test_rfc_2543_invite_its_ack_and_its_bye_over_tcp(net: Network, bob: Agent) -> None:
    flow = net.outside(bob, "TCP")
    via = "SIP/2.0/tcp 192.0.2.99:5060"
    net.inject(bob, raw_request("INVITE", via=via), flow)
    bob.endpoint.accept(bob.one(InviteReceived).session, now=net.now)
    net.flush()
    answer = net.responses(200)[0]
    assert str(answer.via[0]) == "SIP/2.0/tcp 192.0.2.99:5060"
    to = answer.headers.get("To")
    net.inject(bob, raw_request("ACK", via=via, to=to, cseq="1 ACK"), flow)
    assert bob.one(SessionConfirmed)
    net.inject(bob, raw_request("BYE", via=via, to=to, cseq="2 BYE"), flow)
    assert net.heads()[-1] == "200"
    net.run(40)
    assert bob.idle


def test_rfc_2543_ack_for_a_refusal(net: Network, bob: Agent) -> None:
    flow = net.outside(bob)
    via = "SIP/2.0/UDP 192.0.2.99:5060"
    net.inject(bob, raw_request("INVITE", via=via), flow)
    bob.endpoint.reject(bob.one(InviteReceived).session, 486, now=net.now)
    net.flush()
    to = net.responses(486)[0].headers.get("To")
    net.inject(bob, raw_request("ACK", via=via, to=to, cseq="1 ACK"), flow)
    net.run(31)
    assert net.heads() == ["486"]
    assert bob.idle


def test_the_same_request_by_another_way_is_merged(net: Network, bob: Agent) -> None:
    flow = net.outside(bob)
    net.inject(bob, raw_request("MESSAGE"), flow)
    net.inject(bob, raw_request("MESSAGE", via="SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"), flow)
    assert net.heads() == ["482"]
    assert len(bob.of(RequestReceived)) == 1


def test_a_refusal_of_an_invite_is_sent_again_until_the_ack_or_timer_h(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE"))
    bob.endpoint.reject(bob.one(InviteReceived).session, 603, now=net.now)
    net.run(40)
    assert net.sent("603") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bob.idle


def test_a_refusal_of_an_invite_over_tcp_is_sent_once(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE", via="SIP/2.0/TCP 192.0.2.99;branch=z9hG4bKx"), net.outside(bob, "TCP"))
    bob.endpoint.reject(bob.one(InviteReceived).session, 603, now=net.now)
    net.run(40)
    assert net.sent("603") == [0]
    assert bob.idle


def test_cancel_is_answered_with_the_to_tag_of_the_invite(net: Network, bob: Agent) -> None:
    flow = net.outside(bob)
    net.inject(bob, raw_request("INVITE"), flow)
    bob.endpoint.progress(bob.one(InviteReceived).session, 180, now=net.now)
    net.inject(bob, raw_request("CANCEL"), flow)
    assert net.heads() == ["180", "200", "487"]
    tags = {message.to.tag for message in [m for status in (180, 200, 487) for m in net.responses(status)]}
    assert len(tags) == 1
    assert bob.one(SessionCancelled).request.method == "CANCEL"
    net.inject(bob, raw_request("CANCEL"), flow)
    assert net.heads().count("200") == 2
    net.inject(bob, raw_request("ACK", to=net.responses(487)[0].headers.get("To")), flow)
    net.run(40)
    assert bob.idle


def test_cancel_for_nothing_is_answered_481(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("CANCEL"))
    assert net.heads() == ["481"]


def test_cancel_after_the_answer_changes_nothing(net: Network, bob: Agent) -> None:
    flow = net.outside(bob)
    net.inject(bob, raw_request("INVITE"), flow)
    bob.endpoint.accept(bob.one(InviteReceived).session, now=net.now)
    net.inject(bob, raw_request("CANCEL"), flow)
    assert net.heads() == ["200", "200"]
    assert bob.of(SessionCancelled) == []


def test_a_request_that_no_core_answers_is_forgotten_and_never_answered_408(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("MESSAGE"))
    net.run(40)
    assert net.heads() == ["100"]
    assert net.sent("100") == [3.5]
    assert bob.idle
    bob.endpoint.respond(bob.one(RequestReceived).transaction, 200, now=net.now)
    assert bob.endpoint.counters["dropped: answer after the transaction ended"] == 1


def test_answering_twice_or_for_nothing_is_refused(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("MESSAGE"))
    transaction = bob.one(RequestReceived).transaction
    with pytest.raises(LocalProtocolError):
        bob.endpoint.respond(transaction, 183, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.respond(transaction, 200, headers=[("X", "a\r\nb")], now=net.now)
    bob.endpoint.respond(transaction, 200, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.respond(transaction, 200, now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.respond(99999, 200, now=net.now)


def test_100_carries_no_to_tag_and_the_timestamp(net: Network, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE", extra=("Contact: <sip:c@192.0.2.99>", "Timestamp: 54.2")))
    net.run(0.3)
    trying = net.responses(100)[0]
    assert trying.to.tag is None
    assert trying.headers.get("Timestamp") == "54.2"


def test_too_many_transactions_are_refused_without_state(net: Network) -> None:
    bob = net.agent("bob", EndpointConfig(max_transactions=3))
    flow = net.outside(bob)
    for number in range(5):
        via = f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{number};rport"
        net.inject(bob, raw_request("MESSAGE", "sip:bob@192.0.2.2", via=via, call_id=f"c{number}"), flow)
    assert net.heads() == ["503"] * 2
    assert bob.endpoint.sizes["transactions"] == 3
    assert bob.endpoint.counters == {"refused: too many transactions": 2}
