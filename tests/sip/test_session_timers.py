"""Session timers (RFC 4028): negotiation, refreshes by either side, 422, and the end when nobody refreshes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    EndCause,
    EndpointConfig,
    InviteReceived,
    ReinviteReceived,
    Request,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SessionRefreshed,
)
from sip.session.session_timer import Interval, granted, too_short
from sip.testing.network import Agent, Network, raw_request

SDP = "application/sdp"


def request(supported: bool, expires: str | None, min_se: int | None = None) -> Request:
    lines: list[tuple[str, object]] = [("Supported", "timer" if supported else "100rel")]
    if expires is not None:
        lines.append(("Session-Expires", expires))
    if min_se is not None:
        lines.append(("Min-SE", str(min_se)))
    return Request.build("INVITE", "sip:bob@example.com", lines)


@pytest.mark.parametrize(
    ("supported", "expires", "ours"),
    [
        # Table 2 of RFC 4028 section 9.
        (False, "1800", True),
        (False, "1800;refresher=uac", True),
        (True, "1800", False),
        (True, "1800;refresher=uac", False),
        (True, "1800;refresher=uas", True),
    ],
)
def test_who_refreshes(supported: bool, expires: str, ours: bool) -> None:
    assert granted(request(supported, expires), wish=None, floor=90) == Interval(1800, ours)


@given(st.booleans(), st.integers(0, 5000), st.none() | st.integers(0, 5000), st.none() | st.integers(1, 5000))
def test_the_interval_is_between_the_floors_and_what_was_asked(
    supported: bool, asked: int, min_se: int | None, wish: int | None
) -> None:
    interval = granted(request(supported, str(asked), min_se), wish=wish, floor=90)
    assert interval is not None
    floor = max(90, min_se or 0)
    assert interval.seconds >= floor
    assert interval.seconds <= max(asked, floor)


def test_no_timer_unless_somebody_wants_one() -> None:
    assert granted(request(True, None), wish=None, floor=90) is None
    assert granted(request(False, None), wish=600, floor=90) == Interval(600, ours=True)
    assert too_short(request(True, "89"), 90)
    assert not too_short(request(True, "90"), 90)
    assert not too_short(request(False, "89"), 90)


def established(net: Network, alice: Agent, bob: Agent, session_expires: int | None = 600) -> tuple[int, int]:
    bob.on(
        InviteReceived,
        lambda e: bob.endpoint.accept(e.session, body=b"v=0", content_type=SDP, now=net.now),
    )
    session = alice.invite(bob.uri(), session_expires=session_expires)
    net.run(1)
    return session, bob.one(InviteReceived).session


def test_the_caller_refreshes_by_update_at_half_the_interval(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    session, _ = established(net, alice, bob)
    answer = net.responses(200)[0]
    assert str(answer.session_expires) == "600;refresher=uac"
    assert "timer" in answer.require
    net.run(1000)
    assert net.sent("UPDATE") == [300.02, 600.04, 900.06]
    update = net.requests("UPDATE")[0]
    assert str(update.session_expires) == "600;refresher=uac"
    assert update.body == b""
    assert len(alice.of(SessionRefreshed)) == len(bob.of(SessionRefreshed)) == 3
    assert alice.endpoint.session(session).session_interval == 600


def test_the_callee_refreshes_where_it_is_the_refresher(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(
        InviteReceived,
        lambda e: bob.endpoint.accept(e.session, body=b"v=0", content_type=SDP, session_expires=400, now=net.now),
    )
    alice.invite(bob.uri())
    net.run(1000)
    assert str(net.responses(200)[0].session_expires) == "400;refresher=uas"
    assert net.sent("UPDATE", bob) == [200.01, 400.03, 600.05, 800.07]
    assert bob.of(SessionEnded) == []


def test_a_peer_without_update_is_refreshed_by_reinvite_with_the_same_description(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    bob.add_core(methods=("INVITE",))
    bob.endpoint._cores.by_owner("ua")
    allow = [("Allow", "INVITE, ACK, BYE, CANCEL")]
    bob.on(
        InviteReceived,
        lambda e: bob.endpoint.accept(e.session, headers=allow, body=b"v=0", content_type=SDP, now=net.now),
    )
    bob.on(
        ReinviteReceived,
        lambda e: bob.endpoint.respond(e.transaction, 200, headers=allow, body=b"v=0", content_type=SDP, now=net.now),
    )
    alice.invite(bob.uri(), session_expires=600)
    net.run(700)
    invites = net.requests("INVITE")
    assert [invite.body for invite in invites] == [b"v=0 offer"] * 3
    assert net.sent("ACK") == [0.02, 300.04, 600.06]


def test_a_refused_update_is_tried_as_reinvite(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    established(net, alice, bob)
    bob.on(ReinviteReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    refused = net.requests("INVITE")[0]
    assert refused.session_expires is not None
    # A middle box answers UPDATE with 501.
    net.drop = lambda data: data.startswith(b"UPDATE")
    net.run(299.1)
    update = net.requests("UPDATE")[0]
    net.inject(alice, bytes(update.response(501)))
    net.run(10)
    assert len(net.requests("INVITE")) == 2
    assert alice.of(SessionEnded) == []


@pytest.mark.parametrize("refresher", ["alice", "bob"])
def test_when_nobody_refreshes_both_sides_end_it(net: Network, refresher: str) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    established(net, alice, bob)
    silent, other = (alice, bob) if refresher == "alice" else (bob, alice)
    net.run(100)
    silent.deaf = True
    net.drop = lambda data: True
    net.run(600)
    assert bob.one(SessionEnded).cause is EndCause.EXPIRED
    assert net.sent("BYE", bob)[0] == 568.01
    # The refresher gets no answer to its UPDATE.
    assert alice.one(SessionEnded).cause is EndCause.DIALOG_GONE
    net.run(100)
    assert other.idle
    assert silent.idle


def test_an_interval_that_is_too_short_is_raised_by_the_caller(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob", EndpointConfig(min_se=900))
    established(net, alice, bob, session_expires=120)
    assert net.heads() == ["INVITE", "422", "ACK", "INVITE", "200", "ACK"]
    first, second = net.requests("INVITE")
    assert first.call_id == second.call_id
    assert second.cseq.number == 2
    assert (second.session_expires.interval if second.session_expires else None, second.min_se) == (900, 900)
    assert alice.one(SessionAnswered)
    assert net.responses(422)[0].min_se == 900


def test_422_for_ever_is_a_failure(net: Network) -> None:
    alice = net.agent("alice")
    alice.invite("sip:bob@192.0.2.99;transport=udp", session_expires=120)
    for interval in range(200, 1000, 100):
        net.flush()
        invite = net.requests("INVITE")[-1]
        net.inject(alice, bytes(invite.response(422, to_tag="x", headers=[("Min-SE", str(interval))])))
    assert len(net.requests("INVITE")) == 4
    assert alice.one(SessionFailed).status == 422


def test_an_interval_that_is_too_short_in_a_refresh_is_refused(net: Network) -> None:
    net.agent("unused")
    bob = net.agent("bob")
    net.inject(bob, raw_request("INVITE", "sip:bob@192.0.2.2"))
    bob.endpoint.accept(bob.one(InviteReceived).session, now=net.now)
    net.flush()
    to = net.responses(200)[0].headers.get("To")
    via = "SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bKtwo;rport"
    extra = ("Contact: <sip:carol@192.0.2.99>", "Supported: timer", "Session-Expires: 30")
    net.inject(bob, raw_request("UPDATE", "sip:bob@192.0.2.2", to=to, via=via, cseq="2 UPDATE", extra=extra))
    assert net.heads()[-1] == "422"
    assert net.responses(422)[0].min_se == 90


def test_nobody_refreshes_a_session_that_nobody_gave_a_timer(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    established(net, alice, bob, session_expires=None)
    net.run(40)
    assert alice.endpoint.next_timeout() is None
    assert bob.endpoint.next_timeout() is None
    assert alice.endpoint.sizes["timers"] == 0
