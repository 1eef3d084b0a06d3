"""One document to an MCU or a Factory is altered: one answer, nothing half done, and the next one works."""

from __future__ import annotations

from collections.abc import Callable

import attrs
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from c3p import (
    AddConference,
    AddUser,
    C3PError,
    Code,
    Command,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    DeleteUser,
    Endpoint,
    EntityState,
    EntityView,
    GetConference,
    GetMcuHealth,
    InitialFilters,
    MayModifyOwnFilters,
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
    Response,
    User,
    UserKeys,
    parse_document,
)
from c3p.testing import altered
from mcu import FactoryConfig, McuFactory, StaticMcu
from tests.mcu.harness import ALICE, AV, CALLBACK, CONFERENCE, World, guid

KEYS = ConferenceKeys(conf_entity=CONFERENCE)
BOB = "sip:user7@198.51.100.7"
BOB_KEYS = UserKeys(conf_entity=CONFERENCE, user_entity=BOB)
MEDIA_KEYS = MediaKeys(conf_entity=CONFERENCE, user_entity=BOB, endpoint_entity=guid(7), media_id="1")
RULES = MediaFiltersRules(
    may_modify_own_filters=(MayModifyOwnFilters(role="default", value=True),),
    initial_filters=(InitialFilters(role="default", ingress_filter="unblock"),),
)


def described(state: EntityState) -> ConferenceInfo:
    view = EntityView(entity=AV, state="partial", entity_state=state)
    return ConferenceInfo(
        entity=CONFERENCE,
        state="partial",
        description=ConferenceDescription(subject="Talk", display_text="Talk"),
        conference_view=ConferenceView(state="partial", views=(view,)),
    )


def added(number: int, method: str = "dialed-out") -> AddUser:
    media = (Media(id="1", type="audio", label="main-audio", status="sendrecv", ingress_filter="unblock"),)
    endpoint = Endpoint(
        entity=guid(number), joining_method=method, endpoint_uri=f"sip:x@198.51.100.{number}", media=media
    )
    user = User(
        entity=f"sip:user{number}@198.51.100.{number}", display_text="X", roles=("attendee",), endpoints=(endpoint,)
    )
    return AddUser(mcu_uri=AV, conference_keys=KEYS, user=user)


#: Everything that a Focus says to an MCU in the main flow, in order.
FLOW: tuple[Command, ...] = (
    AddConference(
        conference_info=described(EntityState(locked=False, media_filters_rules=RULES)), callback_uri=CALLBACK
    ),
    added(7),
    added(8, "dialed-in"),
    ModifyEndpointMedia(
        mcu_uri=AV, media_keys=MEDIA_KEYS, media=Media(id="1", status="recvonly", ingress_filter="block")
    ),
    ModifyConference(mcu_uri=AV, conference_info=described(EntityState(locked=True, media_filters_rules=RULES))),
    ModifyConferenceLock(conference_keys=KEYS, locked=False),
    ModifyUserRoles(user_keys=BOB_KEYS, roles=("presenter",)),
    GetConference(conference_keys=KEYS),
    GetMcuHealth(),
    DeleteUser(user_keys=BOB_KEYS),
    DeleteConference(conference_keys=KEYS),
)


def say(receive: Callable[[Request], Reply], command: Command, number: int, alter: Callable[[bytes], bytes]) -> Reply:
    """Post a request as an adapter does: 400 for what does not parse; the answer can be written."""
    request = Request(
        request_id=str(number),
        from_=CONFERENCE,
        to=AV,
        originator=ALICE,
        originator_role="presenter",
        command=command,
    )
    try:
        document = parse_document(alter(bytes(request)))
    except C3PError:
        return Reply(400)
    reply = receive(document)  # type: ignore[arg-type]
    assert isinstance(reply, Reply)
    if reply.document is not None:
        assert parse_document(bytes(reply.document)) is not None
    return reply


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_one_altered_document_breaks_nothing_on_an_mcu(data: st.DataObject) -> None:
    world = World()
    for number in (7, 8, 9):
        world.phone(number)
    at = data.draw(st.integers(0, len(FLOW) - 1), label="document")
    pending: list[str] = []
    for number, command in enumerate(FLOW):
        wrong = number == at

        def alter(document: bytes, wrong: bool = wrong) -> bytes:
            made = data.draw(altered(document)) if wrong else document
            note(repr(made) if wrong else "")
            return made

        reply = say(lambda one: world.mcu.receive_c3p(one, peer="focus", now=world.now), command, number, alter)
        if reply.document is not None and reply.document.code is Code.PENDING:
            pending.append(reply.document.request_id)
        world.run(0.2)
    world.run(200.0)
    for request_id in pending:
        finals = [one for one in world.focus.responses(request_id) if one.final]
        assert len(finals) == 1, request_id
    posted = [one for one in world.focus.documents if isinstance(one, Response)]
    assert {one.request_id for one in posted} <= set(pending)

    world.requests = 500
    assert world.start().status == 200
    world.dial(9)
    world.run(1.0)
    assert world.focus.final("502").code is Code.SUCCESS
    for conference in world.mcu.conferences:
        gone = DeleteConference(conference_keys=ConferenceKeys(conf_entity=conference))
        world.post(gone)
    world.run(60.0)
    assert (world.mcu.conferences, world.mcu.legs, world.ports_open) == ((), 0, {})
    context = world.mcu._context
    assert (dict(context.sessions), dict(context.legs)) == ({}, {})


LISTED = StaticMcu(mcu_id="listed", http_url="http://listed.example.com/", sip_uri="sip:listed.example.com", capacity=9)
TO_THE_FACTORY: tuple[Command, ...] = (
    RegisterMcu(
        mcu_id="mcu1",
        http_url="http://mcu1.example.com/",
        sip_uri="sip:mcu1.example.com",
        mcu_types=("audio-video",),
        conferences=1,
        legs=2,
        capacity=100,
        draining=False,
    ),
    AddConference(conference_keys=KEYS, mcu_type="audio-video", exclude=("other",)),
    GetMcuHealth(mcu_id="listed", legs=3, conferences=1, capacity=9, draining=False),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_one_altered_document_breaks_nothing_on_a_factory(data: st.DataObject) -> None:
    factory = McuFactory(FactoryConfig(mcus=(LISTED,), probe_interval=30.0))
    at = data.draw(st.integers(0, len(TO_THE_FACTORY) - 1), label="document")

    def alter(document: bytes) -> bytes:
        made = data.draw(altered(document))
        note(repr(made))
        return made

    for number, command in enumerate(TO_THE_FACTORY):
        if isinstance(command, GetMcuHealth):
            factory.handle_timeout(now=30.0)
            (probe,) = factory.c3p_to_send()
            answer = probe.document.respond(Code.SUCCESS, command=command)  # type: ignore[union-attr]
            try:
                document = parse_document(alter(bytes(answer)) if number == at else bytes(answer))
            except C3PError:
                continue
            if isinstance(document, Response):
                factory.receive_reply(probe.id, Reply(200, document), now=30.0)
            continue
        say(
            lambda one: factory.receive_c3p(one, peer="mcu1", now=1.0),
            command,
            number,
            alter if number == at else lambda document: document,
        )
    for number, command in enumerate(TO_THE_FACTORY[:2]):
        fresh = attrs.evolve(command, mcu_id="mcu2") if isinstance(command, RegisterMcu) else command
        reply = say(lambda one: factory.receive_c3p(one, peer="mcu2", now=31.0), fresh, 9 + number, lambda given: given)
        assert reply.document is not None
        assert reply.document.code is Code.SUCCESS
    assert "mcu2" in factory.mcus
