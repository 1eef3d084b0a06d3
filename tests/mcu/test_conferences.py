"""Commands about conferences: who may give them, what they change, how an MCU comes and goes."""

from __future__ import annotations

import pytest

from c3p import (
    AddConference,
    AddUser,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    DeleteUser,
    EntityState,
    EntityView,
    ExchangeFailure,
    GetConference,
    GetConferences,
    GetMcuHealth,
    InitialFilters,
    Media,
    MediaFiltersRules,
    MediaKeys,
    ModifyConference,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    RegisterMcu,
    Reply,
    Request,
    User,
    UserKeys,
)
from mcu import (
    ConferenceEndCause,
    ConferenceEnded,
    ConferenceStarted,
    FactoryConfig,
    McuFactory,
    RegistrationRefused,
)
from tests.mcu.harness import AV, CALLBACK, CONFERENCE, Code, World, diagnostics_of, guid

KEYS = ConferenceKeys(conf_entity=CONFERENCE)


def outcome(reply: Reply) -> tuple[int, str | None, str]:
    """HTTP status, specific reason, ErrorId."""
    response = reply.document
    if response is None:
        return reply.status, None, ""
    if response.code is not Code.FAILURE:
        return reply.status, response.code.value, ""
    return reply.status, response.command_reason, (diagnostics_of(response) or "").partition(";")[0]


# Bootstrap -----------------------------------------------------------------------------------------------------------


def test_bootstrap_answers_with_capabilities_and_reports_the_whole_state() -> None:
    world = World()
    reply = world.start(locked=True)
    assert outcome(reply) == (200, "success", "")
    assert reply.document is not None
    command = reply.document.command
    assert isinstance(command, AddConference)
    info = command.conference_info
    assert info is not None
    assert info.conference_view is not None
    (view,) = info.conference_view.views
    assert view.entity == AV
    assert view.capabilities is not None
    assert view.capabilities.av is not None
    assert view.capabilities.av.supports_audio
    assert view.entity_state is not None
    assert view.entity_state.locked
    assert view.entity_state.active
    assert [entry.label for entry in view.entity_state.media] == ["main-audio"]
    assert [event for event in world.events if isinstance(event, ConferenceStarted)] == [
        ConferenceStarted(owner="mcu", conference=CONFERENCE)
    ]
    (first,) = world.focus.notifications
    assert (first.state, first.version) == ("full", 1)
    assert world.focus.exchanges[0].url == CALLBACK


def test_bootstrap_again_changes_nothing_but_begins_with_a_whole_document() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    world.start()
    assert world.mcu.conferences == (CONFERENCE,)
    assert world.mcu.legs == 1
    last = world.focus.notifications[-1]
    assert last.state == "full"
    assert last.users is not None
    assert last.users.users[0].endpoints[0].status == "connected"
    versions = [info.version or 0 for info in world.focus.notifications]
    assert versions == sorted(set(versions))


def test_the_mcu_uri_is_derived_when_the_document_has_none() -> None:
    world = World()
    info = ConferenceInfo(entity=CONFERENCE)
    reply = world.post(AddConference(conference_info=info, callback_uri=CALLBACK))
    assert outcome(reply) == (200, "success", "")
    view = world.focus.roster.conference_view
    assert view is not None
    assert view.views[0].entity == AV


@pytest.mark.parametrize(
    "command",
    [
        AddConference(callback_uri=CALLBACK),
        AddConference(conference_info=ConferenceInfo(entity=CONFERENCE)),
        AddConference(conference_info=ConferenceInfo(entity="sip:alice@example.com"), callback_uri=CALLBACK),
        AddConference(conference_info=ConferenceInfo(entity="nonsense"), callback_uri=CALLBACK),
    ],
)
def test_a_bootstrap_that_says_too_little_is_refused(command: AddConference) -> None:
    world = World()
    reply = world.post(command)
    assert reply.document is not None
    assert (reply.document.code, reply.document.reason) == (Code.FAILURE, "requestMalformed")
    assert world.mcu.conferences == ()


def test_too_many_conferences_is_server_busy() -> None:
    world = World(max_conferences=0)
    assert outcome(world.start()) == (200, "otherFailure", "7000")


# Who may command -----------------------------------------------------------------------------------------------------


def test_only_the_owner_of_a_conference_commands_it() -> None:
    world = World(focus_peers=frozenset({"focus", "focus2"}))
    assert world.start(peer="").status == 401
    assert world.start(peer="stranger").status == 403
    world.start()
    assert world.dial(7, peer="focus2").status == 403
    assert world.mcu.legs == 0


def test_an_unknown_conference_is_404_with_7002() -> None:
    world = World()
    assert outcome(world.dial(7)) == (404, "conferenceDoesntExist", "7002")


def test_documents_that_are_no_commands_are_400_and_several_commands_malformed() -> None:
    world = World()
    world.start()
    command = AddUser(conference_keys=KEYS, user=User(entity="sip:x@example.com"))
    request = Request(request_id="9", from_=CONFERENCE, to=AV, command=command)
    response = request.respond(Code.SUCCESS)
    assert world.mcu.receive_c3p(response, peer="focus", now=world.now).status == 400
    twice = Request(request_id="9", from_=CONFERENCE, to=AV, command=command, more=(command,))
    reply = world.mcu.receive_c3p(twice, peer="focus", now=world.now)
    assert reply.document is not None
    assert reply.document.reason == "requestMalformed"


def test_commands_that_an_mcu_does_not_know_and_uris_of_other_mcus() -> None:
    world = World()
    world.start()
    assert outcome(world.post(GetConferences())) == (200, "otherFailure", "3004")
    keys = UserKeys(conf_entity=CONFERENCE, user_entity="sip:x@example.com")
    other = AV.replace("audio-video", "chat")
    assert outcome(world.post(ModifyUserRoles(user_keys=keys, roles=("presenter",), mcu_uri=other))) == (
        200,
        "invalidMcuUri",
        "3013",
    )


def test_an_attendee_controls_nobody_but_itself() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    user = "sip:user7@198.51.100.7"
    keys = UserKeys(conf_entity=CONFERENCE, user_entity=user)
    commands = (
        DeleteUser(user_keys=keys),
        ModifyUserRoles(user_keys=keys, roles=("presenter",)),
        ModifyConferenceLock(conference_keys=KEYS, locked=True),
        ModifyConference(conference_info=ConferenceInfo(entity=CONFERENCE)),
        DeleteConference(conference_keys=KEYS),
    )
    for command in commands:
        reply = world.post(command, originator="sip:eve@example.com", originator_role="attendee")
        assert outcome(reply) == (200, "otherFailure", "3014")
    assert world.mcu.legs == 1
    itself = world.post(DeleteUser(user_keys=keys), originator=user, originator_role="attendee")
    assert outcome(itself) == (200, "pending", "")
    assert world.mcu.legs == 0
    of_the_focus = world.post(DeleteConference(conference_keys=KEYS), originator=None, originator_role=None)
    assert outcome(of_the_focus) == (200, "success", "")


# Settings ------------------------------------------------------------------------------------------------------------


def locked(world: World) -> bool | None:
    view = world.focus.roster.conference_view
    assert view is not None
    state = view.views[0].entity_state
    assert state is not None
    return state.locked


def test_lock_and_unlock() -> None:
    world = World()
    world.start()
    assert outcome(world.post(ModifyConferenceLock(conference_keys=KEYS, locked=True))) == (200, "success", "")
    assert locked(world)
    count = len(world.focus.notifications)
    world.post(ModifyConferenceLock(conference_keys=KEYS, locked=True))
    assert len(world.focus.notifications) == count
    world.post(ModifyConferenceLock(conference_keys=KEYS, locked=False))
    assert not locked(world)
    reply = world.post(ModifyConferenceLock(conference_keys=KEYS))
    assert reply.document is not None
    assert reply.document.reason == "requestMalformed"


def test_the_state_of_this_mcu_only_can_be_modified_and_only_what_it_has() -> None:
    world = World()
    world.start()

    def modify(entity: str, state: EntityState | None) -> tuple[int, str | None, str]:
        view = EntityView(entity=entity, state="partial", entity_state=state)
        views = ConferenceView(state="partial", views=(view,))
        info = ConferenceInfo(entity=CONFERENCE, state="partial", conference_view=views)
        return outcome(world.post(ModifyConference(conference_info=info)))

    assert modify(AV, EntityState(locked=True)) == (200, "success", "")
    assert locked(world)
    assert modify(AV, EntityState(display_text="x")) == (200, "otherFailure", "3004")
    assert modify(AV.replace("audio-video", "chat"), EntityState(locked=True)) == (200, "otherFailure", "3006")
    assert modify(AV, None) == (200, "otherFailure", "3006")


def test_roles_follow_the_focus() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    keys = UserKeys(conf_entity=CONFERENCE, user_entity="sip:USER7@198.51.100.7")
    assert outcome(world.post(ModifyUserRoles(user_keys=keys, roles=("presenter",)))) == (200, "success", "")
    users = world.focus.roster.users
    assert users is not None
    assert users.users[0].endpoints[0].roles == ("presenter",)
    count = len(world.focus.notifications)
    world.post(ModifyUserRoles(user_keys=keys, roles=("presenter",)))
    assert len(world.focus.notifications) == count
    assert outcome(world.post(ModifyUserRoles(user_keys=keys, roles=("king",))))[1:] == ("invalidRole", "3016")
    nobody = UserKeys(conf_entity=CONFERENCE, user_entity="sip:nobody@example.com")
    assert outcome(world.post(ModifyUserRoles(user_keys=nobody, roles=("presenter",))))[1] == "userDoesntExist"


def test_get_conference_is_the_whole_document_and_versions_go_on() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    last = world.focus.notifications[-1].version
    assert last is not None
    reply = world.post(GetConference(conference_keys=KEYS))
    assert reply.document is not None
    command = reply.document.command
    assert isinstance(command, GetConference)
    info = command.conference_info
    assert info is not None
    assert (info.state, info.version, reply.document.version) == ("full", last + 1, last + 1)
    assert info.users is not None
    assert info.users.users[0].endpoints[0].entity == guid(7)
    world.post(ModifyConferenceLock(conference_keys=KEYS, locked=True))
    after = world.focus.notifications[-1]
    assert (after.state, after.version) == ("partial", last + 2)


# Life of the MCU -----------------------------------------------------------------------------------------------------


def test_the_application_can_look_at_a_conference() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    info = world.mcu.conference(CONFERENCE)
    assert info is not None
    assert info.users is not None
    assert [user.entity for user in info.users.users] == ["sip:user7@198.51.100.7"]
    assert world.mcu.conference("sip:nobody@example.com") is None


def test_health() -> None:
    world = World(focus_peers=frozenset({"focus"}))
    world.start()
    world.phone(7)
    world.dial(7)
    reply = world.post(GetMcuHealth(), peer="factory")
    assert reply.document is not None
    health = reply.document.command
    assert isinstance(health, GetMcuHealth)
    assert (health.mcu_id, health.conferences, health.legs, health.capacity, health.draining) == (
        "mcu1",
        1,
        1,
        1000,
        False,
    )


def announcements(world: World) -> list[RegisterMcu]:
    return [
        exchange.document.command
        for exchange in world.focus.exchanges
        if isinstance(exchange.document, Request) and isinstance(exchange.document.command, RegisterMcu)
    ]


def test_the_mcu_announces_itself_every_ten_seconds_and_soon_after_a_change() -> None:
    world = World(factory_url="https://factory.example.com/LiveServer/MCUFactory")
    world.run(30.0)
    assert len(announcements(world)) == 4
    first = announcements(world)[0]
    assert (first.mcu_id, first.mcu_types, first.conferences, first.legs, first.capacity, first.draining) == (
        "mcu1",
        ("audio-video",),
        0,
        0,
        1000,
        False,
    )
    world.run(2.0)
    world.start()
    world.phone(7)
    world.dial(7)
    world.run(0.5)
    assert len(announcements(world)) == 5
    world.eject(7)
    world.run(0.4)
    assert len(announcements(world)) == 5
    world.run(0.2)
    assert [(each.conferences, each.legs) for each in announcements(world)[-2:]] == [(1, 1), (1, 0)]


def test_lost_announcements_are_counted_and_made_good_by_the_next() -> None:
    world = World(factory_url="https://factory.example.com/")
    world.focus.reply = ExchangeFailure.CONNECT
    world.run(10.0)
    world.focus.reply = Reply(403)
    world.run(10.0)
    assert world.mcu.counters == {"announcements lost": 2, "announcements refused": 1}


def test_a_refused_registration_is_reported_once_and_again_after_a_success() -> None:
    url = "https://factory.example.com/"
    world = World(factory_url=url)
    world.focus.reply = Reply(403)
    world.run(35.0)
    refused = [event for event in world.events if isinstance(event, RegistrationRefused)]
    assert refused == [RegistrationRefused(owner="mcu", url=url, status=403)]
    world.focus.reply = Reply(200)
    world.run(10.0)
    world.focus.reply = Reply(401)
    world.run(25.0)
    statuses = [event.status for event in world.events if isinstance(event, RegistrationRefused)]
    assert statuses == [403, 401]


def test_a_factory_that_does_not_answer_is_reported_once() -> None:
    url = "https://factory.example.com/"
    world = World(factory_url=url)
    world.focus.reply = ExchangeFailure.CONNECT
    world.run(25.0)
    world.focus.reply = ExchangeFailure.TIMEOUT
    world.run(20.0)
    lost = [event for event in world.events if isinstance(event, RegistrationRefused)]
    assert [(event.url, event.status) for event in lost] == [(url, None)]
    world.focus.reply = Reply(200)
    world.run(10.0)
    world.focus.reply = ExchangeFailure.CONNECT
    world.run(10.0)
    assert [event.status for event in world.events if isinstance(event, RegistrationRefused)] == [None, None]


def test_a_c3p_failure_of_the_factory_is_a_refused_registration_with_its_diagnostics() -> None:
    world = World(factory_url="https://factory.example.com/")
    factory = McuFactory(FactoryConfig(max_mcus=0))
    world.run(0.0)
    (announcement,) = announcements(world)
    request = Request(request_id="1", from_="sip:mcu", to="https://factory.example.com/", command=announcement)
    world.focus.reply = factory.receive_c3p(request, peer="mcu1", now=0.0)
    world.run(10.0)
    (refused,) = [event for event in world.events if isinstance(event, RegistrationRefused)]
    assert refused.status == 200
    assert (refused.reason or "").startswith("7000;")
    assert world.mcu.counters == {"announcements refused": 1}


def test_a_draining_mcu_takes_nothing_new_and_keeps_what_it_has() -> None:
    world = World(factory_url="https://factory.example.com/")
    world.start()
    world.phone(7)
    world.dial(7)
    world.mcu.drain(now=world.now)
    world.mcu.drain(now=world.now)
    world.run(2.0)
    view = world.focus.roster.conference_view if announcements(world) == [] else None
    assert announcements(world)[-1].draining
    assert view is None
    world.phone(8)
    reply = world.dial(8)
    assert (reply.status, reply.retry_after) == (503, 30)
    other = ConferenceInfo(entity=CONFERENCE.replace("CONF00000001", "CONF00000002"))
    assert world.post(AddConference(conference_info=other, callback_uri=CALLBACK)).status == 503
    assert world.start().status == 200
    assert world.mcu.legs == 1
    assert world.eject(7).status == 200


def test_a_drained_view_is_reported_inactive() -> None:
    world = World()
    world.start()
    world.mcu.drain(now=world.now)
    world.settle()
    view = world.focus.roster.conference_view
    assert view is not None
    assert view.views[0].entity_state is not None
    assert view.views[0].entity_state.active is False


def test_closing_ends_every_conference_and_every_call() -> None:
    world = World()
    world.start()
    phone = world.phone(7)
    world.dial(7)
    world.mcu.close(now=world.now)
    world.run(1.0)
    assert (world.mcu.conferences, world.mcu.legs) == ((), 0)
    (ended,) = [event for event in world.events if isinstance(event, ConferenceEnded)]
    assert ended.cause is ConferenceEndCause.CLOSED
    assert {type(event).__name__ for event in phone.seen} >= {"SessionEnded"}
    assert world.ports_open == {}


def test_a_conference_can_come_back_after_it_was_deleted() -> None:
    world = World()
    world.start()
    world.post(DeleteConference(conference_keys=KEYS))
    assert world.mcu.conferences == ()
    assert outcome(world.post(DeleteConference(conference_keys=KEYS))) == (404, "conferenceDoesntExist", "7002")
    assert world.mcu.next_timeout() is None
    assert outcome(world.start()) == (200, "success", "")


def test_muting_with_words_that_are_not_known_changes_nothing() -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    keys = MediaKeys(
        conf_entity=CONFERENCE, user_entity="sip:user7@198.51.100.7", endpoint_entity=guid(7), media_id="1"
    )
    assert (
        outcome(world.post(ModifyEndpointMedia(media_keys=keys, media=Media(ingress_filter="block"))))[1] == "success"
    )
    before = world.focus.roster
    for media in (
        None,
        Media(ingress_filter="Unblock"),
        Media(ingress_filter="BLOCK"),
        Media(egress_filter="Block"),
        Media(status="SendRecv"),
    ):
        reply = world.post(ModifyEndpointMedia(media_keys=keys, media=media))
        assert outcome(reply) == (200, "otherFailure", "3006")
    rules = MediaFiltersRules(initial_filters=(InitialFilters(role="default", ingress_filter="Unblock"),))
    view = EntityView(entity=AV, state="partial", entity_state=EntityState(locked=True, media_filters_rules=rules))
    info = ConferenceInfo(entity=CONFERENCE, state="partial", conference_view=ConferenceView(views=(view,)))
    assert outcome(world.post(ModifyConference(conference_info=info))) == (200, "otherFailure", "3006")
    assert world.focus.roster == before


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"endpoint_entity": guid(9)}, "endpointDoesntExist"),
        ({"user_entity": "sip:x@example.com"}, "endpointDoesntExist"),
        ({"media_id": "7"}, "mediaDoesntExist"),
    ],
)
def test_what_is_not_there_cannot_be_muted(wrong: dict[str, str], expected: str) -> None:
    world = World()
    world.start()
    world.phone(7)
    world.dial(7)
    known = {"user_entity": "sip:user7@198.51.100.7", "endpoint_entity": guid(7), "media_id": "1"}
    keys = MediaKeys(conf_entity=CONFERENCE, **{**known, **wrong})
    reply = world.post(ModifyEndpointMedia(media_keys=keys, media=Media(ingress_filter="block")))
    assert outcome(reply) == (200, expected, "3002")
