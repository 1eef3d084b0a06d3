"""Nothing that a peer sends raises out of an MCU or a Factory, and nobody else in the conference notices."""

from __future__ import annotations

from typing import Any

import attrs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from c3p import (
    AddConference,
    AddUser,
    C3PError,
    Command,
    ConferenceKeys,
    MediaKeys,
    RegisterMcu,
    Reply,
    Request,
    User,
    UserKeys,
)
from c3p.testing import commands, documents
from mcu import FactoryConfig, LegId, McuFactory
from rtp.testing import rtcp_compounds, rtp_packets, session_descriptions
from tests.mcu.harness import AV, CONFERENCE, World, guid

BOB = "sip:user7@198.51.100.7"
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def busy_world() -> World:
    world = World()
    world.start()
    for number in (7, 8):
        world.phone(number, level=1000)
        world.dial(number)
    world.run(0.1)
    return world


def aimed(command: Command) -> Command:
    """The command, made to be about a conference and a participant that are there."""
    keys: dict[str, Any] = {
        "conference_keys": ConferenceKeys(conf_entity=CONFERENCE),
        "user_keys": UserKeys(conf_entity=CONFERENCE, user_entity=BOB),
        "media_keys": MediaKeys(conf_entity=CONFERENCE, user_entity=BOB, endpoint_entity=guid(7), media_id="1"),
    }
    names = {field.name for field in attrs.fields(type(command))}
    wanted: dict[str, Any] = {name: value for name, value in keys.items() if name in names}
    return attrs.evolve(command, **wanted, mcu_uri=None)


@few
@given(st.lists(commands(), min_size=1, max_size=4), st.booleans())
def test_commands_of_any_content_are_answered(given_commands: list[Command], as_presenter: bool) -> None:
    world = busy_world()
    for number, command in enumerate(given_commands):
        request = Request(
            request_id=str(100 + number),
            from_=CONFERENCE,
            to=AV,
            command=aimed(command),
            originator="sip:alice@example.com",
            originator_role="presenter" if as_presenter else "attendee",
        )
        reply = world.mcu.receive_c3p(request, peer="focus", now=world.now)
        assert isinstance(reply, Reply)
        assert reply.document is None or bytes(reply.document)
        world.settle()
    world.run(0.5)


@few
@given(documents())
def test_documents_of_any_kind_are_answered(document: object) -> None:
    world = World()
    factory = McuFactory(FactoryConfig())
    for machine in (world.mcu, factory):
        reply = machine.receive_c3p(document, peer="focus", now=world.now)  # type: ignore[arg-type]
        command = document.command if isinstance(document, Request) else None
        #: A callback on a host that is not the Focus's, an MCU announced in another's name: refused with 403.
        claims = isinstance(command, (AddConference, RegisterMcu))
        assert reply.status in ((200, 400, 403, 404) if claims else (200, 400, 404))
        assert reply.document is None or bytes(reply.document)


packets = st.one_of(
    st.binary(max_size=200),
    rtp_packets().map(bytes),
    rtcp_compounds().map(lambda several: b"".join(map(bytes, several))),
)


@few
@given(st.lists(st.tuples(st.sampled_from(["rtp", "rtcp"]), packets), max_size=20))
def test_media_of_any_content_disturbs_nobody(datagrams: list[tuple[str, bytes]]) -> None:
    world = busy_world()
    source = ("203.0.113.66", 6666)
    batch = [(LegId(1), kind, data, source, world.now) for kind, data in datagrams]
    world.mcu.receive_media(batch)
    heard = len(world.phones["198.51.100.8"].heard)
    world.run(0.5)
    assert world.mcu.legs == 2
    assert len(world.phones["198.51.100.8"].heard) >= heard + 24


@few
@given(session_descriptions().map(bytes) | st.binary(max_size=300))
def test_answers_of_any_content_connect_or_fail_once(body: bytes) -> None:
    world = World()
    world.start()
    world.phone(7, lambda phone, event: phone.answer(body))
    world.dial(7)
    world.run(0.2)
    connected = world.mcu.legs == 1
    assert world.focus.final("2").code.value == ("success" if connected else "failure")


@few
@given(session_descriptions().map(bytes) | st.binary(min_size=1, max_size=300))
def test_offers_of_any_content_are_answered_inside_a_call(body: bytes) -> None:
    world = busy_world()
    phone = world.phones["198.51.100.7"]
    assert phone.session is not None
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.3)
    assert world.mcu.legs == 2


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=40, deadline=None)
def test_names_and_addresses_of_any_spelling(address: str, name: str) -> None:
    world = World()
    world.start()
    command = AddUser(
        conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user=User(entity=address, display_text=name)
    )
    request = Request(
        request_id="5", from_=CONFERENCE, to=AV, command=command, originator=address, originator_role="presenter"
    )
    try:
        bytes(request)
    except C3PError:
        return  # Cannot be written, so it cannot arrive.
    reply = world.mcu.receive_c3p(request, peer="focus", now=world.now)
    assert reply.document is not None
    world.run(1.0)
