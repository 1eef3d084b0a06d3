"""INVITE with Replaces (RFC 3891)."""

from sip import EndpointConfig, InviteReceived, Replacement, Request, SessionProgressed
from sip.testing.network import Agent, Network


def asking(*values: str, join: str | None = None) -> Request:
    lines: list[tuple[str, object]] = [("Replaces", value) for value in values]
    if join is not None:
        lines.append(("Join", join))
    return Request.build("INVITE", "sip:alice@example.com", lines)


def confirmed(net: Network) -> tuple[Agent, int, str]:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    view = alice.endpoint.session(session)
    return alice, session, f"{view.call_id};to-tag={view.local_tag};from-tag={view.remote_tag}"


def test_a_confirmed_session_is_found_by_its_dialog(net: Network) -> None:
    alice, session, replaces = confirmed(net)
    assert alice.endpoint.replacement(asking(replaces)) == Replacement(session=session)  # type: ignore[arg-type]
    assert alice.endpoint.replacement(asking()) == Replacement()


def test_early_only_does_not_replace_a_confirmed_session(net: Network) -> None:
    alice, _, replaces = confirmed(net)
    assert alice.endpoint.replacement(asking(f"{replaces};early-only")) == Replacement(status=486)


def test_what_matches_nothing_or_too_much_is_refused(net: Network) -> None:
    alice, _, replaces = confirmed(net)
    assert alice.endpoint.replacement(asking("x@y;to-tag=1;from-tag=2")) == Replacement(status=481)
    assert alice.endpoint.replacement(asking(replaces, replaces)) == Replacement(status=400)
    assert alice.endpoint.replacement(asking(replaces, join=replaces)) == Replacement(status=400)
    assert alice.endpoint.replacement(asking("nonsense")) == Replacement(status=400)


def test_a_session_that_ends_is_not_replaced(net: Network) -> None:
    alice, session, replaces = confirmed(net)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    assert alice.endpoint.replacement(asking(replaces)) == Replacement(status=603)


def test_a_session_that_has_ended_is_remembered_for_a_while(net: Network) -> None:
    alice, session, replaces = confirmed(net)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    net.run(60)
    assert alice.idle
    assert alice.endpoint.replacement(asking(replaces)) == Replacement(status=603)
    again = alice.invite("sip:bob@192.0.2.2;transport=udp")
    net.run(1)
    alice.endpoint.bye(again, now=net.now)
    net.run(5)
    assert alice.endpoint.replacement(asking(replaces)) == Replacement(status=481)


def test_only_so_many_ends_are_remembered(net: Network) -> None:
    alice = net.agent("alice", EndpointConfig(max_ended_sessions=2))
    bob = net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    named = []
    for _ in range(3):
        session = alice.invite(bob.uri())
        net.run(1)
        view = alice.endpoint.session(session)
        named.append(f"{view.call_id};to-tag={view.local_tag};from-tag={view.remote_tag}")
        alice.endpoint.bye(session, now=net.now)
        net.run(1)
    assert [alice.endpoint.replacement(asking(each)).status for each in named] == [481, 603, 603]


def test_who_picks_up_a_call_that_was_just_given_up_is_told_so(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.progress(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    response = alice.one(SessionProgressed).response
    request = asking(f"{response.call_id};to-tag={response.from_.tag};from-tag={response.to.tag}")
    alice.endpoint.cancel(session, now=net.now)
    assert alice.endpoint.replacement(request) == Replacement(status=603)
    net.run(5)
    assert alice.endpoint.replacement(request) == Replacement(status=603)


def test_an_early_dialog_is_replaced_only_where_it_began(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.progress(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    response = alice.one(SessionProgressed).response
    ours, theirs = response.from_.tag, response.to.tag
    at_alice = asking(f"{response.call_id};to-tag={ours};from-tag={theirs}")
    at_bob = asking(f"{response.call_id};to-tag={theirs};from-tag={ours}")
    assert alice.endpoint.replacement(at_alice) == Replacement(session=session, early=True)
    assert bob.endpoint.replacement(at_bob) == Replacement(status=481)
