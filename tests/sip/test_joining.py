"""INVITE with Join (RFC 3911)."""

import pytest

from sip import InviteReceived, Joining, Request, SessionProgressed
from sip.testing.network import Agent, Network, raw_request


def asking(*values: str, replaces: str | None = None, method: str = "INVITE") -> Request:
    lines: list[tuple[str, object]] = [("Join", value) for value in values]
    if replaces is not None:
        lines.append(("Replaces", replaces))
    return Request.build(method, "sip:alice@example.com", lines)


def confirmed(net: Network) -> tuple[Agent, int, str]:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    view = alice.endpoint.session(session)
    return alice, session, f"{view.call_id};to-tag={view.local_tag};from-tag={view.remote_tag}"


def test_a_confirmed_session_is_found_by_its_dialog(net: Network) -> None:
    alice, session, join = confirmed(net)
    assert alice.endpoint.joining(asking(join)) == Joining(session=session)  # type: ignore[arg-type]
    assert alice.endpoint.joining(asking()) == Joining()


def test_early_dialogs_may_be_joined_at_both_ends(net: Network) -> None:
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.progress(e.session, now=net.now))
    session = alice.invite(bob.uri())
    net.run(1)
    response = alice.one(SessionProgressed).response
    ours, theirs = response.from_.tag, response.to.tag
    at_alice = asking(f"{response.call_id};to-tag={ours};from-tag={theirs}")
    at_bob = asking(f"{response.call_id};to-tag={theirs};from-tag={ours}")
    assert alice.endpoint.joining(at_alice) == Joining(session=session, early=True)
    assert bob.endpoint.joining(at_bob) == Joining(session=bob.one(InviteReceived).session, early=True)


def test_what_matches_nothing_is_refused_but_by_a_conference(net: Network) -> None:
    alice, session, join = confirmed(net)
    assert alice.endpoint.joining(asking("x@y;to-tag=1;from-tag=2")) == Joining(status=481)
    assert alice.endpoint.joining(asking("x@y;to-tag=1;from-tag=2"), conference=True) == Joining()
    found = alice.endpoint.joining(asking(join), conference=True)
    assert found == Joining(session=session)  # type: ignore[arg-type]


def test_contradictions_are_refused(net: Network) -> None:
    alice, _, join = confirmed(net)
    for request in (asking(join, join), asking(join, replaces=join), asking("nonsense"), asking(join, method="REFER")):
        assert alice.endpoint.joining(request) == Joining(status=400)
        assert alice.endpoint.joining(request, conference=True) == Joining(status=400)


def test_a_session_that_ends_or_has_ended_is_declined(net: Network) -> None:
    alice, session, join = confirmed(net)
    alice.endpoint.bye(session, now=net.now)  # type: ignore[arg-type]
    assert alice.endpoint.joining(asking(join)) == Joining(status=603)
    net.run(60)
    assert alice.idle
    assert alice.endpoint.joining(asking(join)) == Joining(status=603)
    assert alice.endpoint.joining(asking(join), conference=True) == Joining(status=603)


@pytest.mark.parametrize("supported", [["join"], ["replaces"], []])
def test_join_in_another_request_is_refused_by_who_knows_it(net: Network, supported: list[str]) -> None:
    bob = net.agent("bob", core=False)
    bob.add_core(supported=supported)
    extra = ("Contact: <sip:carol@192.0.2.99>", "Join: a;to-tag=1;from-tag=2")
    net.inject(bob, raw_request("MESSAGE", extra=extra))
    assert net.heads() == (["400"] if supported else [])
