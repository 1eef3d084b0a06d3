"""A caller in front of the door: passcode by keys, lobby, prompts; nobody hears it, and it hears nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import MCU_SERVER_URI as SERVER
from c3p import AddUser, ConferenceKeys, Endpoint, EntryCheck, SetLobbyAccess, User
from mcu import DtmfReceived, LegConnected, LegEnded, LegWaiting, LocalProtocolError, Prompts
from mcu.door import MAX_KEYS, Door, DoorInput, DoorState
from rtp import SessionDescription
from tests.mcu.harness import CONFERENCE, Phone, World, guid
from tests.mcu.test_dial_in import answered, call

#: Short and constant, so that one can see in a frame what is played.
PROMPTS = Prompts(
    passcode=b"\x64\x00" * 160,
    wrong=b"\xc8\x00" * 160,
    waiting=b"\x2c\x01" * 160,
    welcome=b"\x90\x01" * 160,
    farewell=b"\xf4\x01" * 16000,
    passcode_every=1.0,
    waiting_every=1.0,
)
PASSCODE_HEARD, WRONG_HEARD, WAITING_HEARD, WELCOME_HEARD, FAREWELL_HEARD = 100, 200, 300, 400, 500


def called(world: World, number: int = 7, **check: object) -> Phone:
    """A caller whose call is up, in front of the door that is asked for."""
    endpoint = Endpoint(entity=guid(number), joining_method="dialed-in")
    user = User(entity=f"sip:user{number}@198.51.100.{number}", roles=("attendee",), endpoints=(endpoint,))
    command = AddUser(
        conference_keys=ConferenceKeys(conf_entity=CONFERENCE),
        user=user,
        entry_check=EntryCheck(**check),  # type: ignore[arg-type]
    )
    reply = world.post(command, originator=None, originator_role=None)
    assert reply.document is not None
    assert isinstance(reply.document.command, AddUser)
    assert reply.document.command.entry_check is None  # what one has to know is not told back
    assert reply.document.command.connection_info is not None
    where = reply.document.command.connection_info.get(SERVER)
    assert where is not None
    phone = world.phone(number, level=1000)
    call(world, phone, where, number)
    assert phone.negotiation is not None
    agreement = phone.negotiation.receive_answer(SessionDescription.parse(answered(phone).response.body))
    assert agreement.audio is not None
    phone.stream = phone.make_stream(agreement.audio)
    world.run(0.1)
    return phone


def key(world: World, phone: Phone, keys: str) -> None:
    """Keys as telephone events in RTP."""
    assert phone.stream is not None
    phone.stream.send_dtmf(keys)
    world.run(0.2 * len(keys) + 0.1)


def admit(world: World, number: int = 7, access: str = "granted", **more: object) -> str:
    entity = f"sip:user{number}@198.51.100.{number}"
    command = SetLobbyAccess(
        conference_keys=ConferenceKeys(conf_entity=CONFERENCE), user_entities=(entity,), access=access
    )
    document = world.post(command, **more).document  # type: ignore[arg-type]
    assert document is not None
    return document.code.value


def world_with(**settings: object) -> World:
    world = World(**{"prompts": PROMPTS, **settings})  # type: ignore[arg-type]
    world.start()
    return world


def sounds(phone: Phone) -> set[int]:
    """The constant levels that were heard since the last look, silence aside; G.711 is not exact."""
    heard = {round(int.from_bytes(frame[-2:], "little", signed=True), -2) for frame in phone.heard}
    phone.heard.clear()
    return heard - {0}


def test_the_right_passcode_lets_a_caller_in() -> None:
    world = world_with()
    phone = called(world, passcode="2468")
    assert world.focus.history(guid(7)) == ["dialing-in", "pending"]
    assert [event.passcode for event in world.events if isinstance(event, LegWaiting)] == [True]
    key(world, phone, "2468#")
    assert world.focus.history(guid(7)) == ["dialing-in", "pending", "connected"]
    assert len(world.of(LegConnected)) == 1
    world.run(60.0)
    assert world.mcu.legs == 1


def test_keys_in_info_count_as_well() -> None:
    world = world_with()
    phone = called(world, passcode="24")
    assert phone.session is not None
    for each in "24#":
        body = f"Signal={each}\r\nDuration=160\r\n".encode()
        phone.endpoint.request_in_session(
            phone.session, "INFO", body=body, content_type="application/dtmf-relay", now=world.now
        )
        world.run(0.1)
    assert world.focus.history(guid(7))[-1] == "connected"
    assert not [event for event in world.events if isinstance(event, DtmfReceived)]


def test_a_key_that_comes_in_rtp_and_in_an_info_is_one() -> None:
    world = world_with()
    phone = called(world, passcode="2244")
    assert phone.session is not None
    for each in "2244#5":
        key(world, phone, each)
        body = f"Signal={each}\r\nDuration=160\r\n".encode()
        phone.endpoint.request_in_session(
            phone.session, "INFO", body=body, content_type="application/dtmf-relay", now=world.now
        )
        world.run(0.1)
    assert world.focus.history(guid(7))[-1] == "connected"
    assert [event.digit for event in world.events if isinstance(event, DtmfReceived)] == ["5"]


def test_keys_of_the_door_are_told_to_nobody_and_later_ones_are() -> None:
    world = world_with()
    phone = called(world, passcode="2468")
    key(world, phone, "2468#")
    assert not [event for event in world.events if isinstance(event, DtmfReceived)]
    key(world, phone, "5")
    assert [event.digit for event in world.events if isinstance(event, DtmfReceived)] == ["5"]


def test_who_is_at_the_door_hears_the_prompt_and_nobody_else_and_is_not_heard() -> None:
    world = world_with()
    inside = world.phone(8, level=3000)
    world.dial(8)
    world.run(0.2)
    phone = called(world, passcode="2468")
    inside.heard.clear()
    world.run(2.5)
    assert sounds(phone) == {PASSCODE_HEARD}
    assert sounds(inside) == set()
    key(world, phone, "2468#")
    world.run(0.5)
    assert sounds(phone) >= {WELCOME_HEARD, 3000}
    assert 1000 in sounds(inside)


def test_a_pause_ends_the_passcode_and_a_star_begins_it_anew() -> None:
    world = world_with()
    phone = called(world, passcode="2468")
    key(world, phone, "99*2468")
    assert world.focus.history(guid(7))[-1] == "pending"
    world.run(5.0)
    assert world.focus.history(guid(7))[-1] == "connected"


def test_three_wrong_passcodes_end_the_call_and_no_fourth_is_heard() -> None:
    world = world_with()
    phone = called(world, passcode="2468")
    key(world, phone, "1111#")
    assert WRONG_HEARD in sounds(phone)
    key(world, phone, "2222#")
    key(world, phone, "3333#")
    key(world, phone, "2468#")
    world.run(0.2)
    assert FAREWELL_HEARD in sounds(phone)
    world.run(2.0)
    assert world.ended().reason == "wrong passcode"
    assert world.focus.history(guid(7)) == ["dialing-in", "pending", "disconnected", "gone"]
    assert world.mcu.counters["wrong passcodes"] == 3


@pytest.mark.parametrize(("asked", "wrong"), [(1, 1), (2, 2), (99, 3), (0, 1)])
def test_a_focus_may_allow_fewer_tries_and_not_more(asked: int, wrong: int) -> None:
    world = world_with()
    phone = called(world, passcode="2468", tries=asked)
    key(world, phone, "1#" * 3)
    world.run(2.5)
    assert world.ended().reason == "wrong passcode"
    assert world.mcu.counters["wrong passcodes"] == wrong


def test_who_keys_nothing_is_turned_away() -> None:
    world = world_with()
    called(world, passcode="2468")
    world.run(29.0)
    assert world.of(LegEnded) == []
    world.run(4.0)
    assert world.ended().reason == "nobody let the caller in"


def test_the_lobby_waits_for_a_presenter() -> None:
    world = world_with()
    phone = called(world, lobby=True)
    assert [event.passcode for event in world.events if isinstance(event, LegWaiting)] == [False]
    world.run(2.0)
    assert sounds(phone) == {WAITING_HEARD}
    key(world, phone, "1#")
    assert world.focus.history(guid(7))[-1] == "pending"
    assert admit(world, originator_role="attendee", originator="sip:eve@example.com") == "failure"
    assert admit(world) == "success"
    assert world.focus.history(guid(7)) == ["dialing-in", "pending", "connected"]
    assert admit(world) == "failure"  # nobody waits any more


def test_a_presenter_sends_a_caller_away() -> None:
    world = world_with()
    called(world, lobby=True)
    assert admit(world, access="denied") == "success"
    assert world.ended().method == "booted"
    assert world.mcu.legs == 0


def test_a_presenter_lets_in_who_is_asked_for_the_passcode_too() -> None:
    world = world_with()
    called(world, passcode="2468")
    assert admit(world) == "success"
    assert world.focus.history(guid(7))[-1] == "connected"


def test_the_lobby_has_an_end() -> None:
    world = world_with(lobby_timeout=20.0)
    called(world, lobby=True)
    world.run(19.0)
    assert world.of(LegEnded) == []
    world.run(4.0)
    assert world.ended().reason == "nobody let the caller in"


def test_a_caller_without_the_passcode_goes_to_the_lobby_with_hash_alone_where_there_is_one() -> None:
    world = world_with()
    phone = called(world, passcode="2468", lobby=True)
    key(world, phone, "#")
    assert [event.passcode for event in world.events if isinstance(event, LegWaiting)] == [True, False]
    assert admit(world) == "success"
    assert world.focus.history(guid(7))[-1] == "connected"


@pytest.mark.parametrize("ends", ["hang up", "eject"])
def test_a_caller_at_the_door_can_go_and_be_ejected(ends: str) -> None:
    world = world_with()
    phone = called(world, passcode="2468")
    if ends == "hang up":
        phone.hang_up()
        world.run(0.1)
    else:
        world.eject(7)
    assert world.ended().method == ("departed" if ends == "hang up" else "booted")
    world.run(100.0)
    assert world.mcu.legs == 0


def test_mute_all_still_holds_for_who_is_let_in() -> None:
    world = world_with()
    inside = world.phone(8)
    world.dial(8)
    phone = called(world, lobby=True)
    world.events.clear()
    assert admit(world) == "success"
    world.run(0.5)
    assert 1000 in sounds(inside)
    phone.hang_up()


# The door by itself ---------------------------------------------------------------------------------------------------

KEYS = st.text(alphabet="0123456789*#ABCD", max_size=200)


def test_what_is_heard_follows_from_what_was_wrong_in_all_calls_together() -> None:
    """Of a source, and of a conference; at this MCU, and as the Focus says elsewhere."""
    world = world_with(wrong_passcodes_per_source=3, wrong_passcodes_per_conference=5)

    def comes_in(number: int, keys: str, source: str, **more: int) -> bool:
        phone = called(world, number, passcode="24", source=source, **more)
        key(world, phone, keys)
        return "connected" in world.focus.history(guid(number))

    assert not comes_in(1, "1#2#", "one")
    assert comes_in(2, "24#", "one")
    assert not comes_in(3, "1#24#", "one")  # the third was wrong
    assert not comes_in(4, "24#", "one")
    assert comes_in(5, "24#", "another")
    assert not comes_in(6, "24#", "third", source_guesses=0)
    assert not comes_in(7, "1#2#24#", "fourth")  # the fifth of the conference
    assert not comes_in(8, "24#", "another")
    world.run(600.0)
    assert comes_in(10, "24#", "one")
    assert not comes_in(11, "24#", "another", conference_guesses=0)


@given(keys=KEYS, tries=st.integers(1, 3), lobby=st.booleans())
def test_only_the_passcode_opens_and_never_more_is_tried_than_allowed(keys: str, tries: int, lobby: bool) -> None:
    door = Door.made(passcode="2468", lobby=lobby, tries=tries)
    wrong, since = 0, ""
    for each in keys:
        if door.state is not DoorState.KEYING:
            break
        assert len(door.keys) <= MAX_KEYS
        since = "" if each == "*" else since + each
        if door.press(each):
            given_ = door.judge()
            door.life.command(given_)
            typed = "".join(one for one in since if one.isdigit())
            assert (given_ is DoorInput.RIGHT) == (typed == "2468")
            wrong += given_ in (DoorInput.WRONG, DoorInput.EXHAUSTED)
            since = ""
    assert wrong <= tries
    assert (door.state is DoorState.SHUT) == (wrong == tries)


def test_a_passcode_is_shown_nowhere() -> None:
    door = Door.made(passcode="2468", lobby=False, tries=3)
    door.press("2")
    assert "2468" not in repr(door)
    assert "'2'" not in repr(door)
    assert "2468" not in repr(EntryCheck(passcode="2468"))


def test_an_application_has_nothing_of_a_caller_at_the_door() -> None:
    world = world_with(announcements_enabled=True)
    phone = called(world, lobby=True)
    (waiting,) = world.of(LegWaiting)
    control = world.mcu.media_control
    for attempt in (
        lambda: control.tap(CONFERENCE, waiting.leg),
        lambda: control.play(waiting.leg, b"\0\0"),
        lambda: control.hold(waiting.leg, now=world.now),
    ):
        with pytest.raises(LocalProtocolError, match="not connected"):
            attempt()
    admit(world)
    world.run(0.5)
    assert control.tap(CONFERENCE, waiting.leg).take() == b""
    assert phone.stream is not None
