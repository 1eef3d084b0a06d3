"""Reliable provisional answers (RFC 3262) on both sides."""

import pytest

from sip import (
    EndpointConfig,
    InviteReceived,
    Response,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionFailed,
    SessionProgressed,
    parse_message,
)
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"


@pytest.fixture
def alice(net: Network) -> Agent:
    return net.agent("alice", EndpointConfig(reliable_provisionals=True))


def ringing(net: Network, alice: Agent, bob: Agent) -> int:
    alice.invite(bob.uri())
    net.run(0.05)
    return bob.one(InviteReceived).session


def test_a_reliable_183_is_acknowledged_with_prack(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    bob.endpoint.progress(session, 183, body=b"v=0", content_type=SDP, reliable=True, now=net.now)
    net.run(5)
    assert net.heads() == ["INVITE", "183", "PRACK", "200"]
    provisional, prack = net.responses(183)[0], net.requests("PRACK")[0]
    assert "100rel" in provisional.require
    assert prack.headers.get("RAck") == f"{provisional.headers.get('RSeq')} 1 INVITE"
    assert alice.one(SessionProgressed).response.body == b"v=0"
    bob.endpoint.accept(session, body=b"v=0", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.one(SessionAnswered)
    assert bob.one(SessionConfirmed)


def test_a_lost_183_is_sent_again_with_the_same_number_and_reported_once(
    net: Network, alice: Agent, bob: Agent
) -> None:
    session = ringing(net, alice, bob)
    lost = iter([True, True])
    net.drop = lambda data: data.startswith(b"PRACK") and next(lost, False)
    bob.endpoint.progress(session, 183, reliable=True, now=net.now)
    start = net.now
    net.run(6)
    assert [round(at - start, 3) for at in net.sent("183")] == [0, 0.5, 1.5]
    assert len({response.headers.get("RSeq") for response in net.responses(183)}) == 1
    assert len(alice.of(SessionProgressed)) == 1
    assert "200" in net.heads()


def test_provisionals_wait_for_each_other(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    for status in (180, 181, 183):
        bob.endpoint.progress(session, status, reliable=True, now=net.now)
    net.flush()
    assert net.heads() == ["INVITE", "180"]
    net.run(1)
    assert [event.response.status for event in alice.of(SessionProgressed)] == [180, 181, 183]
    numbers = [int(net.responses(status)[0].headers.get("RSeq", "0")) for status in (180, 181, 183)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def test_a_prack_is_answered_before_what_it_releases(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    bob.endpoint.progress(session, 183, body=b"v=0", content_type=SDP, reliable=True, now=net.now)
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    net.run(0.04)
    answers = [message for each in net.log if isinstance(message := parse_message(each.data), Response)]
    order = [(each.status, each.cseq.method) for each in answers]
    assert order[:3] == [(183, "INVITE"), (200, "PRACK"), (180, "INVITE")]


def test_a_prack_that_our_200_overtook_is_answered(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    bob.endpoint.accept(session, now=net.now)
    net.run(40)
    assert [(each.status, each.cseq.method) for each in net.responses(200)] == [(200, "INVITE"), (200, "PRACK")]
    assert net.responses(481) == []
    assert len(net.requests("PRACK")) == 1


def test_a_prack_for_nothing_is_refused_before_and_after_the_200(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    net.run(1)
    prack = net.requests("PRACK")[0]
    again = prack.evolve(set={"CSeq": "7 PRACK", "Via": "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKagain"})
    net.inject(bob, bytes(again))
    bob.endpoint.accept(session, now=net.now)
    net.run(1)
    late = prack.evolve(set={"CSeq": "8 PRACK", "Via": "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKlate"})
    net.inject(bob, bytes(late))
    assert [each.cseq.number for each in net.responses(481)] == [7, 8]


def test_the_200_waits_for_a_description_to_be_acknowledged(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    net.drop = lambda data: data.startswith(b"PRACK") and net.now < 1
    bob.endpoint.progress(session, 183, body=b"v=0", content_type=SDP, reliable=True, now=net.now)
    bob.endpoint.accept(session, now=net.now)
    net.run(0.5)
    assert "200" not in net.heads()
    net.run(3)
    assert alice.one(SessionAnswered)


def test_without_prack_the_invite_is_refused(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob)
    net.drop = lambda data: data.startswith(b"PRACK")
    bob.endpoint.progress(session, 183, reliable=True, now=net.now)
    net.run(80)
    assert alice.one(SessionFailed).status == 504
    assert bob.one(SessionCancelled).request is None
    assert bob.idle


def test_a_caller_that_requires_it_gets_it(net: Network) -> None:
    bob = net.agent("bob")
    extra = ("Contact: <sip:carol@192.0.2.99>", "Require: 100rel")
    net.inject(bob, raw_request("INVITE", extra=extra))
    bob.endpoint.progress(bob.one(InviteReceived).session, 180, now=net.now)
    net.flush()
    answer = net.responses(180)[0]
    assert "100rel" in answer.require
    to, via = answer.headers.get("To"), "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    wrong = ("RAck: 1 1 INVITE",)
    net.inject(bob, raw_request("PRACK", to=to, via=via, cseq="2 PRACK", extra=wrong))
    assert net.heads()[-1] == "481"
    right = (f"RAck: {answer.headers.get('RSeq')} 1 INVITE",)
    net.inject(bob, raw_request("PRACK", to=to, via=via.replace("two", "three"), cseq="3 PRACK", extra=right))
    assert net.heads()[-1] == "200"


def test_a_caller_that_does_not_know_it_does_not_get_it(net: Network) -> None:
    bob = net.agent("bob")
    net.inject(bob, raw_request("INVITE"))
    bob.endpoint.progress(bob.one(InviteReceived).session, 180, reliable=True, now=net.now)
    net.flush()
    assert "RSeq" not in net.responses(180)[0].headers


def test_100rel_is_listed_only_when_enabled(net: Network, alice: Agent, bob: Agent) -> None:
    alice.invite(bob.uri())
    bob.invite(alice.uri())
    net.run(0.1)
    listed = {request.from_.uri.user: "100rel" in request.supported for request in net.requests("INVITE")}
    assert listed == {"alice": True, "bob": False}
