"""Offers and answers in bodies of several parts, and bodies that are neither (RFC 3261 section 13.2.1, RFC 5621)."""

import pytest

from sip import (
    EndpointConfig,
    Headers,
    InviteReceived,
    Multipart,
    Part,
    ResponseReceived,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionProgressed,
    SessionState,
    UpdateReceived,
    body_of,
)
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"
SIGNAL = Part(
    b"\x01", Headers([("Content-Type", "application/isup"), ("Content-Disposition", "signal;handling=optional")])
)


@pytest.fixture
def alice(net: Network) -> Agent:
    return net.agent("alice", EndpointConfig(reliable_provisionals=True))


def wrapped(description: bytes) -> tuple[bytes, str]:
    whole = Multipart((SIGNAL, Part.of(SDP, description)), "b1")
    return bytes(whole), str(whole.content_type)


def called(net: Network, alice: Agent, bob: Agent, body: bytes, content_type: str | None) -> None:
    alice.invite(bob.uri(), body=body, content_type=content_type)
    net.run(0.1)


def test_a_wrapped_offer_in_a_200_waits_for_the_answer_in_the_ack(net: Network, alice: Agent, bob: Agent) -> None:
    called(net, alice, bob, b"", None)
    body, kind = wrapped(b"v=0 bob")
    bob.endpoint.accept(bob.one(InviteReceived).session, body=body, content_type=kind, now=net.now)
    net.run(0.1)
    assert net.requests("ACK") == []
    answered = alice.one(SessionAnswered)
    assert body_of(answered.response, SDP) == b"v=0 bob"
    alice.endpoint.ack(answered.session, body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(0.1)
    assert body_of(bob.one(SessionConfirmed).request, SDP) == b"v=0 alice"


@pytest.mark.parametrize("content_type", ["application/foo", "multipart/mixed;boundary=none", "multipart/mixed"])
def test_a_200_that_offers_nothing_is_acknowledged_at_once(
    net: Network, alice: Agent, bob: Agent, content_type: str
) -> None:
    called(net, alice, bob, b"", None)
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, body=b"x", content_type=content_type, now=net.now)
    net.run(0.1)
    assert alice.one(SessionAnswered)
    assert len(net.requests("ACK")) == 1


def test_an_invite_with_a_document_of_another_type_offers_nothing(net: Network, alice: Agent, bob: Agent) -> None:
    called(net, alice, bob, b"<x/>", "application/foo")
    bob.endpoint.accept(bob.one(InviteReceived).session, body=b"v=0 bob", content_type=SDP, now=net.now)
    net.run(0.1)
    assert net.requests("ACK") == []
    session = alice.one(SessionAnswered).session
    alice.endpoint.ack(session, body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(0.1)
    assert alice.endpoint.session(session).state is SessionState.CONFIRMED


def test_a_wrapped_offer_in_a_reliable_answer_waits_for_prack(net: Network, alice: Agent, bob: Agent) -> None:
    called(net, alice, bob, b"", None)
    session = bob.one(InviteReceived).session
    body, kind = wrapped(b"v=0 bob")
    bob.endpoint.progress(session, 183, body=body, content_type=kind, reliable=True, now=net.now)
    net.run(0.1)
    progressed = alice.one(SessionProgressed)
    assert progressed.awaits_prack
    assert net.requests("PRACK") == []
    bob.endpoint.accept(session, now=net.now)
    net.run(0.1)
    assert alice.of(SessionAnswered) == []
    alice.endpoint.prack(progressed.session, body=b"v=0 alice", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.one(SessionAnswered)


def test_a_reliable_answer_that_offers_nothing_is_acknowledged_at_once(net: Network, alice: Agent, bob: Agent) -> None:
    called(net, alice, bob, b"", None)
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 183, body=b"x", content_type="application/foo", reliable=True, now=net.now)
    net.run(0.1)
    assert not alice.one(SessionProgressed).awaits_prack
    assert len(net.requests("PRACK")) == 1


def test_an_update_is_an_offer_only_with_a_description(net: Network, alice: Agent, bob: Agent) -> None:
    called(net, alice, bob, b"v=0 alice", SDP)
    bob.endpoint.accept(bob.one(InviteReceived).session, body=b"v=0 bob", content_type=SDP, now=net.now)
    net.run(0.1)
    session = alice.one(SessionAnswered).session
    optional = ("Content-Disposition", "render;handling=optional")
    alice.endpoint.update(session, headers=[optional], body=b"x", content_type="application/foo", now=net.now)
    net.run(0.1)
    assert bob.of(UpdateReceived) == []
    assert alice.one(ResponseReceived).response.status == 200
    body, kind = wrapped(b"v=0 again")
    alice.endpoint.update(session, body=body, content_type=kind, now=net.now)
    net.run(0.1)
    assert body_of(bob.one(UpdateReceived).request, SDP) == b"v=0 again"


def test_a_refresh_repeats_the_description_alone(net: Network, alice: Agent, bob: Agent) -> None:
    body, kind = wrapped(b"v=0 alice")
    alice.invite(bob.uri(), body=body, content_type=kind, session_expires=90)
    net.run(0.1)
    # Without UPDATE, so that the refresh is a re-INVITE.
    allow = [("Allow", "INVITE, ACK, BYE, CANCEL")]
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, headers=allow, body=b"v=0 bob", content_type=SDP, now=net.now)
    net.run(60)
    assert net.requests("UPDATE") == []
    again = net.requests("INVITE")[1]
    assert (again.body, again.content_type) == (b"v=0 alice", SDP)


def test_a_core_that_says_what_it_takes_refuses_what_must_be_understood(net: Network, alice: Agent) -> None:
    carol = net.agent("carol", core=False)
    carol.add_core(accept=(SDP,))
    needed = Multipart((Part.of(SDP, b"v=0"), Part.of("application/isup", b"x")), "b1")
    body, kind = wrapped(b"v=0 alice")
    wanted: list[tuple[bytes, str, list[tuple[str, object]], int | None]] = [
        (bytes(needed), str(needed.content_type), [], 415),
        (b"v=0", SDP, [("Content-Disposition", "unheard-of")], 415),
        (b"x", "application/foo", [("Content-Disposition", "render;handling=required")], 415),
        (b"x", "multipart/mixed;boundary=b1", [], 400),
        (body, kind, [], None),
        (b"x", "application/foo", [("Content-Disposition", "render;handling=optional")], None),
        (b"v=0", SDP, [("Content-Disposition", "session")], None),
    ]
    for each, content_type, headers, status in wanted:
        alice.events.clear()
        carol.events.clear()
        alice.invite(carol.uri(), headers=headers, body=each, content_type=content_type)
        net.run(0.1)
        if status is None:
            assert carol.one(InviteReceived)
            continue
        failed = alice.one(SessionFailed)
        assert failed.status == status
        assert failed.response is not None
        assert failed.response.headers.get("Accept") == (SDP if status == 415 else None)


def test_a_bye_ends_the_session_whatever_is_in_it(net: Network) -> None:
    carol = net.agent("carol", core=False)
    carol.add_core(accept=(SDP,))
    net.inject(carol, raw_request("INVITE"))
    session = carol.one(InviteReceived).session
    carol.endpoint.accept(session, body=b"v=0 carol", content_type=SDP, now=net.now)
    net.flush()
    to = str(net.responses(200)[0].to)
    via = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK"
    net.inject(carol, raw_request("ACK", to=to, via=via + "ack", cseq="1 ACK"))
    release = ("Content-Type: application/isup", "Content-Disposition: signal;handling=required")
    net.inject(carol, raw_request("INFO", to=to, via=via + "a", cseq="2 INFO", extra=release, body=b"x"))
    net.inject(carol, raw_request("BYE", to=to, via=via + "b", cseq="3 BYE", extra=release, body=b"x"))
    assert len(net.responses(415)) == 1
    assert carol.one(SessionEnded)
