"""Subscribing to a conference (MS-CONFBAS, RFC 4575 section 3)."""

from __future__ import annotations

from calling import Caller
from focus_site import Phone, RawPeer, Site

from focus import (
    ParticipantJoined,
    SubscriptionLost,
)
from sip import NameAddr, Request
from sip import Response as SipResponse


def subscribe_refusal(phone: Phone, site: Site, conference: str, **more: object) -> int | None:
    phone.client._watch.start(conference, now=site.net.now)
    site.net.run()
    return phone.node.last(SubscriptionLost).status


def test_only_those_who_joined_may_subscribe() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    assert subscribe_refusal(site.client("carol"), site, conference) == 403


def test_a_subscription_to_an_unknown_conference_is_404_and_to_one_that_is_not_active_403() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    assert subscribe_refusal(alice, site, conference) == 403
    assert subscribe_refusal(alice, site, conference + "X") == 404


def test_the_first_document_is_whole_and_names_the_mcus() -> None:
    site = Site()
    conference, alice, _ = site.meeting(subject="Budget")
    description = alice.roster.description
    assert description is not None
    assert description.subject == "Budget"
    assert [(one.purpose, one.uri) for one in description.conf_uris] == [
        ("audio-video", conference.replace(":focus:", ":audio-video:"))
    ]
    assert description.organizer is not None
    assert description.organizer.entity == "sip:alice@example.com"


def test_a_refresh_is_answered_with_the_whole_state() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    before = alice.roster.version
    assert before is not None
    subscription = alice.client._watch._subscription
    assert subscription is not None
    alice.node.endpoint.refresh(subscription, now=site.net.now)
    site.net.run()
    assert alice.roster.version == before + 1
    assert len(site.focus._active.of_subscription) == 1


def test_unsubscribing_ends_the_documents_but_not_the_stay() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.client.unsubscribe(now=site.net.now)
    site.net.run(0.0)
    assert site.focus._active.of_subscription == {}
    site.joined(site.client("bob"), conference)
    assert alice.user("sip:bob@example.com") is None
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert alice.user("sip:bob@example.com") is not None


def test_a_subscription_ends_with_the_stay_of_its_user() -> None:
    site = Site()
    _conference, _alice, (bob,) = site.meeting("bob")
    bob.node.endpoint.bye(bob.client._session, now=site.net.now)  # type: ignore[arg-type]
    site.net.run()
    assert len(site.focus._active.of_subscription) == 1


def test_a_duration_below_the_minimum_is_423() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    subscription = alice.node.endpoint.subscribe(
        "client",
        conference,
        event="conference",
        from_=NameAddr("sip:alice@example.com"),
        to=NameAddr(conference),
        expires=10,
        route=alice.client.config.route,
        now=site.net.now,
    )
    site.net.run()
    answers = [
        one for one in site.net.messages("focus") if isinstance(one, SipResponse) and one.cseq.method == "SUBSCRIBE"
    ]
    assert subscription
    assert any(one.status == 423 and one.min_expires == 60 for one in answers)


def test_another_event_package_is_489() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.node.endpoint.subscribe(
        "client",
        conference,
        event="presence",
        from_=NameAddr("sip:alice@example.com"),
        to=NameAddr(conference),
        route=alice.client.config.route,
        now=site.net.now,
    )
    site.net.run()
    answers = [
        one for one in site.net.messages("focus") if isinstance(one, SipResponse) and one.cseq.method == "SUBSCRIBE"
    ]
    assert answers[-1].status == 489


def test_over_udp_only_the_host_that_joined_is_sent_rosters() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    site.joined(site.client("bob", transport="UDP"), conference)
    stranger = site.client("mallory", aor="sip:bob@example.com", transport="UDP")
    assert subscribe_refusal(stranger, site, conference) == 403


def test_over_udp_notifications_are_answered_ones() -> None:
    site = Site()
    conference, _alice, _ = site.meeting()
    bob = site.joined(site.client("bob", transport="UDP"), conference)
    site.joined(site.client("carol"), conference)
    assert bob.user("sip:carol@example.com") is not None
    methods = {
        one.method: str(one.to.uri)
        for one in site.net.messages("focus")
        if isinstance(one, Request) and "NOTIFY" in one.method
    }
    assert methods["NOTIFY"] == "sip:bob@example.com"
    assert methods["BENOTIFY"] != "sip:bob@example.com"


def test_a_subscription_whose_last_notification_is_not_answered_does_not_hold_up_the_others() -> None:
    site = Site(subscription_expires=100)
    conference, alice, _ = site.meeting()
    mute = RawPeer(site)
    mute.send(
        f"""INVITE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK1
        Max-Forwards: 70
        From: <sip:mute@example.com>;tag=1
        To: <{conference}>
        Call-ID: mute
        CSeq: 1 INVITE
        Contact: <sip:mute@192.0.2.77>
        Content-Type: application/cccp+xml""",
        bytes(Caller(site, "mute").document(conference)),
    )
    mute.send(
        f"""SUBSCRIBE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK2
        Max-Forwards: 70
        From: <sip:mute@example.com>;tag=2
        To: <{conference}>
        Call-ID: mute-2
        CSeq: 1 SUBSCRIBE
        Contact: <sip:mute@192.0.2.77>
        Event: conference
        Supported: ms-piggyback-first-notify"""
    )
    assert len(site.focus._active.of_subscription) == 2
    site.net.run(101.0)
    site.joined(site.client("carol"), conference)
    assert alice.user("sip:carol@example.com") is not None


def test_events_for_the_application_tell_who_came() -> None:
    site = Site()
    site.meeting("bob")
    assert [(one.user, one.role) for one in site.node.of(ParticipantJoined)] == [
        ("sip:alice@example.com", "presenter"),
        ("sip:bob@example.com", "attendee"),
    ]
