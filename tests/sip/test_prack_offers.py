"""Session descriptions in reliable provisional answers and PRACK (RFC 3262 section 5), on both sides."""

import pytest

from sip import (
    EndpointConfig,
    InviteReceived,
    LocalProtocolError,
    PrackReceived,
    RequestFailed,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionId,
    SessionProgressed,
    SessionState,
    UpdateReceived,
)
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"


@pytest.fixture
def alice(net: Network) -> Agent:
    return net.agent("alice", EndpointConfig(reliable_provisionals=True))


def call(alice: Agent, bob: Agent, body: bytes, *, prack_by_core: bool = False) -> SessionId:
    return alice.endpoint.invite(
        "ua",
        bob.uri(),
        from_="<sip:alice@example.com>",
        to="<sip:bob@example.com>",
        body=body,
        content_type=SDP if body else None,
        prack_by_core=prack_by_core,
        now=alice.net.now,
    )


def ringing(net: Network, alice: Agent, bob: Agent, body: bytes, *, prack_by_core: bool = False) -> SessionId:
    call(alice, bob, body, prack_by_core=prack_by_core)
    net.run(0.05)
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 183, body=b"v=0 bob", content_type=SDP, reliable=True, now=net.now)
    net.run(0.05)
    return session


def ours(alice: Agent) -> SessionId:
    return alice.of(SessionProgressed)[0].session


# The offer in the provisional answer


def test_an_offer_in_a_183_is_answered_in_prack(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"")
    assert alice.one(SessionProgressed).awaits_prack
    assert net.requests("PRACK") == []
    request = alice.endpoint.prack(ours(alice), body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(0.1)
    prack = net.requests("PRACK")[0]
    assert (prack.body, prack.content_type) == (b"v=0 alice", SDP)
    received = bob.one(PrackReceived)
    assert (received.session, received.transaction, received.request.body) == (session, None, b"v=0 alice")
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.status) == (request, 200)
    bob.endpoint.accept(session, now=net.now)
    net.run(1)
    assert alice.one(SessionAnswered)
    assert bob.one(SessionConfirmed)
    assert alice.endpoint.session(ours(alice)).state is SessionState.CONFIRMED


def test_a_200_that_repeats_the_offer_is_acknowledged_at_once(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"")
    alice.endpoint.prack(ours(alice), body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(0.1)
    bob.endpoint.accept(session, body=b"v=0 bob", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.endpoint.session(ours(alice)).state is SessionState.CONFIRMED
    assert net.requests("ACK")[0].body == b""


def test_the_183_is_repeated_until_the_core_has_an_answer(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"")
    bob.endpoint.accept(session, now=net.now)
    net.run(2)
    assert len(net.sent("183")) == 3
    assert alice.of(SessionAnswered) == []
    assert len(alice.of(SessionProgressed)) == 1
    alice.endpoint.prack(ours(alice), body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.one(SessionAnswered)
    assert bob.one(SessionConfirmed)


def test_a_core_that_never_answers_lets_the_call_fail(net: Network, alice: Agent, bob: Agent) -> None:
    ringing(net, alice, bob, b"")
    net.run(80)
    assert alice.one(SessionFailed).status == 504
    assert bob.one(SessionCancelled)
    assert alice.idle
    assert bob.idle


def test_the_answer_must_not_be_empty_and_only_what_waits_is_acknowledged(
    net: Network, alice: Agent, bob: Agent
) -> None:
    session = ringing(net, alice, bob, b"")
    with pytest.raises(LocalProtocolError):
        alice.endpoint.prack(ours(alice), now=net.now)
    with pytest.raises(LocalProtocolError):
        bob.endpoint.prack(session, body=b"v=0", content_type=SDP, now=net.now)
    alice.endpoint.prack(
        ours(alice), response=alice.one(SessionProgressed).response, body=b"v=0", content_type=SDP, now=net.now
    )
    with pytest.raises(LocalProtocolError):
        alice.endpoint.prack(ours(alice), body=b"v=0", content_type=SDP, now=net.now)


def test_offers_wait_while_the_one_in_the_183_is_open(net: Network, alice: Agent, bob: Agent) -> None:
    ringing(net, alice, bob, b"")
    lost = alice.endpoint.update(ours(alice), body=b"v=0 early", content_type=SDP, now=net.now)
    assert [(event.request_id, event.reason) for event in alice.endpoint.take_events()] == [(lost, "glare")]  # type: ignore[attr-defined]
    bob.endpoint.update(bob.one(InviteReceived).session, body=b"v=0", content_type=SDP, now=net.now)
    net.run(0.1)
    assert bob.one(ResponseReceived).response.status == 500


def test_a_prack_that_the_end_of_the_call_overtakes(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"")
    waiting = alice.one(SessionProgressed)
    bob.endpoint.reject(session, 486, now=net.now)
    net.run(1)
    assert alice.one(SessionFailed).status == 486
    lost = alice.endpoint.prack(waiting.session, body=b"v=0", content_type=SDP, now=net.now)
    assert alice.one_after_settling(RequestFailed).request_id == lost
    assert alice.one(RequestFailed).reason == "ended"


def test_offers_of_two_forks_are_answered_each(net: Network, alice: Agent, bob: Agent) -> None:
    call(alice, bob, b"")
    net.run(0.05)
    invite = net.requests("INVITE")[0]
    for tag in ("one", "two"):
        headers = [("Contact", "<sip:x@192.0.2.99>"), ("Require", "100rel"), ("RSeq", "1")]
        answer = invite.response(183, to_tag=tag, headers=headers, body=b"v=0", content_type=SDP)
        net.inject(alice, bytes(answer))
    second = alice.of(SessionProgressed)[1]
    alice.endpoint.prack(second.session, response=second.response, body=b"v=0 2", content_type=SDP, now=net.now)
    alice.endpoint.prack(second.session, body=b"v=0 1", content_type=SDP, now=net.now)
    net.flush()
    assert [(prack.to.tag, prack.body) for prack in net.requests("PRACK")] == [("two", b"v=0 2"), ("one", b"v=0 1")]


def test_provisionals_that_nobody_acknowledges_are_bounded(net: Network, bob: Agent) -> None:
    carol = net.agent("carol", EndpointConfig(reliable_provisionals=True, max_forks=2))
    call(carol, bob, b"v=0 carol", prack_by_core=True)
    net.run(0.05)
    invite = net.requests("INVITE")[0]
    for number in range(1, 6):
        headers = [("Contact", "<sip:x@192.0.2.99>"), ("Require", "100rel"), ("RSeq", str(number))]
        net.inject(carol, bytes(invite.response(180, to_tag="one", headers=headers)))
    assert len(carol.of(SessionProgressed)) == 2
    assert carol.endpoint.counters["ignored: too many reliable provisionals that the core has not acknowledged"] == 1


# The offer in PRACK


def test_an_offer_in_prack_is_answered_in_its_200(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"v=0 alice", prack_by_core=True)
    assert alice.one(SessionProgressed).awaits_prack
    request = alice.endpoint.prack(ours(alice), body=b"v=0 more", content_type=SDP, now=net.now)
    with pytest.raises(LocalProtocolError):
        alice.endpoint.update(ours(alice), body=b"v=0 too much", content_type=SDP, now=net.now)
    net.run(0.05)
    received = bob.one(PrackReceived)
    assert received.request.body == b"v=0 more"
    bob.endpoint.accept(session, now=net.now)  # waits for the answer to the PRACK
    net.run(1)
    assert len(net.sent("183")) == 1
    assert net.responses(200) == []
    assert received.transaction is not None
    bob.endpoint.respond(received.transaction, 200, body=b"v=0 agreed", content_type=SDP, now=net.now)
    net.run(1)
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.body) == (request, b"v=0 agreed")
    assert [each.cseq.method for each in net.responses(200)] == ["PRACK", "INVITE"]
    assert bob.one(SessionConfirmed)
    alice.endpoint.update(ours(alice), body=b"v=0 now", content_type=SDP, now=net.now)
    net.run(0.1)
    assert bob.one(UpdateReceived)


def test_the_core_may_acknowledge_without_a_description(net: Network, alice: Agent, bob: Agent) -> None:
    session = ringing(net, alice, bob, b"v=0 alice", prack_by_core=True)
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    net.run(0.1)
    assert net.sent("180") == []
    alice.endpoint.prack(ours(alice), headers=[("Subject", "yes")], now=net.now)
    net.run(0.1)
    assert net.requests("PRACK")[0].headers.get("Subject") == "yes"
    assert bob.of(PrackReceived) == []
    assert [event.response.status for event in alice.of(SessionProgressed)] == [183, 180]


def test_a_prack_with_an_offer_that_comes_after_our_200(net: Network, alice: Agent, bob: Agent) -> None:
    call(alice, bob, b"v=0 alice", prack_by_core=True)
    net.run(0.05)
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    bob.endpoint.accept(session, body=b"v=0 bob", content_type=SDP, now=net.now)
    net.run(0.1)
    assert alice.one(SessionAnswered)
    alice.endpoint.prack(ours(alice), body=b"v=0 more", content_type=SDP, now=net.now)
    net.run(0.1)
    received = bob.one(PrackReceived)
    assert received.transaction is not None
    bob.endpoint.respond(received.transaction, 200, body=b"v=0 fine", content_type=SDP, now=net.now)
    net.run(0.1)
    assert alice.one(ResponseReceived).response.body == b"v=0 fine"


def test_an_offer_in_prack_while_ours_is_open_or_its_own_has_no_answer(net: Network, alice: Agent, bob: Agent) -> None:
    call(alice, bob, b"v=0 alice", prack_by_core=True)
    net.run(0.05)
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    net.run(0.05)
    alice.endpoint.prack(ours(alice), body=b"v=0 more", content_type=SDP, now=net.now)
    net.run(0.1)
    # Her first offer was not answered yet.
    assert alice.one(ResponseReceived).response.status == 500
    assert bob.of(PrackReceived) == []


def test_a_call_that_is_given_up_refuses_the_prack_that_waits(net: Network, alice: Agent, bob: Agent) -> None:
    ringing(net, alice, bob, b"v=0 alice", prack_by_core=True)
    alice.endpoint.prack(ours(alice), body=b"v=0 more", content_type=SDP, now=net.now)
    net.run(0.05)
    alice.endpoint.cancel(ours(alice), now=net.now)
    net.run(60)
    assert alice.one(ResponseReceived).response.status == 487
    received = bob.one(PrackReceived)
    assert received.transaction is not None
    bob.endpoint.respond(received.transaction, 200, now=net.now)
    assert bob.one(SessionCancelled)
    assert alice.idle
    assert bob.idle


def test_a_prack_that_is_lost_for_ever_fails_but_not_the_session(net: Network, alice: Agent, bob: Agent) -> None:
    call(alice, bob, b"v=0 alice", prack_by_core=True)
    net.run(0.05)
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 180, reliable=True, now=net.now)
    bob.endpoint.accept(session, body=b"v=0", content_type=SDP, now=net.now)
    net.run(0.1)
    net.drop = lambda data: data.startswith(b"PRACK")
    alice.endpoint.prack(ours(alice), now=net.now)
    net.run(40)
    assert alice.one(RequestFailed).reason == "timeout"
    assert alice.of(SessionEnded) == []


def test_a_prack_without_the_answer_that_it_owes_is_taken_as_it_is(net: Network) -> None:
    bob = net.agent("bob")
    extra = ("Contact: <sip:carol@192.0.2.99>", "Require: 100rel")
    net.inject(bob, raw_request("INVITE", extra=extra))
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 183, body=b"v=0", content_type=SDP, now=net.now)
    net.flush()
    answer = net.responses(183)[0]
    to, via = answer.headers.get("To"), "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    update = (b"v=0 crossing", ("Contact: <sip:carol@192.0.2.99>", "Content-Type: application/sdp"))
    net.inject(bob, raw_request("UPDATE", to=to, via=via, cseq="2 UPDATE", body=update[0], extra=update[1]))
    assert net.heads()[-1] == "491"
    rack = (f"RAck: {answer.headers.get('RSeq')} 1 INVITE",)
    net.inject(bob, raw_request("PRACK", to=to, via=via.replace("two", "three"), cseq="3 PRACK", extra=rack))
    assert net.heads()[-1] == "200"
    assert bob.of(PrackReceived) == []
