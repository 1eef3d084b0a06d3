"""Rare paths of the Focus, each with what it must not do."""

from __future__ import annotations

import attrs
import pytest
from focus_site import FACTORY_URL, FakeMcu, Phone, Site
from pidgin_peer import CONF, ME, Pidgin

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    ConnectionInfo,
    DeleteUser,
    EntityView,
    ExchangeFailure,
    GetConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    Notify,
    Reply,
    Request,
    State,
    User,
    Users,
    mcu_uri,
    parse_document,
)
from focus import CommandFailed, CommandSucceeded, FocusConfig, JoinFailed, Left, McuLost
from focus.answers import Answer, Remembered
from focus.mcu_part import McuPart, Verdict, users_named
from focus.reach import record_route
from focus.subscribing import granted_expires
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
    statuses = [one.status for one in site.net.sent("focus") if isinstance(one, SipResponse)][-3:]
    assert statuses == [200, 200, 200]
    assert alice.node.of(Left) == []


def test_a_flow_that_breaks_after_an_ejection_is_nobodys() -> None:
    site = Site()
    _, alice, (bob,) = site.meeting("bob")
    site.net.lost = lambda sender, data: sender == "bob" or (sender == "focus" and data.startswith(b"BYE"))
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    for flow in site.net.peers_of(bob.node):
        site.net.close(flow)
    site.net.pass_time(60.0)
    assert len(site.focus._sessions) == 1


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


# MCU parts -----------------------------------------------------------------------------------------------------------


def part(version: int | None, state: State = State.FULL) -> ConferenceInfo:
    return ConferenceInfo(entity=CONF, state=state, version=version, users=Users(state=state))


def test_versions_of_an_mcus_part() -> None:
    known = McuPart()
    assert known.receive(part(5, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(6)) is Verdict.APPLIED
    assert known.receive(part(6)) is Verdict.IGNORED
    assert known.receive(part(6, State.PARTIAL)) is Verdict.IGNORED
    assert known.receive(part(7, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(9, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(10, State.PARTIAL)) is Verdict.GAP
    assert known.receive(part(3)) is Verdict.RESET
    assert known.receive(part(10)) is Verdict.APPLIED
    assert known.receive(part(None, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(11, State.PARTIAL)) is Verdict.APPLIED
    assert known.receive(part(12, State.DELETED)) is Verdict.DELETED


def test_which_users_a_document_is_about() -> None:
    assert users_named(part(1)) is None
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL)) == []
    replaced = ConferenceInfo(entity=CONF, state=State.PARTIAL, users=Users(state=State.FULL))
    assert users_named(replaced) is None
    named = Users(state=State.PARTIAL, users=(User(entity="sip:Bob@example.com"),))
    assert users_named(ConferenceInfo(entity=CONF, state=State.PARTIAL, users=named)) == ["bob@example.com"]


def test_a_view_of_something_else_is_not_an_mcus_to_show() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.version += 1
    whole = mcu.document()
    assert whole.conference_view is not None
    views = (*whole.conference_view.views, EntityView(entity=mcu.conference, state=State.FULL))
    shown = attrs.evolve(whole, conference_view=attrs.evolve(whole.conference_view, views=views))
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=shown))
    view = alice.roster.conference_view
    assert view is not None
    assert view.views[0].entity_state is not None


# MCU links -----------------------------------------------------------------------------------------------------------


def talking(*names: str) -> tuple[Site, FakeMcu, Phone]:
    site = Site()
    mcus = [site.mcu(name) for name in (names or ("av1",))]
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    return site, mcus[0], alice


def test_a_final_answer_by_callback_before_the_http_answer_counts_once() -> None:
    site, mcu, alice = talking()
    kept: list[Request] = []

    def later(request: Request) -> None:
        kept.append(request)

    mcu.answers[AddUser] = later
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    assert mcu.post(kept[0].respond(Code.SUCCESS)) == Reply(200)
    ((focus, node, exchange),) = site.net.held
    site.net.answer(focus, node, exchange, Reply(200, kept[0].respond(Code.PENDING)))
    site.net.run()
    assert len(alice.node.of(CommandSucceeded)) == 1


@pytest.mark.parametrize("outcome", [ExchangeFailure.TIMEOUT, ExchangeFailure.UNUSABLE])
def test_a_failed_exchange_after_the_final_answer_changes_nothing(outcome: ExchangeFailure) -> None:
    site, mcu, alice = talking()
    kept: list[Request] = []
    mcu.answers[AddUser] = lambda request: kept.append(request)  # type: ignore[func-returns-value]
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    mcu.post(kept[0].respond(Code.SUCCESS))
    site.net.fail_held(outcome)
    assert alice.node.of(CommandFailed) == []


def test_an_mcu_that_says_it_dropped_the_conference_before_it_was_ready_is_not_lost() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()

    def bootstrap(request: Request) -> None:
        assert isinstance(request.command, AddConference)
        assert request.command.conference_info is not None
        mcu.conference = request.command.conference_info.entity

    mcu.answers[AddConference] = bootstrap
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    gone = ConferenceInfo(entity=mcu.conference, state=State.DELETED, version=1)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=gone))
    assert site.node.of(McuLost) == []


def test_an_mcu_that_is_lost_with_an_exchange_under_way_forgets_it() -> None:
    site, mcu, alice = talking("av1", "av2")
    mcu.answers[AddUser] = lambda request: None
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    gone = ConferenceInfo(entity=mcu.conference, state=State.DELETED, version=9)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=gone))
    site.net.fail_held()
    assert len(alice.node.of(CommandFailed)) == 2
    assert site.mcu_factory.mcus[1].commands(AddConference)


def test_an_mcu_that_does_not_know_the_conference_when_asked_for_it_is_lost() -> None:
    site, mcu, _ = talking("av1", "av2")
    mcu.call(PHONE, "connected")
    mcu.answers[GetConference] = lambda request: Reply(404)
    mcu.call(PHONE, "on-hold")
    mcu.version += 1
    mcu.call(PHONE, "connected")
    assert site.node.last(McuLost).reason == "the MCU does not know the conference"


def test_an_mcu_that_cannot_say_what_it_has_keeps_what_it_said() -> None:
    site, mcu, alice = talking()
    mcu.call(PHONE, "connected")
    mcu.answers[GetConference] = lambda request: Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
    mcu.version += 1
    mcu.call(PHONE, "on-hold")
    assert alice.status(PHONE) == "connected"
    assert site.node.of(McuLost) == []


def test_many_mcus_that_failed_are_not_all_remembered() -> None:
    names = tuple(f"av{number}" for number in range(20))
    site, mcu, alice = talking(*names)
    for _ in range(19):
        used = next(one for one in reversed(site.mcu_factory.mcus) if one.commands(AddConference))
        used.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
        site.mcu_factory.mcus.remove(used)
        alice.client.set_lock(True, now=site.net.now)
        site.net.run()
    conference = next(iter(site.focus._active.values()))
    assert len(conference.link("audio-video")._retired) <= 12
    assert mcu.conference


def test_a_role_change_on_two_mcus_waits_for_both() -> None:
    types = ("audio-video", "chat")
    site = Site(factory=attrs.evolve(Site().factory.config, mcu_types=types))
    audio, chat = site.mcu(), site.mcu("im1", "chat")
    _, alice, _ = site.meeting(mcu_types=types)
    for kind, mcu in zip(types, (audio, chat), strict=True):
        alice.client.add_user(PHONE, mcu_type=kind, now=site.net.now)
        site.net.run()
        mcu.answer_call(PHONE)
    chat.answers[DeleteUser] = lambda request: None
    command = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert command not in [one.command for one in alice.node.of(CommandSucceeded)]
    site.net.fail_held()
    assert command in [one.command for one in alice.node.of(CommandSucceeded)]


def test_a_fan_out_that_was_answered_in_time_is_not_answered_again() -> None:
    site, mcu, alice = talking()
    mcu.answers[ModifyConferenceLock] = lambda request: None
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.pass_time(31.0)
    site.net.fail_held()
    site.net.pass_time(200.0)
    succeeded = [one for one in alice.node.of(CommandSucceeded) if one.command == command]
    assert len(succeeded) == 1


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


def test_dialogs_of_an_activation_that_ended_do_not_disturb_the_next_one() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    # Bob does not hear that it is over, and answers the BYE of the Focus very late.
    site.net.lost = lambda sender, data: sender == "bob" or (sender == "focus" and data.startswith(b"BYE sip:bob"))
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    site.joined(alice, conference)
    due = site.focus.next_timeout()
    site.net.pass_time(60.0)
    assert site.focus.conferences == (conference,)
    assert site.focus.next_timeout() == due
    assert len(site.focus._sessions) == 1
    assert bob.node.of(Left) == []


def test_muting_does_not_need_a_view_of_the_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")

    def bootstrap(request: Request) -> Reply:
        mcu.conference = conference
        return Reply(200, request.respond(Code.SUCCESS, command=AddConference()))

    mcu.answers[AddConference] = bootstrap
    alice.client.add_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    mcu.version = 1
    mcu.users.clear()
    whole = attrs.evolve(mcu.document(), conference_view=None)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=conference, conference_info=whole))
    mcu.call("sip:bob@example.com", "connected")
    user = bob.user("sip:bob@example.com")
    assert user is not None
    bob.client.mute("sip:bob@example.com", endpoint=user.endpoints[1].entity, muted=False, now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandSucceeded)


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
    site.net.pass_time(1.0)
    assert len(site.focus._subscriptions) == 1
    assert site.focus.conferences == (conference,)
