"""INVITE sessions from both ends: answering, cancelling, forking, redirecting, re-INVITE, ending."""

import pytest

from sip import (
    EndCause,
    EndpointConfig,
    FailureCause,
    InviteReceived,
    LocalProtocolError,
    ReinviteReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionCancelled,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    SessionFlowLost,
    SessionId,
    SessionProgressed,
    SessionRedirected,
    SessionState,
    UpdateReceived,
)
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"


def answering(agent: Agent, body: bytes = b"v=0 answer") -> None:
    agent.on(
        InviteReceived,
        lambda e: agent.endpoint.accept(e.session, body=body, content_type=SDP if body else None, now=agent.net.now),
    )


def established(net: Network, alice: Agent, bob: Agent, transport: str = "udp") -> tuple[SessionId, SessionId]:
    answering(bob)
    session = alice.invite(bob.uri(transport))
    net.run(1)
    assert bob.one(SessionConfirmed)
    return session, bob.one(InviteReceived).session


# Making a call


def test_a_call_rings_is_answered_confirmed_and_ended(net: Network, alice: Agent, bob: Agent) -> None:
    session = alice.invite(bob.uri())
    net.run(0.1)
    theirs = bob.one(InviteReceived).session
    bob.endpoint.progress(theirs, 180, now=net.now)
    net.run(0.1)
    assert alice.one(SessionProgressed).response.status == 180
    assert alice.endpoint.session(session).state is SessionState.PROCEEDING
    bob.endpoint.accept(theirs, body=b"v=0", content_type=SDP, now=net.now)
    net.run(0.1)
    assert alice.one(SessionAnswered).response.body == b"v=0"
    assert bob.one(SessionConfirmed).session == theirs
    bob.endpoint.bye(theirs, headers=[("Reason", "Q.850;cause=16")], now=net.now)
    net.run(40)
    assert net.heads() == ["INVITE", "180", "200", "ACK", "BYE", "200"]
    ended = alice.one(SessionEnded)
    assert ended.cause is EndCause.BYE_RECEIVED
    assert ended.request is not None
    assert ended.request.headers.get("Reason") == "Q.850;cause=16"
    assert bob.one(SessionEnded).cause is EndCause.BYE_SENT
    assert alice.idle
    assert bob.idle


def test_views_of_both_ends_agree(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = (
        agent.endpoint.session(session)
        for agent, session in zip((alice, bob), established(net, alice, bob), strict=True)
    )
    assert ours.call_id == theirs.call_id
    assert (ours.local_tag, ours.remote_tag) == (theirs.remote_tag, theirs.local_tag)
    assert (ours.local_uri, ours.remote_uri) == (theirs.remote_uri, theirs.local_uri)
    assert ours.remote_target is not None
    assert ours.remote_target.host == bob.host
    assert ours.state is theirs.state is SessionState.CONFIRMED
    assert "UPDATE" in ours.remote_allow
    assert "timer" in ours.remote_supported


def test_a_lost_200_is_sent_again_until_the_ack_arrives(net: Network, alice: Agent, bob: Agent) -> None:
    answering(bob)
    lost = iter([True, True])
    net.drop = lambda data: data.startswith(b"SIP/2.0 200") and next(lost, False)
    alice.invite(bob.uri())
    net.run(40)
    assert net.sent("200") == [0.01, 0.51, 1.51]
    assert bob.one(SessionConfirmed)
    assert alice.one(SessionAnswered)


def test_every_repetition_of_the_200_gets_the_same_ack(net: Network, alice: Agent, bob: Agent) -> None:
    answering(bob)
    lost = iter([True, True, True])
    net.drop = lambda data: data.startswith(b"ACK") and next(lost, False)
    alice.invite(bob.uri())
    net.run(10)
    acks = net.requests("ACK")
    assert len(acks) == 4
    assert len(set(map(bytes, acks))) == 1
    assert acks[0].via[0].branch != net.requests("INVITE")[0].via[0].branch
    assert len(alice.of(SessionAnswered)) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_without_an_ack_the_callee_ends_the_session(net: Network, alice: Agent, bob: Agent, transport: str) -> None:
    answering(bob)
    net.drop = lambda data: data.startswith(b"ACK")
    alice.invite(bob.uri(transport))
    if transport == "tcp":
        net.run(0.015)
        alice.deaf = True
    net.run(40)
    if transport == "udp":
        assert net.sent("BYE", bob)[0] == 32.01
    assert bob.one(SessionEnded).cause is EndCause.NO_ACK
    assert len(net.sent("200", bob)) == 11
    alice.deaf = False
    net.run(100)
    assert bob.idle


def test_a_bye_of_the_callee_waits_for_the_ack(net: Network, alice: Agent, bob: Agent) -> None:
    answering(bob)
    net.drop = lambda data: data.startswith(b"ACK") and net.now < 1
    alice.invite(bob.uri())
    net.run(0.5)
    bob.endpoint.bye(bob.one(InviteReceived).session, now=net.now)
    net.run(0.4)
    assert net.sent("BYE") == []
    net.run(5)
    assert len(net.sent("BYE")) == 1
    assert bob.one(SessionEnded).cause is EndCause.BYE_SENT
    assert alice.one(SessionEnded).cause is EndCause.BYE_RECEIVED


def test_an_invite_without_offer_waits_for_the_core_to_ack(net: Network, alice: Agent, bob: Agent) -> None:
    answering(bob, b"v=0 offer")
    session = alice.invite(bob.uri(), body=b"")
    net.run(0.3)
    assert net.sent("ACK") == []
    alice.endpoint.ack(session, body=b"v=0 answer", content_type=SDP, now=net.now)
    net.run(2)
    assert net.requests("ACK")[0].body == b"v=0 answer"
    assert bob.one(SessionConfirmed).request.body == b"v=0 answer"
    alice.endpoint.ack(session, now=net.now)
    with pytest.raises(LocalProtocolError):
        alice.endpoint.ack(session, body=b"again", now=net.now)


def test_ending_a_session_before_its_ack_acknowledges_it(net: Network, alice: Agent, bob: Agent) -> None:
    answering(bob, b"v=0 offer")
    session = alice.invite(bob.uri(), body=b"")
    net.run(0.1)
    alice.endpoint.bye(session, now=net.now)
    net.run(40)
    assert net.heads() == ["INVITE", "200", "ACK", "BYE", "200"]
    assert alice.idle
    assert bob.idle


def test_an_invite_without_any_body_is_acknowledged_when_the_200_has_none(
    net: Network, alice: Agent, bob: Agent
) -> None:
    answering(bob, b"")
    alice.invite(bob.uri(), body=b"")
    net.run(1)
    assert net.heads() == ["INVITE", "200", "ACK"]


@pytest.mark.parametrize("status", [300, 403, 404, 486, 503, 603])
def test_a_refusal_is_reported_with_its_response(net: Network, alice: Agent, bob: Agent, status: int) -> None:
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, status, "Not Now", now=net.now))
    alice.invite(bob.uri())
    net.run(40)
    failed = alice.one(SessionFailed)
    assert (failed.status, failed.cause, failed.before_provisional) == (status, FailureCause.RESPONSE, False)
    assert failed.response is not None
    assert failed.response.reason == "Not Now"
    assert alice.idle
    assert bob.idle


# Cancelling


def test_cancel_ends_a_ringing_call(net: Network, alice: Agent, bob: Agent) -> None:
    session = alice.invite(bob.uri())
    net.run(0.1)
    bob.endpoint.progress(bob.one(InviteReceived).session, now=net.now)
    net.run(0.1)
    alice.endpoint.cancel(session, headers=[("Reason", "SIP;cause=200")], now=net.now)
    net.run(40)
    assert net.heads() == ["INVITE", "180", "CANCEL", "200", "487", "ACK"]
    invite, cancel = net.requests("INVITE")[0], net.requests("CANCEL")[0]
    assert cancel.via == invite.via
    assert (cancel.uri, cancel.cseq.number, cancel.to) == (invite.uri, invite.cseq.number, invite.to)
    assert cancel.headers.get("Reason") == "SIP;cause=200"
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    cancelled = bob.one(SessionCancelled)
    assert cancelled.request is not None
    alice.endpoint.cancel(session, now=net.now)
    alice.endpoint.bye(session, now=net.now)
    assert alice.idle
    assert bob.idle


def test_cancel_waits_for_a_provisional_answer(net: Network, alice: Agent, bob: Agent) -> None:
    session = alice.invite(bob.uri())
    net.flush()
    alice.endpoint.cancel(session, now=net.now)
    net.run(0.1)
    assert net.sent("CANCEL") == []
    net.run(1)
    assert net.heads() == ["INVITE", "100", "CANCEL", "200", "487", "ACK"]
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED


def test_a_200_that_crosses_the_cancel_is_acknowledged_and_ended(net: Network, alice: Agent, bob: Agent) -> None:
    session = alice.invite(bob.uri())
    net.run(0.3)
    alice.endpoint.cancel(session, now=net.now)
    bob.endpoint.accept(bob.one(InviteReceived).session, body=b"v=0", content_type=SDP, now=net.now)
    net.run(60)
    assert net.heads() == ["INVITE", "100", "CANCEL", "200", "ACK", "BYE", "200", "200"]
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED
    assert alice.of(SessionAnswered) == []
    assert alice.idle
    assert bob.idle


def test_a_cancel_before_a_flow_is_found_sends_nothing(net: Network, alice: Agent) -> None:
    session = alice.invite("sip:bob@somewhere.example.com")
    alice.endpoint.cancel(session, now=net.now)
    net.names["somewhere.example.com"] = []
    net.run(40)
    assert net.log == []
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert alice.idle


def test_a_cancelled_invite_without_any_final_answer_is_dead_after_timer_b(net: Network, alice: Agent) -> None:
    bob = net.agent("bob")
    session = alice.invite(bob.uri())
    net.run(0.3)
    bob.deaf = True
    alice.endpoint.cancel(session, now=net.now)
    net.run(40)
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert alice.idle


def test_who_cancels_twice_sends_one_cancel(net: Network, alice: Agent) -> None:
    bob = net.agent("bob")
    session = alice.invite(bob.uri())
    net.run(0.3)
    bob.deaf = True
    alice.endpoint.cancel(session, now=net.now)
    net.run(3)
    repeated = net.sent("CANCEL")
    alice.endpoint.cancel(session, now=net.now)
    net.run(0.4)
    assert net.sent("CANCEL") == repeated
    net.run(40)
    assert alice.one(SessionFailed).cause is FailureCause.CANCELLED
    assert alice.idle


def test_an_invite_that_rings_for_ever_is_cancelled(net: Network, bob: Agent) -> None:
    impatient = net.agent("impatient", EndpointConfig(invite_lifetime=20))
    impatient.invite(bob.uri())
    net.run(0.1)
    bob.endpoint.progress(bob.one(InviteReceived).session, now=net.now)
    net.run(60)
    assert net.sent("CANCEL") == [20.0]
    assert impatient.one(SessionFailed).cause is FailureCause.TIMEOUT
    assert impatient.idle


def test_answering_a_cancelled_call_does_nothing(net: Network, alice: Agent, bob: Agent) -> None:
    session = alice.invite(bob.uri())
    net.run(0.3)
    alice.endpoint.cancel(session, now=net.now)
    net.run(1)
    theirs = bob.one(SessionCancelled).session
    for command in (
        lambda: bob.endpoint.accept(theirs, now=net.now),
        lambda: bob.endpoint.progress(theirs, now=net.now),
        lambda: bob.endpoint.reject(theirs, 486, now=net.now),
    ):
        command()
    net.run(0.1)
    assert [each.status for each in net.responses(200)] == [200]  # to the CANCEL
    assert bob.endpoint.counters["ignored: command for a session that is over"] == 3


# Forks


def forked_200(invite: bytes, tag: str, status: str = "200 OK") -> bytes:
    """Write an answer of one branch of a fork."""
    lines = invite.split(b"\r\n\r\n")[0].decode().split("\r\n")
    kept = [line for line in lines if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    to = next(line for line in lines if line.startswith("To:"))
    return "\r\n".join(
        [
            f"SIP/2.0 {status}",
            *kept,
            f"{to};tag={tag}",
            f"Contact: <sip:{tag}@192.0.2.99>",
            "Content-Length: 0",
            "",
            "",
        ]
    ).encode()


def test_the_first_fork_wins_and_the_others_are_acknowledged_and_ended(net: Network, alice: Agent) -> None:
    session = alice.invite("sip:bob@192.0.2.99;transport=udp")
    net.flush()
    invite = net.log[0].data
    for tag in ("one", "two"):
        net.inject(alice, forked_200(invite, tag, "180 Ringing"))
    net.inject(alice, forked_200(invite, "two"))
    net.inject(alice, forked_200(invite, "one"))
    net.inject(alice, forked_200(invite, "three"))
    net.inject(alice, forked_200(invite, "two"))
    assert len(alice.of(SessionProgressed)) == 2
    assert alice.one(SessionAnswered).response.to.tag == "two"
    acks = [request.to.tag for request in net.requests("ACK")]
    assert acks == ["two", "one", "three", "two"]
    assert [(request.to.tag, request.uri.user) for request in net.requests("BYE")] == [
        ("one", "one"),
        ("three", "three"),
    ]
    assert alice.endpoint.session(session).remote_tag == "two"
    assert alice.endpoint.sizes["dialogs"] == 1
    net.run(70)


def test_early_dialogs_are_bounded(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_forks=2))
    alice.invite("sip:bob@192.0.2.99;transport=udp")
    net.flush()
    for tag in ("one", "two", "three", "four"):
        net.inject(alice, forked_200(net.log[0].data, tag, "180 Ringing"))
    assert alice.endpoint.sizes["dialogs"] == 2
    assert alice.endpoint.counters["ignored: too many early dialogs"] == 2


# Redirects


def test_targets_of_a_redirect_come_by_preference_and_one_is_followed(net: Network, alice: Agent, bob: Agent) -> None:
    carol = net.agent("carol")
    moved = [("Contact", f"<sip:late@192.0.2.9>;q=0.1, <{carol.uri()}>;q=0.9, <mailto:x@example.com>")]
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 302, headers=moved, now=net.now))
    answering(carol)
    session = alice.invite(bob.uri())
    net.run(1)
    redirected = alice.one(SessionRedirected)
    assert [target.host for target in redirected.targets] == [carol.host, "192.0.2.9"]
    alice.endpoint.redirect(session, redirected.targets[0], now=net.now)
    net.run(1)
    assert alice.one(SessionAnswered).session == session
    first, second = net.requests("INVITE")
    assert first.call_id == second.call_id
    assert first.from_ == second.from_
    assert second.cseq.number == 2
    assert str(second.uri) == carol.uri()


def test_a_redirect_that_nobody_follows_is_a_failure(net: Network, alice: Agent, bob: Agent) -> None:
    moved = [("Contact", "<sip:late@192.0.2.9>")]
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 302, headers=moved, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    alice.endpoint.give_up(session, now=net.now)
    net.run(40)
    assert alice.one(SessionFailed).status == 302
    alice.endpoint.redirect(session, bob.uri(), now=net.now)
    assert alice.idle


# Inside


def test_requests_inside_a_session_are_ordered_and_answered(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 202, now=net.now))
    request = alice.endpoint.request_in_session(ours, "INFO", body=b"<x/>", content_type="application/xml", now=net.now)
    net.run(1)
    received = bob.one(RequestReceived)
    assert (received.session, received.request.body, received.request.cseq.number) == (theirs, b"<x/>", 2)
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.status) == (request, 202)
    for method in ("INVITE", "BYE", "ACK", "CANCEL", "SUBSCRIBE"):
        with pytest.raises(LocalProtocolError):
            alice.endpoint.request_in_session(ours, method, now=net.now)


def test_silence_to_info_ends_nothing(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    request = alice.endpoint.request_in_session(ours, "INFO", now=net.now)
    net.run(0.1)
    later = alice.endpoint.request_in_session(ours, "INFO", now=net.now)
    net.run(40)
    assert [event.request_id for event in alice.of(RequestFailed)] == [request, later]
    assert alice.endpoint.session(ours).state is SessionState.CONFIRMED


@pytest.mark.parametrize("method", ["INFO", "OPTIONS"])
def test_481_ends_the_session(net: Network, alice: Agent, bob: Agent, method: str) -> None:
    ours, _ = established(net, alice, bob)
    bob.forget()
    alice.endpoint.request_in_session(ours, method, now=net.now)
    net.run(1)
    assert net.heads()[-2:] == [method, "481"]
    assert alice.one(SessionEnded).cause is EndCause.DIALOG_GONE


def test_a_request_with_an_old_cseq_is_refused(net: Network, alice: Agent, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2", cseq="10 INVITE"))
    bob.endpoint.accept(bob.one(InviteReceived).session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    via = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    net.inject(bob, raw_request("INFO", "sip:bob@192.0.2.2", to=to, cseq="9 INFO", via=via))
    assert net.heads()[-1] == "500"
    assert bob.of(RequestReceived) == []


def test_a_reinvite_is_answered_by_the_core(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    request = alice.endpoint.reinvite(ours, body=b"v=0 hold", content_type=SDP, now=net.now)
    net.run(0.1)
    received = bob.one(ReinviteReceived)
    assert (received.session, received.request.body) == (theirs, b"v=0 hold")
    bob.endpoint.respond(received.transaction, 200, body=b"v=0 held", content_type=SDP, now=net.now)
    net.run(1)
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.body) == (request, b"v=0 held")
    assert net.heads()[-3:] == ["INVITE", "200", "ACK"]
    net.run(60)
    assert len(net.sent("200", bob)) == 2


def test_a_refused_reinvite_leaves_the_session_as_it_was(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    bob.on(ReinviteReceived, lambda e: bob.endpoint.respond(e.transaction, 488, now=net.now))
    alice.endpoint.reinvite(ours, body=b"v=0 hold", content_type=SDP, now=net.now)
    net.run(40)
    assert alice.one(ResponseReceived).response.status == 488
    assert alice.endpoint.session(ours).state is SessionState.CONFIRMED
    alice.endpoint.reinvite(ours, body=b"v=0 hold", content_type=SDP, now=net.now)


def test_reinvites_that_cross_are_both_refused(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    alice.endpoint.reinvite(ours, body=b"v=0 a", content_type=SDP, now=net.now)
    bob.endpoint.reinvite(theirs, body=b"v=0 b", content_type=SDP, now=net.now)
    with pytest.raises(LocalProtocolError):
        alice.endpoint.reinvite(ours, body=b"v=0 a", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 491
    assert bob.one(ResponseReceived).response.status == 491
    assert 2.1 <= alice.endpoint.glare_delay(ours) <= 4
    assert 0 <= bob.endpoint.glare_delay(theirs) <= 2


def test_a_second_invite_before_the_first_is_answered_gets_500_with_retry_after(
    net: Network, alice: Agent, bob: Agent
) -> None:
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2"))
    bob.endpoint.accept(bob.one(InviteReceived).session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    for number in (2, 3):
        via = f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{number};rport"
        net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2", to=to, via=via, cseq=f"{number} INVITE"))
    answer = net.responses(500)[0]
    assert 0 <= int(answer.headers.get("Retry-After", "-1")) <= 10
    assert len(bob.of(ReinviteReceived)) == 1


def test_the_target_moves_with_a_reinvite_that_is_accepted(net: Network, alice: Agent, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2"))
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    via = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    moved = ("Contact: <sip:elsewhere@192.0.2.98>",)
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2", to=to, via=via, cseq="2 INVITE", extra=moved))
    assert str(bob.endpoint.session(session).remote_target) == "sip:carol@192.0.2.99"
    bob.endpoint.respond(bob.one(ReinviteReceived).transaction, 200, now=net.now)
    assert str(bob.endpoint.session(session).remote_target) == "sip:elsewhere@192.0.2.98"


def test_an_update_with_a_body_is_for_the_core_and_without_one_for_the_endpoint(
    net: Network, alice: Agent, bob: Agent
) -> None:
    ours, _ = established(net, alice, bob)
    bob.on(
        UpdateReceived, lambda e: bob.endpoint.respond(e.transaction, 200, body=b"ok", content_type=SDP, now=net.now)
    )
    alice.endpoint.update(ours, now=net.now)
    net.run(1)
    assert bob.of(UpdateReceived) == []
    alice.endpoint.update(ours, body=b"v=0", content_type=SDP, now=net.now)
    with pytest.raises(LocalProtocolError):
        alice.endpoint.update(ours, body=b"v=0", content_type=SDP, now=net.now)
    net.run(1)
    assert len(bob.of(UpdateReceived)) == 1
    assert [event.response.status for event in alice.of(ResponseReceived)] == [200, 200]


def test_updates_with_offers_that_cross_are_refused(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    alice.endpoint.update(ours, body=b"v=0 a", content_type=SDP, now=net.now)
    bob.endpoint.update(theirs, body=b"v=0 b", content_type=SDP, now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 491
    assert bob.one(ResponseReceived).response.status == 491


def test_a_bye_refuses_the_requests_that_wait(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    alice.endpoint.reinvite(ours, body=b"v=0", content_type=SDP, now=net.now)
    net.run(0.1)
    transaction = bob.one(ReinviteReceived).transaction
    alice.endpoint.bye(ours, now=net.now)
    net.run(40)
    assert "487" in net.heads()
    bob.endpoint.respond(transaction, 200, now=net.now)
    assert bob.endpoint.counters["dropped: answer after the transaction ended"] == 1
    assert alice.idle
    assert bob.idle


def test_crossing_byes_end_the_session_once_on_each_side(net: Network, alice: Agent, bob: Agent) -> None:
    ours, theirs = established(net, alice, bob)
    alice.endpoint.bye(ours, now=net.now)
    bob.endpoint.bye(theirs, now=net.now)
    net.run(40)
    assert len(alice.of(SessionEnded)) == len(bob.of(SessionEnded)) == 1
    assert alice.idle
    assert bob.idle


def test_a_bye_that_nobody_answers_ends_the_session_all_the_same(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    bob.deaf = True
    alice.endpoint.bye(ours, now=net.now)
    net.run(40)
    assert alice.one(SessionEnded).cause is EndCause.BYE_SENT
    assert alice.idle


def test_bye_in_an_early_dialog_cancels(net: Network, alice: Agent, bob: Agent) -> None:
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2"))
    bob.endpoint.progress(bob.one(InviteReceived).session, now=net.now)
    net.flush()
    to = net.responses(180)[0].headers.get("To")
    via = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    net.inject(bob, raw_request("BYE", "sip:bob@192.0.2.2", to=to, via=via, cseq="2 BYE"))
    cancelled = bob.one(SessionCancelled)
    assert cancelled.request is not None
    assert cancelled.request.method == "BYE"
    assert net.heads() == ["180", "200", "487"]


def test_unknown_methods_inside_a_session_are_refused_without_ending_it(net: Network, alice: Agent, bob: Agent) -> None:
    ours, _ = established(net, alice, bob)
    alice.endpoint.request_in_session(ours, "DANCE", now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 501
    assert alice.endpoint.session(ours).state is SessionState.CONFIRMED


# Connections


def test_requests_inside_go_down_the_connection_whatever_contact_says(net: Network, alice: Agent, bob: Agent) -> None:
    flow = net.outside(bob, "TCP")
    via = "SIP/2.0/TCP 10.0.0.5;branch=z9hG4bKone"
    private = ("Contact: <sip:carol@10.0.0.5;transport=tcp>",)
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2", via=via, extra=private), flow)
    session = bob.one(InviteReceived).session
    bob.endpoint.accept(session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    net.inject(bob, raw_request("ACK", "sip:bob@192.0.2.2", via=via + "a", to=to), flow)
    bob.endpoint.request_in_session(session, "INFO", now=net.now)
    net.flush()
    assert net.log[-1].to == str(flow.remote)
    assert str(net.requests("INFO")[0].uri) == "sip:carol@10.0.0.5;transport=tcp"


def test_a_lost_connection_is_reported_and_the_next_request_opens_another(
    net: Network, alice: Agent, bob: Agent
) -> None:
    ours, theirs = established(net, alice, bob, "tcp")
    view = alice.endpoint.session(ours)
    assert view.flow is not None
    net.close(alice, view.flow)
    assert alice.one(SessionFlowLost).session == ours
    assert bob.one(SessionFlowLost).session == theirs
    assert alice.endpoint.session(ours).flow is None
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    alice.endpoint.request_in_session(ours, "INFO", now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == 200
    assert alice.endpoint.session(ours).flow is not None


def test_too_many_sessions_are_refused(net: Network, alice: Agent) -> None:
    bob = net.agent("bob", EndpointConfig(max_sessions=2))
    for _ in range(3):
        alice.invite(bob.uri())
    net.run(0.1)
    assert len(bob.of(InviteReceived)) == 2
    assert alice.one(SessionFailed).status == 503
    bob.endpoint.reject(bob.of(InviteReceived)[0].session, 486, now=net.now)
    bob.invite(alice.uri())
    with pytest.raises(LocalProtocolError):
        bob.invite(alice.uri())


@pytest.mark.parametrize("status", [481, 408, 0])
def test_a_notify_that_belongs_to_no_subscription_ends_no_session_whatever_becomes_of_it(
    net: Network, alice: Agent, bob: Agent, status: int
) -> None:
    _, theirs = established(net, alice, bob)
    net.middle = lambda sent, flow: sent.data.replace(b" 481 ", b" %d " % status) if status else sent.data
    net.drop = lambda data: status == 0 and data.startswith(b"NOTIFY ")
    bob.endpoint.request_in_session(theirs, "NOTIFY", body=b"report", content_type="text/plain", now=net.now)
    net.run(40)
    assert len(bob.of(ResponseReceived)) + len(bob.of(RequestFailed)) == 1
    assert bob.endpoint.session(theirs).state is SessionState.CONFIRMED
    assert not bob.of(SessionEnded)


@pytest.mark.parametrize("listed", [True, False])
def test_a_notify_of_no_event_is_for_a_core_that_lists_it_and_else_489(net: Network, listed: bool) -> None:
    """Reports of delivery come so (MS-CONFIM section 2.2.2); a core that takes SUBSCRIBE has not asked for them."""
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    bob.add_core(methods=("INVITE", "SUBSCRIBE", *(("NOTIFY",) if listed else ())))
    ours, _ = established(net, alice, bob)
    bob.on(RequestReceived, lambda event: bob.endpoint.respond(event.transaction, 200, now=net.now))
    alice.endpoint.request_in_session(ours, "NOTIFY", body=b"report", content_type="text/plain", now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).response.status == (200 if listed else 489)
