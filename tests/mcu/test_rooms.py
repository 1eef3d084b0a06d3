"""Rooms: whoever calls a free name makes a conference, and it ends with its last member."""

from __future__ import annotations

import pytest

from c3p import AddConference, ConferenceInfo
from mcu import ConferenceEndCause, ConferenceEnded, ConferenceStarted, LegConnected, RoomSettings
from rtp import SessionDescription
from tests.mcu.harness import MCU_HOST, Phone, World
from tests.mcu.test_dial_in import answered, call, refused

ROOM = f"sip:standup@{MCU_HOST}"


def open_world(**settings: object) -> World:
    return World(rooms=RoomSettings(**{"max_rooms": 3, **settings}))  # type: ignore[arg-type]


def enter(world: World, number: int, room: str = ROOM, *, level: int = 0) -> Phone:
    phone = world.phone(number, level=level)
    call(world, phone, room, number, to=room)
    return phone


def talking(world: World, number: int, room: str = ROOM, *, level: int) -> Phone:
    phone = enter(world, number, room, level=level)
    assert phone.negotiation is not None
    agreement = phone.negotiation.receive_answer(SessionDescription.parse(answered(phone).response.body))
    assert agreement.audio is not None
    phone.stream = phone.make_stream(agreement.audio)
    return phone


def test_the_first_call_makes_the_room_and_the_last_one_ends_it() -> None:
    world = open_world()
    one, two = talking(world, 7, level=1000), talking(world, 8, level=2000)
    world.run(0.5)
    assert world.mcu.conferences == (ROOM,)
    assert len(world.of(LegConnected)) == 2
    assert abs(one.last_sample - 2000) < 60
    assert abs(two.last_sample - 1000) < 30
    info = world.mcu.conference(ROOM)
    assert info is not None
    assert info.users is not None
    assert [user.entity for user in info.users.users] == [f"sip:user{n}@198.51.100.{n}" for n in (7, 8)]
    one.hang_up()
    world.run(0.1)
    assert list(world.mcu.conferences) == [ROOM]
    two.hang_up()
    world.run(0.1)
    assert not world.mcu.conferences
    assert [event.cause for event in world.events if isinstance(event, ConferenceEnded)] == [ConferenceEndCause.EMPTY]
    assert world.focus.exchanges == []  # nobody is told anything
    world.run(600.0)
    assert world.mcu.next_timeout() is None


def test_rooms_are_apart_and_a_name_serves_again() -> None:
    world = open_world()
    one = talking(world, 7, level=1000)
    other = talking(world, 8, f"sip:retro@{MCU_HOST}:5060", level=2000)
    world.run(0.3)
    assert set(world.mcu.conferences) == {ROOM, f"sip:retro@{MCU_HOST}"}
    assert one.last_sample == other.last_sample == 0
    one.hang_up()
    world.run(0.1)
    talking(world, 9, level=3000)
    world.run(0.1)
    assert len([event for event in world.events if isinstance(event, ConferenceStarted)]) == 3


def test_a_room_is_the_same_by_every_name_of_the_server() -> None:
    world = open_world(domains=("bridge.example.com",))
    one = talking(world, 7, level=1000)
    talking(world, 8, f"sip:standup@bridge.example.com;maddr={MCU_HOST}", level=2000)
    world.run(0.5)
    assert world.mcu.conferences == (ROOM,)
    assert abs(one.last_sample - 2000) < 60


def test_without_the_setting_there_are_none() -> None:
    world = World()
    phone = enter(world, 7)
    assert refused(phone)[0] == 404
    assert world.mcu.conferences == ()


@pytest.mark.parametrize("name", ["-x", "a%20b", "%3Cb%3E", "x" * 65])
def test_a_name_that_is_none_makes_no_room(name: str) -> None:
    world = open_world()
    phone = enter(world, 7, f"sip:{name}@{MCU_HOST}")
    assert refused(phone)[0] == 404
    assert world.mcu.conferences == ()


def test_a_call_that_comes_to_nothing_leaves_no_room_behind() -> None:
    world = open_world()
    phone = world.phone(7)
    call(world, phone, ROOM, to=ROOM, body=b"nonsense")
    assert refused(phone)[0] == 488
    assert world.mcu.conferences == ()
    assert world.mcu.legs == 0
    world.ports = "later"
    other = enter(world, 8)
    assert other.session is not None
    other.endpoint.cancel(other.session, now=world.now)
    world.run(10.0)
    assert world.mcu.conferences == ()
    assert world.mcu.legs == 0


def test_rooms_by_the_thousand_are_refused() -> None:
    world = open_world()
    for number in range(7, 10):
        talking(world, number, f"sip:room{number}@{MCU_HOST}", level=0)
    assert refused(enter(world, 20, f"sip:more@{MCU_HOST}")) == (503, "7000")
    talking(world, 21, f"sip:room7@{MCU_HOST}", level=0)  # those that are there take callers
    assert len(world.mcu.conferences) == 3


def test_one_source_has_its_share_of_calls() -> None:
    world = open_world(max_calls_per_source=2)
    greedy = world.phone(7)
    for _ in range(3):
        call(world, greedy, ROOM, to=ROOM)
    assert refused(greedy)[0] == 503
    talking(world, 8, level=0)
    assert world.mcu.legs == 3


def test_a_focus_cannot_take_a_room_and_commands_none() -> None:
    world = open_world()
    talking(world, 7, level=0)
    reply = world.post(AddConference(conference_info=ConferenceInfo(entity=ROOM), callback_uri="https://x.example.com"))
    assert reply.document is not None
    assert reply.document.code.value == "failure"
    assert world.eject(7).status == 404
    assert world.mcu.conferences == (ROOM,)


def test_a_server_that_is_being_shut_down_takes_nobody_new() -> None:
    world = open_world()
    world.mcu.drain(now=world.now)
    assert refused(enter(world, 7))[0] == 503
