"""Rare paths of the Focus, each with what it must not do."""

from __future__ import annotations

import attrs
from focus_site import FACTORY_URL, Site
from pidgin_peer import CONF, ME, Pidgin

from c3p import (
    AddConference,
    Code,
    ConferenceKeys,
    ConnectionInfo,
    ModifyConferenceAnnouncements,
    Reply,
    mcu_uri,
    parse_document,
)
from focus import CommandFailed, CommandSucceeded, FocusConfig, JoinFailed, Left
from focus.answers import Answer, Remembered
from focus.contact import record_route
from focus.subscription_policy import granted_expires
from sip import Address, EndpointConfig, Flow, FlowLost, Listen, SeededEntropy
from sip import Endpoint as SipEndpoint
from sip import Request as SipRequest
from sip import Response as SipResponse

PHONE = "sip:phone@example.org"


def test_remembered_answers_are_bounded() -> None:
    kept = Remembered(2)
    for number in range(3):
        kept.put(str(number), Answer(200))
    assert [kept.get(str(number)) is not None for number in range(3)] == [False, True, True]


def test_a_subscription_lasts_what_was_asked_for_up_to_the_limit() -> None:
    config = FocusConfig()
    assert granted_expires(None, config) == 3600
    assert granted_expires(100, config) == 100
    assert granted_expires(100_000, config) == 3600
    assert granted_expires(0, config) == 0


def test_a_record_route_is_our_address_as_others_reach_it() -> None:
    flow = Flow(1, "TCP", Address("10.0.0.1", 5070), Address("192.0.2.9", 4000))
    request = SipRequest.build("INVITE", CONF)

    def route(listen: Listen, flow: Flow = flow, request: SipRequest = request) -> list[str]:
        endpoint = SipEndpoint(EndpointConfig(listen=(listen,)), entropy=SeededEntropy(b"x"))
        return [str(value) for _, value in record_route(request, flow, endpoint)]

    plain = Listen("TCP", "0.0.0.0", 5070)
    assert route(plain) == ["<sip:10.0.0.1:5070;transport=tcp;lr>"]
    public = Listen("TCP", "0.0.0.0", 5070, public_host="192.0.2.1", public_port=5061)
    assert route(public) == ["<sip:192.0.2.1:5061;transport=tcp;lr>"]
    assert route(plain, attrs.evolve(flow, local=Address("0.0.0.0", 5070))) == []
    proxied = request.evolve(add=[("Record-Route", "<sip:proxy.example.com;lr>")])
    assert route(plain, request=proxied) == []


def test_an_invite_of_nobody_is_refused() -> None:
    site = Site(identify=lambda request, flow: None)
    alice = site.client("alice")
    conference = site.created(alice)
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == 403


def test_what_comes_in_a_dialog_of_a_subscription_is_no_command() -> None:
    site = Site()
    peer = Pidgin(site)
    peer.create()
    peer.join()
    (answer,) = peer.subscribe()
    assert isinstance(answer, SipResponse)
    answers = peer.send(
        f"""INFO {CONF} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKi
        From: <{ME}>;tag=3333
        To: <{CONF}>;tag={answer.to.tag}
        Max-Forwards: 70
        CSeq: 2 INFO
        Call-ID: subscribe1
        Content-Type: application/cccp+xml""",
        b"<x/>",
    )
    assert [one.status for one in answers if isinstance(one, SipResponse)] == [481]


def test_refreshes_of_any_kind_keep_a_dialog() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    session = alice.client._session
    assert session is not None
    endpoint = alice.node.endpoint
    endpoint.request_in_session(session, "OPTIONS", now=site.net.now)
    endpoint.update(session, body=b"x", content_type="text/plain", now=site.net.now)
    site.net.run()
    endpoint.reinvite(session, body=b"x", content_type="text/plain", now=site.net.now)
    site.net.run()
    statuses = [one.status for one in site.net.messages("focus") if isinstance(one, SipResponse)][-3:]
    # The UPDATE has a part that nobody reads and that is not optional (RFC 3261 section 8.2.3).
    assert statuses == [200, 415, 200]
    assert alice.node.of(Left) == []


def test_a_flow_that_breaks_after_an_ejection_is_nobodys() -> None:
    site = Site()
    _, alice, (bob,) = site.meeting("bob")
    site.net.lost = lambda sender, data: sender == "bob" or (sender == "focus" and data.startswith(b"BYE"))
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    for flow in site.net.connections(bob.node):
        site.net.break_off(flow)
    site.net.run(60.0)
    assert len(site.focus._active.of_session) == 1


def test_announcements_are_the_mcus_business() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()

    command = ModifyConferenceAnnouncements(
        mcu_uri=mcu_uri(conference, "audio-video"),
        conference_keys=ConferenceKeys(conf_entity=conference),
        enabled=False,
    )
    alice.client._info(command, now=site.net.now)
    site.net.run()
    assert len(mcu.commands(ModifyConferenceAnnouncements)) == 1
    assert alice.node.of(CommandSucceeded)


def test_an_allocation_without_an_address_is_no_allocation() -> None:
    site = Site()
    site.net.services[FACTORY_URL] = lambda request: Reply(
        200, request.respond(Code.SUCCESS, command=AddConference(connection_info=ConnectionInfo.of({"mcu-id": "av1"})))
    )
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    assert alice.node.of(CommandFailed)


def test_dialogs_of_an_activation_that_ended_do_not_disturb_the_next_one() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    # Bob does not hear that it is over, and answers the BYE of the Focus very late.
    site.net.lost = lambda sender, data: sender == "bob" or (sender == "focus" and data.startswith(b"BYE sip:bob"))
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    site.joined(alice, conference)
    due = site.focus.next_timeout()
    site.net.run(60.0)
    assert site.focus.conferences == (conference,)
    assert site.focus.next_timeout() == due
    assert len(site.focus._active.of_session) == 1
    assert bob.node.of(Left) == []


def test_a_subscription_of_somebody_who_just_left_is_ended() -> None:
    site = Site()
    conference, _, (bob,) = site.meeting("bob")
    site.net.lost = lambda sender, data: sender == "focus" and data.startswith(b"BENOTIFY sip:bob")
    session = bob.client._session
    assert session is not None
    subscription = bob.client._watch._subscription
    assert subscription is not None
    bob.node.endpoint.bye(session, now=site.net.now)
    bob.node.endpoint.refresh(subscription, now=site.net.now)
    site.net.run()
    site.net.run(1.0)  # in which the client may have joined again
    assert len(site.focus._active.of_subscription) == len(site.focus._active.of_session)
    assert site.focus.conferences == (conference,)


def test_events_that_are_not_for_it_are_ignored() -> None:
    site = Site()
    flow = Flow(1, "TCP", Address("192.0.2.1", 5060), Address("192.0.2.2", 5060))
    assert site.focus.handle_event(FlowLost(owner="focus", flow=flow, reason="x"), now=0.0) == []
    assert site.factory.handle_event(FlowLost(owner="focus-factory", flow=flow, reason="x"), now=0.0) == []


def test_a_whole_conference_can_be_asked_for_again_and_again() -> None:
    site = Site()
    peer = Pidgin(site)
    peer.create()
    peer.join()
    command = f'<getConference><conferenceKeys confEntity="{CONF}"/></getConference>'
    answers = [peer.command(7, command), peer.command(7, command)]
    documents = [parse_document(one.body) for one in answers]
    assert documents[0] == documents[1]
