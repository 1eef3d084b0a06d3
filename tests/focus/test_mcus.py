"""What MCUs report, who is believed, and what happens when one fails (MS-CONFBAS, docs/design-decisions.rst)."""

from __future__ import annotations

import attrs
import pytest
from focus_site import FakeMcu, Phone, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    DeleteConference,
    DeleteUser,
    Endpoint,
    EntityState,
    EntityView,
    ExchangeFailure,
    GetConference,
    ModifyConferenceLock,
    Notify,
    Reply,
    Request,
    State,
    User,
)
from focus import CommandFailed, McuAssigned, McuLost
from sip import Request as SipRequest

PHONE = "sip:phone@example.org"


def talking() -> tuple[Site, FakeMcu, str, Phone]:
    """A conference with a phone in it."""
    site = Site()
    mcu = site.mcu()
    site.mcu("av2")
    conference, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    return site, mcu, conference, alice


def put_out(mcu: FakeMcu) -> list[str]:
    """Whom the MCU was told to end all calls of."""
    commands = [one.command for one in mcu.commands(DeleteUser)]
    return [one.user_keys.user_entity for one in commands if isinstance(one, DeleteUser)]


def endpoint(mcu: FakeMcu, **fields: object) -> Endpoint:
    made = Endpoint(entity="{11111111-2222-3333-4444-555555555555}", state=State.FULL, status="connected")
    return attrs.evolve(made, **fields)


# Merging -------------------------------------------------------------------------------------------------------------


def test_endpoints_of_another_type_and_roles_are_not_an_mcus_to_report() -> None:
    _, mcu, _, alice = talking()
    mcu.notify(
        User(
            entity="sip:guest@example.org",
            state=State.FULL,
            roles=("presenter",),
            endpoints=(endpoint(mcu, session_type="focus"),),
        )
    )
    assert alice.user("sip:guest@example.org") is None
    mcu.notify(User(entity="sip:guest@example.org", state=State.FULL, roles=("presenter",), endpoints=(endpoint(mcu),)))
    user = alice.user("sip:guest@example.org")
    assert user is not None
    assert user.roles == ("attendee",)
    assert user.endpoints[0].session_type == "audio-video"


def test_an_mcu_cannot_take_over_an_endpoint_of_the_focus() -> None:
    _, mcu, _, alice = talking()
    user = alice.user("sip:alice@example.com")
    assert user is not None
    own = user.endpoints[0]
    mcu.notify(User(entity="sip:alice@example.com", state=State.FULL, endpoints=(endpoint(mcu, entity=own.entity),)))
    again = alice.user("sip:alice@example.com")
    assert again is not None
    assert again.endpoints == (own,)


def test_a_partial_change_of_an_endpoint_is_sent_on_as_the_whole_user() -> None:
    _, mcu, _, alice = talking()
    whole = alice.user(PHONE)
    assert whole is not None
    change = Endpoint(entity=whole.endpoints[0].entity.lower(), state=State.PARTIAL, status="on-hold")
    mcu.notify(User(entity="sip:PHONE@example.org", state=State.PARTIAL, endpoints=(change,)))
    user = alice.user(PHONE)
    assert user is not None
    assert user.endpoints == (attrs.evolve(whole.endpoints[0], status="on-hold"),)


def test_a_full_document_replaces_the_mcus_endpoints_and_nobody_elses() -> None:
    site = Site(factory=attrs.evolve(Site().factory.config, mcu_types=("audio-video", "chat")))
    audio, chat = site.mcu(), site.mcu("im1", "chat")
    _, alice, _ = site.meeting(mcu_types=("audio-video", "chat"))
    for mcu_type, mcu in (("audio-video", audio), ("chat", chat)):
        alice.client.add_user(PHONE, mcu_type=mcu_type, now=site.net.now)
        site.net.run()
        mcu.answer_call(PHONE)
    audio.version += 1
    audio.users.clear()
    empty = Notify(notification_id=9, from_=audio.uri, to=audio.conference, conference_info=audio.document())
    assert audio.post(empty) == Reply(200)
    user = alice.user(PHONE)
    assert user is not None
    assert [one.session_type for one in user.endpoints] == ["chat"]


def test_the_view_of_an_mcu_is_kept_up_to_date() -> None:
    _, mcu, _, alice = talking()
    mcu.version += 1
    view = EntityView(entity=mcu.uri, state=State.PARTIAL, entity_state=EntityState(locked=True))
    whole = mcu.document()
    assert whole.conference_view is not None
    info = ConferenceInfo(
        entity=mcu.conference,
        state=State.PARTIAL,
        version=mcu.version,
        conference_view=attrs.evolve(whole.conference_view, state=State.PARTIAL, views=(view,)),
    )
    mcu.post(Notify(notification_id=9, from_=mcu.uri, to=mcu.conference, conference_info=info))
    shown = alice.roster.conference_view
    assert shown is not None
    state = shown.views[1].entity_state
    assert state is not None
    assert state.locked is True


def test_a_roster_has_a_limit_that_mcus_cannot_exceed() -> None:
    site = Site(max_users=2)
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    mcu.notify(User(entity="sip:third@example.org", state=State.FULL, endpoints=(endpoint(mcu),)))
    assert alice.user("sip:third@example.org") is None
    assert put_out(mcu) == ["sip:third@example.org"]


def test_a_user_has_a_limit_of_endpoints_that_mcus_cannot_exceed() -> None:
    site = Site(max_endpoints_per_user=2)
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    made = tuple(endpoint(mcu, entity=f"{{{n:08}-2222-3333-4444-555555555555}}") for n in range(3))
    mcu.notify(User(entity=PHONE, state=State.FULL, endpoints=made))
    user = alice.user(PHONE)
    assert user is not None
    assert len(user.endpoints) == 2
    # Nobody is there who is not shown: the MCU is told to end what it has of that user, once.
    mcu.notify(User(entity=PHONE, state=State.FULL, endpoints=made))
    assert put_out(mcu) == [PHONE]


# Versions ------------------------------------------------------------------------------------------------------------


def test_a_repeated_notification_changes_nothing() -> None:
    site, mcu, _, alice = talking()
    before = alice.roster.version
    mcu.version -= 1
    assert mcu.notify(User(entity=PHONE, state=State.DELETED)) == Reply(200)
    assert alice.roster.version == before
    assert alice.status(PHONE) == "connected"
    assert site.node.of(McuLost) == []


def test_after_a_gap_the_focus_asks_for_the_whole() -> None:
    _, mcu, _, alice = talking()
    mcu.users[PHONE] = attrs.evolve(
        mcu.users[PHONE], endpoints=(attrs.evolve(mcu.users[PHONE].endpoints[0], status="on-hold"),)
    )
    mcu.notify(mcu.users[PHONE], skip=1)
    assert len(mcu.commands(GetConference)) == 1
    assert alice.status(PHONE) == "on-hold"
    mcu.call(PHONE, "connected")
    assert alice.status(PHONE) == "connected"


def test_a_gap_that_cannot_be_filled_is_filled_by_the_next_full_document() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[GetConference] = lambda request: ExchangeFailure.UNUSABLE
    mcu.notify(User(entity=PHONE, state=State.DELETED), skip=1)
    assert alice.status(PHONE) == "connected"
    mcu.users.clear()
    mcu.version += 1
    mcu.post(Notify(notification_id=9, from_=mcu.uri, to=mcu.conference, conference_info=mcu.document()))
    assert alice.user(PHONE) is None
    assert site.node.of(McuLost) == []


def test_versions_that_begin_again_mean_that_the_mcu_lost_its_state() -> None:
    site, mcu, _, alice = talking()
    mcu.version = 0
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=mcu.document()))
    assert site.node.last(McuLost).reason == "its versions began again"
    assert alice.user(PHONE) is None


def test_an_mcu_that_dropped_the_conference_is_lost() -> None:
    site, mcu, conference, alice = talking()
    gone = ConferenceInfo(entity=conference, state=State.DELETED, version=99)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=conference, conference_info=gone))
    assert site.node.last(McuLost).mcu_id == "av1"
    assert alice.user(PHONE) is None


# Who is believed -----------------------------------------------------------------------------------------------------


def test_only_the_mcu_itself_is_believed() -> None:
    _, mcu, _, alice = talking()
    assert mcu.notify(User(entity=PHONE, state=State.DELETED), peer="mallory") == Reply(403)
    assert alice.status(PHONE) == "connected"
    mcu.version -= 1
    assert mcu.notify(User(entity=PHONE, state=State.DELETED), peer="av1.example.com") == Reply(200)
    assert alice.user(PHONE) is None


def test_a_late_response_of_somebody_else_is_refused() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    forged = mcu.dialled[PHONE].respond(Code.FAILURE, reason="otherFailure")
    assert mcu.post(forged, peer="mallory") == Reply(403)
    assert alice.node.of(CommandFailed) == []


def test_what_is_for_no_active_conference_or_no_mcu_of_it_is_404() -> None:
    site, mcu, conference, _ = talking()
    info = mcu.document()
    elsewhere = conference.replace("id:", "id:FFFF")
    for to, sender in ((elsewhere, mcu.uri), (conference, conference), (conference, "sip:x@example.com")):
        notify = Notify(notification_id=1, from_=sender, to=to, conference_info=info)
        assert mcu.post(notify) == Reply(404)
    assert site.node.of(McuLost) == []


def test_requests_have_no_business_at_the_callback() -> None:
    site, mcu, conference, _ = talking()
    request = Request(request_id="1", from_=mcu.uri, to=conference, command=GetConference())
    assert site.focus.receive_c3p(request, peer="av1", now=site.net.now) == Reply(400)
    assert site.focus.receive_c3p(mcu.document(), peer="av1", now=site.net.now) == Reply(400)


def test_a_response_to_nothing_is_dropped() -> None:
    _, mcu, conference, _ = talking()
    request = Request(request_id="4711", from_=conference, to=mcu.uri, command=GetConference())
    assert mcu.post(request.respond(Code.SUCCESS)) == Reply(200)


# Failure -------------------------------------------------------------------------------------------------------------


def test_the_failure_procedure() -> None:
    site, mcu, _, alice = talking()
    alice.client.add_user("sip:ringing@example.org", now=site.net.now)
    site.net.run()
    mcu.call("sip:ringing@example.org", "alerting")
    mcu.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()

    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.reason == "timeout"
    assert failed.text == "dialOutFailed (The conferencing server is gone)"
    assert alice.user(PHONE) is None
    assert alice.user("sip:ringing@example.org") is None
    assert [one.mcu_id for one in site.node.of(McuAssigned)] == ["av1", "av2"]
    last = site.mcu_factory.requests[-1].command
    assert isinstance(last, AddConference)
    assert last.exclude == ("av1",)
    view = alice.roster.conference_view
    assert view is not None
    assert len(view.views) == 2
    bootstrap = site.mcu_factory.mcus[1].requests[0].command
    assert isinstance(bootstrap, AddConference)
    assert bootstrap.conference_info is not None
    assert bootstrap.conference_info.conference_view is not None
    state = bootstrap.conference_info.conference_view.views[0].entity_state
    assert state is not None
    assert state.locked is True


def test_an_mcu_that_was_started_anew_gets_the_conference_again() -> None:
    """It answers, and knows nothing: no other is looked for, and the call that found it out is made."""
    site, mcu, _, alice = talking()

    def unknown(request: Request) -> Reply:
        del mcu.answers[AddUser]
        mcu.users.clear()
        mcu.version = 0
        return Reply(404)

    mcu.answers[AddUser] = unknown
    for user in ("sip:first@example.org", "sip:second@example.org"):
        alice.client.add_user(user, now=site.net.now)
    site.net.run()
    assert alice.user(PHONE) is None
    assert [one.mcu_id for one in site.node.of(McuAssigned)] == ["av1", "av1"]
    assert [one.command.exclude for one in site.mcu_factory.requests] == [(), ()]  # type: ignore[attr-defined]
    for user in ("sip:first@example.org", "sip:second@example.org"):
        mcu.call(user, "connected")
        mcu.answer_call(user)
    assert alice.node.of(CommandFailed) == []


def test_an_mcu_that_forgets_a_conference_again_and_again_does_not_get_it_for_ever() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[AddUser] = lambda request: Reply(404)
    alice.client.add_user("sip:first@example.org", now=site.net.now)
    site.net.run()
    assert [one.mcu_id for one in site.node.of(McuAssigned)] == ["av1", "av1", "av2"]
    assert site.mcu_factory.requests[-1].command.exclude == ("av1",)  # type: ignore[union-attr]


def test_commands_that_wait_go_to_the_replacement() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[AddUser] = lambda request: None
    alice.client.add_user("sip:first@example.org", now=site.net.now)
    alice.client.add_user("sip:second@example.org", now=site.net.now)
    site.net.run()
    site.net.fail_held(ExchangeFailure.CONNECT)
    second = site.mcu_factory.mcus[1]
    assert [one.command.user.entity for one in second.commands(AddUser)] == ["sip:second@example.org"]  # type: ignore[attr-defined]


def test_an_mcu_that_comes_back_is_not_believed_and_told_to_drop_the_conference() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert mcu.notify(mcu.users[PHONE]) == Reply(404)
    assert alice.user(PHONE) is None
    assert len(mcu.commands(DeleteConference)) == 2  # when it was given up, and when it came back
    assert mcu.notify(mcu.users[PHONE], peer="av9") == Reply(403)


def test_a_conference_whose_mcus_are_all_gone_goes_on_without() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    mcu.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    view = alice.roster.conference_view
    assert view is not None
    assert len(view.views) == 1
    site.net.run(11.0)
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    assert len(mcu.commands(AddConference)) == 2


def test_a_notification_may_overtake_the_answer_to_the_bootstrap() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    kept: list[Request] = []

    def bootstrap(request: Request) -> None:
        command = request.command
        assert isinstance(command, AddConference)
        assert command.conference_info is not None
        mcu.conference = command.conference_info.entity
        kept.append(request)

    mcu.answers[AddConference] = bootstrap
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.version = 1
    assert mcu.post(
        Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=mcu.document())
    ) == Reply(200)
    ((focus, node, exchange),) = site.net.held
    old = attrs.evolve(mcu.document(), version=0)
    answer = kept[0].respond(Code.SUCCESS, command=AddConference(conference_info=old))
    site.net.answer(focus, node, exchange, Reply(200, answer))
    site.net.run()
    mcu.answer_call(PHONE)
    assert alice.status(PHONE) == "connected"
    assert site.node.of(McuLost) == []


# Silence -------------------------------------------------------------------------------------------------------------


def published(site: Site) -> int:
    """Documents that the Focus sent so far."""
    methods = ("NOTIFY", "BENOTIFY")
    return sum(isinstance(one, SipRequest) and one.method in methods for one in site.net.messages("focus"))


def test_an_mcu_that_asks_whether_the_focus_is_there_changes_nothing() -> None:
    site, mcu, _, _ = talking()
    before = published(site)
    assert mcu.notify().status == 200
    mcu.version += 1
    bare = ConferenceInfo(entity=mcu.conference, state=State.PARTIAL, version=mcu.version)
    document = Notify(notification_id=mcu.version, from_=mcu.uri, to=mcu.conference, conference_info=bare)
    assert mcu.post(document).status == 200
    assert published(site) == before
    assert mcu.commands(GetConference) == []


def test_an_mcu_that_died_without_a_word_is_found_out() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[GetConference] = lambda request: ExchangeFailure.CONNECT
    site.net.run(60.0)
    assert site.node.last(McuLost).mcu_id == "av1"
    assert alice.user(PHONE) is None
    assert site.node.last(McuAssigned).mcu_id == "av2"


def test_an_mcu_that_hangs_is_given_up_after_two_questions() -> None:
    site, mcu, _, alice = talking()
    mcu.answers[GetConference] = lambda request: ExchangeFailure.TIMEOUT
    site.net.run(120.0)
    assert len(mcu.commands(GetConference)) == 2
    assert site.node.last(McuLost).mcu_id == "av1"
    assert alice.user(PHONE) is None


def test_an_mcu_that_speaks_is_not_asked_and_one_that_has_nobody_hardly_ever() -> None:
    site, mcu, _, _ = talking()
    for _ in range(5):
        site.net.run(30.0)
        mcu.notify()
    assert mcu.commands(GetConference) == []
    mcu.hang_up(PHONE)
    site.net.run(400.0)  # it gives up a conference of which it hears nothing
    assert 2 <= len(mcu.commands(GetConference)) <= 4


def test_a_quiet_mcu_that_answers_keeps_its_conference() -> None:
    site, mcu, _, alice = talking()
    site.net.run(200.0)
    assert len(mcu.commands(GetConference)) == 4
    assert site.node.of(McuLost) == []
    assert alice.status(PHONE) == "connected"


def test_an_mcu_that_answers_nonsense_is_not_asked_again_at_once() -> None:
    site, mcu, _, _ = talking()
    mcu.answers[GetConference] = lambda request: ExchangeFailure.UNUSABLE
    site.net.run(100.0)
    assert len(mcu.commands(GetConference)) == 2
    assert site.node.of(McuLost) == []


def test_a_whole_document_that_took_its_time_does_not_cost_the_mcu_its_calls() -> None:
    site, mcu, _, alice = talking()
    late = mcu.document()
    mcu.call(PHONE, "on-hold")
    document = Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=late)
    assert mcu.post(document).status == 200
    assert len(mcu.commands(GetConference)) == 1
    assert site.node.of(McuLost) == []
    assert alice.status(PHONE) == "on-hold"


def test_an_answer_that_was_overtaken_is_asked_for_again() -> None:
    site, mcu, _, alice = talking()
    late, mcu.version = mcu.document(), mcu.version + 1

    def overtaken(request: Request) -> Reply:
        del mcu.answers[GetConference]
        return Reply(200, request.respond(Code.SUCCESS, command=GetConference(conference_info=late)))

    mcu.answers[GetConference] = overtaken
    whole = mcu.document()
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=whole))
    site.net.run(50.0)
    assert len(mcu.commands(GetConference)) == 2
    assert site.node.of(McuLost) == []
    assert alice.status(PHONE) == "connected"


@pytest.mark.parametrize(("alive", "mcu_id"), [(True, "av1"), (False, "av1"), (False, "another")])
def test_an_mcu_that_is_suspected_is_asked_and_judged_by_its_answer(alive: bool, mcu_id: str) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    if not alive:
        mcu.answers[GetConference] = lambda request: ExchangeFailure.CONNECT
    site.focus.suspect_mcu(mcu_id, now=site.net.now)
    site.net.run()
    lost = not alive and mcu_id == "av1"
    assert alice.status(PHONE) == (None if lost else "connected")
    assert len(mcu.commands(GetConference)) == (mcu_id == "av1")
    assert any(isinstance(event, McuLost) for event in site.node.events) == lost
