"""Refreshes of a session that are refused (RFC 4028 sections 7.4 and 10): tried again while there is time, or BYE."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import (
    EndCause,
    EndpointConfig,
    InviteReceived,
    PrackReceived,
    ReinviteReceived,
    Request,
    RequestFailed,
    Response,
    ResponseReceived,
    SessionEnded,
    SessionFailed,
    SessionRedirected,
    SessionRefreshed,
    UpdateReceived,
    parse_message,
)
from sip.core.retrying import Retrying
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"
HALF, LAST = 300.02, 568.02  #: of an interval of 600 s that began at 0.02
NO_UPDATE = [("Allow", "INVITE, ACK, BYE, CANCEL")]


def established(alice: Agent, bob: Agent, interval: int = 600, headers: Iterable[tuple[str, object]] = ()) -> int:
    net = alice.net
    bob.on(
        InviteReceived,
        lambda e: bob.endpoint.accept(e.session, headers=headers, body=b"v=0", content_type=SDP, now=net.now),
    )
    session = alice.invite(bob.uri(), session_expires=interval)
    net.run(1)
    return session


Answer = Callable[[Request], Response | None]


def refused(status: int, *headers: tuple[str, object]) -> Answer:
    return lambda request: request.response(status, headers=headers)


def in_the_middle(net: Network, alice: Agent, answers: Iterable[Answer | None], seconds: float) -> list[float]:
    """Let something on the way answer the next UPDATEs of alice; those with None get through. Returns their times."""
    planned, seen, end = list(answers), 0, net.now + seconds

    def another() -> bool:
        net.flush()
        return len(net.sent("UPDATE")) > seen

    net.drop = lambda data: data.startswith(b"UPDATE") and seen < len(planned) and planned[seen] is not None
    while net.now < end:
        net.run(end - net.now, until=another)
        for update in net.requests("UPDATE")[seen:]:
            answer = planned[seen] if seen < len(planned) else None
            seen += 1
            if answer is not None and (response := answer(update)) is not None:
                net.inject(alice, bytes(response))
    return net.sent("UPDATE")


@pytest.mark.parametrize("status", [400, 403, 480, 486, 487, 488, 500, 503, 504, 580, 603])
def test_a_refresh_that_is_refused_once_is_tried_again(net: Network, alice: Agent, bob: Agent, status: int) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(status)], 700)
    assert times[:2] == [HALF, HALF + 2]
    assert len(alice.of(SessionRefreshed)) == len(bob.of(SessionRefreshed)) == 2
    assert alice.of(SessionEnded) == bob.of(SessionEnded) == []


def test_refusals_in_a_row_are_tried_again_ever_later_and_never_after_the_end(
    net: Network, alice: Agent, bob: Agent
) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(500)] * 100, 600)
    waits = [round(later - earlier, 3) for earlier, later in pairwise(times)]
    assert waits[:6] == [2, 4, 8, 16, 32, 60]
    assert max(waits) == 60
    assert LAST - 60 < times[-1] < LAST
    assert bob.one(SessionEnded).cause is EndCause.EXPIRED
    net.drop = lambda data: False
    net.run(70)
    assert alice.idle


def test_one_that_says_when_to_come_back_is_left_alone_until_then(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(503, ("Retry-After", "45"))], 400)
    assert times == [HALF, HALF + 45]


def test_one_that_wants_to_be_left_alone_beyond_the_end_is(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(503, ("Retry-After", "3600"))], 600)
    assert times == [HALF]
    assert bob.one(SessionEnded).cause is EndCause.EXPIRED


def test_a_short_session_has_time_for_more_than_one_try(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob, 90)
    assert len(in_the_middle(net, alice, [refused(500)] * 10, 90)) >= 4


def test_glare_waits_as_long_as_it_should(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(491)] * 2, 400)
    assert len(times) == 3
    assert all(2.1 <= later - earlier <= 4.0 for earlier, later in pairwise(times))


def test_an_interval_that_became_too_short_is_raised_and_stays_raised(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(422, ("Min-SE", "900"))], 1200)
    assert times[:2] == [HALF, HALF]
    first, second, third = net.requests("UPDATE")[:3]
    assert first.min_se is None
    assert [str(each.session_expires) for each in (first, second, third)] == [
        "600;refresher=uac",
        "900;refresher=uac",
        "900;refresher=uac",
    ]
    assert (second.min_se, third.min_se) == (900, 900)
    assert third.cseq.number == second.cseq.number + 1 == first.cseq.number + 2
    assert alice.of(SessionEnded) == bob.of(SessionEnded) == []


@pytest.mark.parametrize("header", [(), (("Min-SE", "soon"),), (("Min-SE", "90"),)])
def test_a_422_that_asks_for_nothing_new_is_not_answered_at_once(
    net: Network, alice: Agent, bob: Agent, header: tuple[tuple[str, object], ...]
) -> None:
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(422, ("Min-SE", "90")), refused(422, *header)], 400)
    assert times == [HALF, HALF, HALF + 2]


def test_422_for_ever_is_no_loop(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    answers = [refused(422, ("Min-SE", str(900 + step))) for step in range(50)]
    times = in_the_middle(net, alice, answers, 600)
    assert times[:5] == [HALF, HALF, HALF, HALF, HALF + 2]
    assert len(times) < 20
    assert bob.one(SessionEnded).cause is EndCause.EXPIRED


def test_the_least_interval_that_the_caller_named_is_kept(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, body=b"v=0", content_type=SDP, now=net.now))
    headers = [("Session-Expires", "600;refresher=uas"), ("Min-SE", "400"), ("Supported", "timer")]
    alice.invite(bob.uri(), headers=headers)
    net.run(400)
    assert net.requests("UPDATE", bob)[0].min_se == 400


@pytest.mark.parametrize("status", [408, 481])
def test_a_refresh_that_finds_nobody_ends_the_session_with_bye(
    net: Network, alice: Agent, bob: Agent, status: int
) -> None:
    established(alice, bob)
    in_the_middle(net, alice, [refused(status)], 310)
    assert alice.one(SessionEnded).cause is EndCause.DIALOG_GONE
    assert net.sent("BYE", alice) == [HALF]
    assert bob.one(SessionEnded).cause is EndCause.BYE_RECEIVED


def test_a_refresh_that_is_not_answered_ends_the_session_with_bye(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob)
    net.drop = lambda data: data.startswith(b"UPDATE")
    net.run(340)
    assert alice.one(SessionEnded).cause is EndCause.DIALOG_GONE
    assert net.sent("BYE", alice) == [HALF + 32]


def test_a_refresh_whose_way_is_broken_is_tried_again(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, body=b"v=0", content_type=SDP, now=net.now))
    session = alice.invite(bob.uri("tcp"), session_expires=600)
    net.run(250)
    flow = alice.endpoint.session(session).flow
    assert flow is not None
    net.refuses = lambda destination: net.now < 303
    net.close(alice, flow)
    net.run(100)
    assert len(alice.of(SessionRefreshed)) == 1
    assert alice.of(SessionEnded) == bob.of(SessionEnded) == []


def test_a_refresh_by_reinvite_that_is_refused_is_tried_again(net: Network, alice: Agent, bob: Agent) -> None:
    established(alice, bob, headers=NO_UPDATE)
    statuses = iter([500, 491, 200])

    def react(event: ReinviteReceived) -> None:
        bob.endpoint.respond(event.transaction, next(statuses), headers=NO_UPDATE, now=net.now)

    bob.on(ReinviteReceived, react)
    net.run(400)
    assert len(net.requests("INVITE")) == 4
    assert len(alice.of(SessionRefreshed)) == 1
    assert alice.of(ResponseReceived) == []


def test_a_refresh_that_is_due_while_a_reinvite_is_open_follows(net: Network, alice: Agent, bob: Agent) -> None:
    session = established(alice, bob, headers=NO_UPDATE)
    asked: list[ReinviteReceived] = []
    bob.on(ReinviteReceived, asked.append)
    net.run(298.9)
    alice.endpoint.reinvite(session, body=b"v=0 other", content_type=SDP, now=net.now)  # type: ignore[arg-type]
    net.run(2)
    bob.endpoint.respond(asked[0].transaction, 488, headers=NO_UPDATE, now=net.now)
    net.run(2)
    assert len(net.requests("INVITE")) == 3
    bob.endpoint.respond(asked[1].transaction, 200, headers=NO_UPDATE, body=b"v=0", content_type=SDP, now=net.now)
    net.run(1)
    assert len(alice.of(SessionRefreshed)) == 1


def test_a_session_that_ends_meanwhile_leaves_no_timer(net: Network, alice: Agent, bob: Agent) -> None:
    session = established(alice, bob)
    in_the_middle(net, alice, [refused(503, ("Retry-After", "60"))], 310)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    net.run(40)
    assert alice.idle
    assert bob.idle


def test_a_refusal_that_crosses_a_bye_changes_nothing(net: Network, alice: Agent, bob: Agent) -> None:
    session = established(alice, bob)
    net.drop = lambda data: data.startswith(b"UPDATE")
    net.run(299.1)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    net.inject(alice, bytes(net.requests("UPDATE")[0].response(500)))
    net.run(40)
    assert alice.one(SessionEnded).cause is EndCause.BYE_SENT
    assert alice.idle


# Re-INVITEs and the ends in time --------------------------------------------------------------------------------------


def ringing_reinvite(net: Network, alice: Agent, bob: Agent, session: int) -> None:
    """A re-INVITE of alice that bob answers 180, and forgets."""
    bob.on(ReinviteReceived, lambda e: bob.endpoint.respond(e.transaction, 180, now=net.now))
    alice.endpoint.reinvite(session, body=b"v=0 other", content_type=SDP, now=net.now)  # type: ignore[arg-type]
    net.run(1)


def test_a_reinvite_that_only_rings_is_given_up_and_the_session_goes_on(net: Network, alice: Agent, bob: Agent) -> None:
    session = established(alice, bob, 1800)
    ringing_reinvite(net, alice, bob, session)
    net.run(310)
    assert [event.response.status for event in alice.of(ResponseReceived)] == [487]
    assert net.sent("CANCEL") == [301]
    assert alice.of(SessionEnded) == bob.of(SessionEnded) == []


def test_a_reinvite_that_only_rings_and_cannot_be_cancelled_ends_with_the_session(
    net: Network, alice: Agent, bob: Agent
) -> None:
    session = established(alice, bob, 1800)
    ringing_reinvite(net, alice, bob, session)
    bob.forget()
    bob.deaf = True
    net.run(400)
    assert alice.one(RequestFailed).reason == "timeout"
    assert alice.one(SessionEnded).cause is EndCause.DIALOG_GONE
    net.run(100)
    assert alice.idle


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_reinvite_that_only_rings_ends_with_a_bye_of_either_side(
    net: Network, alice: Agent, bob: Agent, who: str
) -> None:
    session = established(alice, bob, 1800)
    ringing_reinvite(net, alice, bob, session)
    # The 487 that the end of the session should bring never arrives.
    net.drop = lambda data: data.startswith(b"SIP/2.0 487")
    if who == "alice":
        alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    else:
        bob.endpoint.bye(bob.one(InviteReceived).session, now=net.now)
    net.run(80)
    assert alice.one(RequestFailed).reason == "timeout"
    assert alice.idle
    assert bob.idle


def test_a_reinvite_that_rang_at_another_server_ends_with_the_session(net: Network, alice: Agent, bob: Agent) -> None:
    session = established(alice, bob, 1800)
    ringing_reinvite(net, alice, bob, session)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    net.run(80)
    assert alice.idle


def test_a_redirection_that_nobody_decides_about_ends(net: Network, alice: Agent) -> None:
    alice.invite("sip:bob@192.0.2.99;transport=udp")
    net.flush()
    moved = net.requests("INVITE")[0].response(302, to_tag="x", headers=[("Contact", "<sip:bob@192.0.2.98>")])
    net.inject(alice, bytes(moved))
    assert alice.one(SessionRedirected)
    net.run(400)
    assert alice.one(SessionFailed).status is None
    assert alice.idle


def test_a_fork_whose_2xx_cannot_be_used_leaves_no_dialog(net: Network, alice: Agent) -> None:
    alice.invite("sip:bob@192.0.2.99;transport=udp")
    net.flush()
    invite, contact = net.requests("INVITE")[0], ("Contact", "<sip:bob@192.0.2.99>")
    net.inject(alice, bytes(invite.response(180, to_tag="x", headers=[contact])))
    assert alice.endpoint.sizes["dialogs"] == 1
    net.inject(alice, bytes(invite.response(200, to_tag="x", headers=[contact, ("Record-Route", "<sip:")])))
    net.inject(alice, bytes(invite.response(200, to_tag="x", headers=[("Contact", "nonsense")])))
    net.run(100)
    assert alice.idle


@pytest.mark.parametrize("refresher", ["uac", "uas"])
def test_a_session_that_expires_before_the_core_acknowledged_is_acknowledged(
    net: Network, alice: Agent, refresher: str
) -> None:
    alice.invite("sip:bob@192.0.2.99;transport=udp", body=b"", session_expires=90)
    net.flush()
    headers = [
        ("Contact", "<sip:bob@192.0.2.99>"),
        ("Session-Expires", f"90;refresher={refresher}"),
        ("Content-Type", SDP),
    ]
    net.inject(alice, bytes(net.requests("INVITE")[0].response(200, to_tag="x", headers=headers, body=b"v=0")))
    net.run(100)
    assert alice.one(SessionEnded).cause is EndCause.EXPIRED
    assert net.sent("ACK")[0] <= net.sent("BYE")[0]


# The waits ------------------------------------------------------------------------------------------------------------


@given(
    st.floats(0.1, 100),
    st.floats(1, 20),
    st.floats(0, 10_000),
    st.lists(st.tuples(st.floats(0, 200), st.booleans()), min_size=1, max_size=40),
)
@settings(max_examples=200)
def test_waits_end_before_the_end_are_as_long_as_asked_and_grow(
    first: float, factor: float, left: float, refusals: list[tuple[float, bool]]
) -> None:
    retrying, longest = Retrying(first, first * factor), first * factor
    for at_least, glare in refusals:
        wait = retrying.wait(left, at_least=at_least, glare=glare)
        if wait is None:
            assert left < 2 * max(at_least, first) or left <= at_least
            break
        assert at_least <= wait < left
        assert glare or wait >= min(first, left / 2)
        assert wait <= max(longest, at_least)
        left -= wait
    retrying.reset()
    assert retrying.wait(3 * first) == first


def test_the_settings_are_the_waits(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(refresh_retry=10, refresh_retry_longest=20))
    bob = net.agent("bob")
    established(alice, bob)
    times = in_the_middle(net, alice, [refused(500)] * 3, 400)
    assert times == [HALF, HALF + 10, HALF + 30, HALF + 50]


# Requests that a core forgets -----------------------------------------------------------------------------------------


def of_carol(net: Network, bob: Agent, method: str, number: int, *extra: str, body: bytes = b"") -> bytes:
    """A request of 192.0.2.99 in its call with bob, once there is an answer with a To tag."""
    answers = [parse_message(each.data) for each in net.log if each.head.startswith("SIP/2.0")]
    tags = [each.to.tag for each in answers if isinstance(each, Response) and each.to.tag]
    return raw_request(
        method,
        "sip:bob@192.0.2.2",
        via=f"SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK{method}{number};rport",
        to=f"<sip:bob@192.0.2.2>;tag={tags[-1]}" if tags else "<sip:bob@192.0.2.2>",
        cseq=f"{number} {method}",
        extra=("Contact: <sip:carol@192.0.2.99>", "Supported: 100rel", f"Content-Type: {SDP}", *extra),
        body=body,
    )


def called_by_carol(net: Network, bob: Agent) -> None:
    net.inject(bob, of_carol(net, bob, "INVITE", 1, body=b"v=0"))
    bob.endpoint.accept(bob.one(InviteReceived).session, body=b"v=0", content_type=SDP, now=net.now)
    net.flush()
    net.inject(bob, of_carol(net, bob, "ACK", 1))


def test_an_update_that_the_core_forgot_does_not_stand_in_the_way_of_the_next(net: Network, bob: Agent) -> None:
    called_by_carol(net, bob)
    for number, wait in ((2, 1), (3, 40), (4, 40)):
        net.inject(bob, of_carol(net, bob, "UPDATE", number, body=b"v=0 other"))
        net.run(wait)
    # The second came while the first could still be answered.
    assert len(bob.of(UpdateReceived)) == 2
    assert [str(answer.cseq) for answer in net.responses(500)] == ["3 UPDATE"]


def test_a_reinvite_that_the_core_forgot_is_refused_in_the_end(net: Network, bob: Agent) -> None:
    called_by_carol(net, bob)
    net.inject(bob, of_carol(net, bob, "INVITE", 2, body=b"v=0 other"))
    net.run(299)
    assert net.responses(500) == []
    net.run(2)
    net.inject(bob, of_carol(net, bob, "ACK", 2))
    bob.endpoint.respond(bob.one(ReinviteReceived).transaction, 200, now=net.now)  # too late, and counted
    net.inject(bob, of_carol(net, bob, "INVITE", 3, body=b"v=0 third"))
    assert len(bob.of(ReinviteReceived)) == 2
    net.inject(bob, of_carol(net, bob, "BYE", 4))
    net.inject(bob, of_carol(net, bob, "ACK", 3))
    net.run(40)
    assert bob.idle
    assert {str(answer.cseq) for answer in net.responses(500)} == {"2 INVITE"}
    assert {str(answer.cseq) for answer in net.responses(487)} == {"3 INVITE"}


def test_an_offer_in_a_prack_that_the_core_forgot_does_not_keep_the_answer_back(net: Network, bob: Agent) -> None:
    net.inject(bob, of_carol(net, bob, "INVITE", 1, body=b"v=0"))
    session = bob.one(InviteReceived).session
    bob.endpoint.progress(session, 183, body=b"v=0", content_type=SDP, reliable=True, now=net.now)
    net.flush()
    rseq = net.responses(183)[0].headers.get("RSeq")
    net.inject(bob, of_carol(net, bob, "PRACK", 2, f"RAck: {rseq} 1 INVITE", body=b"v=0 other"))
    assert bob.one(PrackReceived).transaction is not None
    bob.endpoint.accept(session, now=net.now)
    net.run(31)
    assert net.responses(200) == []
    net.run(5)
    assert str(net.responses(200)[0].cseq) == "1 INVITE"
