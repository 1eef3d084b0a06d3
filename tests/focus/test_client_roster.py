"""The client follows its conference through gaps, broken connections and servers that refuse."""

from __future__ import annotations

import attrs
import pytest
from focus_site import Site

from focus import (
    ClientConfig,
    ClientState,
    CommandAccepted,
    CommandFailed,
    CommandSucceeded,
    FailureReason,
    LeaveCause,
    Left,
    Rejoining,
    RosterChanged,
    Subscribed,
    SubscriptionLost,
)
from sip import Request as SipRequest


def test_changes_come_with_the_roster_after_them() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    assert alice.node.of(Subscribed)
    site.joined(site.client("bob"), conference)
    event = alice.node.last(RosterChanged)
    assert [type(one).__name__ for one in event.changes] == ["UserAdded", "EndpointAdded"]
    assert event.roster == alice.roster


def test_a_gap_makes_the_client_ask_for_the_whole() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    site.net.lost = lambda sender, data: data.startswith(b"BENOTIFY sip:alice")
    site.joined(site.client("bob"), conference)
    site.net.lost = lambda sender, data: False
    assert alice.user("sip:bob@example.com") is None
    carol = site.joined(site.client("carol"), conference)
    assert attrs.evolve(alice.roster, version=0) == attrs.evolve(carol.roster, version=0)


def test_a_document_that_cannot_be_read_makes_the_client_ask_for_the_whole() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    subscription = next(iter(site.focus._active.of_subscription))
    before = len(
        [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    )
    site.node.endpoint.notify(
        subscription,
        body=b"<conference-info",
        content_type="application/conference-info+xml",
        benotify=True,
        now=site.net.now,
    )
    site.net.run()
    after = len(
        [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    )
    assert after == before + 1
    assert alice.client._watch.dropped == 1


@pytest.mark.parametrize(
    "attributes",
    [
        'entity="{uri}" state="Partial" version="{next}"',
        'entity="{uri}" state="partial" version="six"',
        'entity="{uri}" state="partial"',
        'state="partial" version="{next}"',
        'entity="{uri}" version="-1"',
    ],
)
def test_a_document_that_says_nothing_sure_leaves_the_roster_and_asks_for_the_whole(attributes: str) -> None:
    site = Site()
    conference, alice, _ = site.meeting("bob")
    before = alice.roster
    asked = len(
        [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    )
    words = attributes.format(uri=conference, next=(before.version or 0) + 1)
    body = f'<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" {words}><users/></conference-info>'
    site.node.endpoint.notify(
        next(iter(site.focus._active.of_subscription)),
        body=body.encode(),
        content_type="application/conference-info+xml",
        benotify=True,
        now=site.net.now,
    )
    assert alice.roster == before
    site.net.run()
    assert [user.entity for user in alice.roster.users.users] == [user.entity for user in before.users.users]
    again = [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    assert len(again) == asked + 1
    site.joined(site.client("carol"), conference)
    assert alice.user("sip:carol@example.com") is not None


def test_documents_that_cannot_be_read_ask_once() -> None:
    site = Site()
    site.meeting()
    subscription = next(iter(site.focus._active.of_subscription))
    site.net.lost = lambda sender, data: data.startswith(b"SUBSCRIBE")
    for _ in range(3):
        site.node.endpoint.notify(
            subscription,
            body=b"<conference-info",
            content_type="application/conference-info+xml",
            benotify=True,
            now=site.net.now,
        )
        site.net.run()
    asked = [one for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.method == "SUBSCRIBE"]
    assert len(asked) == 2


@pytest.mark.parametrize("session_expires", [1200, None])
def test_a_broken_connection_heals(session_expires: int | None) -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    bob = site.joined(site.client("bob", session_expires=session_expires), conference)
    for _ in range(5):
        alice.client.set_lock(True, now=site.net.now)
        alice.client.set_lock(False, now=site.net.now)
        site.net.run()
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(60.0)
    assert bob.client.state is ClientState.JOINED
    site.joined(site.client("carol"), conference)
    assert bob.user("sip:carol@example.com") is not None
    assert attrs.evolve(alice.roster, version=0) == attrs.evolve(bob.roster, version=0)
    bob.client.get_conference(now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandSucceeded)


def test_a_broken_connection_heals_without_a_subscription() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    bob = site.joined(site.client("bob"), conference, subscribe=False)
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(60.0)
    assert bob.client.state is ClientState.JOINED
    assert alice.user("sip:bob@example.com") is not None


def test_a_focus_that_is_gone_for_good_is_noticed_without_a_command() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    bob = site.joined(site.client("bob"), conference)
    site.net.unreachable(site.node)
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(40.0)
    assert bob.node.of(Rejoining)
    assert bob.node.of(Left) == []
    site.net.run(400.0)
    assert [event.cause for event in bob.node.of(Left)] == [LeaveCause.LOST]
    assert bob.client.state is ClientState.OUT


def test_a_command_given_while_a_lost_dialog_ends_ends_with_it() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    bob = site.joined(site.client("bob"), conference)
    site.net.cut = lambda sent, flow: True
    for _ in range(2):  # the question whether the Focus is there fails, and nobody answers the BYE
        for flow in site.net.connections(bob.node):
            site.net.break_off(flow)
        site.net.run(1.0)
    assert bob.client.state is ClientState.JOINED
    command = bob.client.set_lock(True, now=site.net.now)
    site.net.run(60.0)
    assert bob.node.of(Rejoining)
    site.net.run(400.0)
    (failed,) = [event for event in bob.node.of(CommandFailed) if event.command == command]
    assert failed.reason in (FailureReason.DIALOG_ENDED, FailureReason.TIMEOUT)
    assert [event.cause for event in bob.node.of(Left)] == [LeaveCause.LOST]


def test_a_connection_that_breaks_while_leaving_is_no_mistake() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    bob = site.joined(site.client("bob"), conference)
    bob.client.leave(now=site.net.now)
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(60.0)
    assert len(bob.node.of(Left)) == 1
    assert bob.client.state is ClientState.OUT


def test_an_old_document_is_ignored() -> None:
    site = Site()
    conference, alice, _ = site.meeting("bob")
    whole = site.focus.roster(conference)
    assert whole is not None
    before = alice.roster
    events = len(alice.node.events)
    site.node.endpoint.notify(
        min(site.focus._active.of_subscription),
        body=bytes(attrs.evolve(whole, version=0, users=None)),
        content_type="application/conference-info+xml",
        benotify=True,
        now=site.net.now,
    )
    site.net.run()
    assert alice.roster is before
    assert len(alice.node.events) == events


def test_a_client_that_cannot_come_back_is_lost() -> None:
    site = Site()
    _conference, alice, (bob,) = site.meeting("bob")
    flows = site.net.connections(bob.node)
    site.net.unreachable(site.node)
    site.net.unreachable(bob.node)
    for flow in flows:
        site.net.break_off(flow)
    site.net.run(2_000.0)
    assert alice.user("sip:bob@example.com") is None
    assert bob.node.last(Left).cause is LeaveCause.LOST


def test_without_benotify_and_piggyback_notifications_are_answered_ones() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    bob = site.joined(site.client("bob", benotify=False, piggyback=False), conference)
    site.joined(site.client("carol"), conference)
    assert bob.user("sip:carol@example.com") is not None
    to_bob = [
        one.method
        for one in site.net.messages("focus")
        if isinstance(one, SipRequest) and "bob" in str(one.to.uri) and "NOTIFY" in one.method
    ]
    assert to_bob == ["NOTIFY", "NOTIFY"]


def test_a_subscription_that_is_refused_is_lost_with_its_status() -> None:
    site = Site(max_subscriptions=0)
    alice = site.client("alice")
    conference = site.created(alice)
    site.joined(alice, conference)
    lost = alice.node.last(SubscriptionLost)
    assert (lost.reason, lost.status) == ("refused", 503)


def test_client_settings_name_the_focus_factory_and_the_device() -> None:
    config = ClientConfig(aor="sip:alice@example.com")
    assert config.focus_factory == "sip:alice@example.com;gruu;opaque=app:conf:focusfactory"
    site = Site()
    alice = site.client("alice", epid="0123abcd")
    conference = site.created(alice)
    site.joined(alice, conference)
    user = alice.user("sip:alice@example.com")
    assert user is not None
    assert user.endpoints[0].epid == "0123abcd"
    assert alice.node.of(CommandAccepted) == []
