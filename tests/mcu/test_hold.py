"""The MCU itself puts somebody on hold, and takes him back; commands of a Focus about one endpoint."""

from __future__ import annotations

import pytest

from c3p import (
    AddConference,
    Code,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    Endpoint,
    EndpointKeys,
    EntityState,
    EntityView,
    EntryExitAnnouncements,
    ModifyConferenceAnnouncements,
    ModifyEndpoint,
)
from mcu import HoldChanged, HoldFailed, LegHeld, LegId, LocalProtocolError, Prompts
from rtp import Direction, SessionDescription
from sip import ReinviteReceived
from tests.mcu.harness import AV, CALLBACK, CONFERENCE, Phone, World, guid
from tests.mcu.test_media import after_g711, audio_of, conference, reinvite, status_of, take_answer
from tests.mcu.test_media_control import keys_at, tone

MUSIC = tone(700, 0.5)


def offered(phone: Phone) -> ReinviteReceived:
    """The last offer that the MCU made to a phone in its call."""
    return [event for event in phone.seen if isinstance(event, ReinviteReceived)][-1]


def accept(world: World, phone: Phone) -> SessionDescription:
    """Answer it as a phone does; the offer."""
    event = offered(phone)
    assert phone.negotiation is not None
    assert phone.stream is not None
    offer = SessionDescription.parse(event.request.body)
    answer, agreement = phone.negotiation.receive_offer(offer)
    assert agreement.audio is not None
    phone.stream.update(agreement.audio, now=world.now)
    phone.endpoint.respond(event.transaction, 200, body=bytes(answer), content_type="application/sdp", now=world.now)
    world.run(0.1)
    return offer


def hold(world: World, number: int = 1, *, holding: bool = True) -> None:
    control = world.mcu.media_control
    (control.hold if holding else control.resume)(LegId(number), now=world.now)
    world.settle()
    world.run(0.05)


def test_somebody_on_hold_hears_music_and_is_not_heard() -> None:
    world, (one, two) = conference(1000, 2000, hold_music=MUSIC)
    world.run(0.5)
    hold(world)
    assert accept(world, one).media[0].has("sendonly")
    assert world.of(HoldChanged)[-1].holding
    assert status_of(world, 1) == "on-hold"
    assert audio_of(world, 1)[0] == "recvonly"
    world.run(1.2)
    assert one.last_sample == after_g711(700), "over and over"
    assert two.last_sample == 0
    hold(world, holding=False)
    assert not accept(world, one).media[0].has("sendonly")
    world.run(0.5)
    assert (status_of(world, 1), audio_of(world, 1)[0]) == ("connected", "sendrecv")
    assert one.last_sample == after_g711(after_g711(2000))
    assert two.last_sample == after_g711(after_g711(1000))
    assert [event.holding for event in world.of(HoldChanged)] == [True, False]
    assert not world.of(LegHeld), "that is what a far end does"


@pytest.mark.parametrize("status", [488, 500])
def test_a_phone_that_refuses_is_not_on_hold(status: int) -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(0.5)
    hold(world)
    one.endpoint.respond(offered(one).transaction, status, now=world.now)
    world.run(0.5)
    (failed,) = world.of(HoldFailed)
    assert (failed.holding, failed.status) == (True, status)
    assert status_of(world, 1) == "connected"
    assert two.last_sample == after_g711(after_g711(1000))
    reinvite(world, one, Direction.SENDRECV)
    take_answer(one)
    assert audio_of(world, 1)[0] == "sendrecv", "what was refused is not in the next answer either"


def test_a_glare_is_tried_again_once() -> None:
    world, (one, _) = conference(1000, 2000)
    hold(world)
    one.endpoint.respond(offered(one).transaction, 491, now=world.now)
    world.run(5.0)
    assert len([event for event in one.seen if isinstance(event, ReinviteReceived)]) == 2
    accept(world, one)
    assert status_of(world, 1) == "on-hold"
    hold(world, holding=False)
    for _ in range(2):
        one.endpoint.respond(offered(one).transaction, 491, now=world.now)
        world.run(5.0)
    assert [event.status for event in world.of(HoldFailed)] == [491]
    assert status_of(world, 1) == "on-hold"


def test_a_hold_that_the_end_of_the_call_crosses_fails() -> None:
    world, (one, _) = conference(1000, 2000)
    hold(world)
    one.hang_up()
    world.run(1.0)
    assert len(world.of(HoldFailed)) == 1
    assert world.mcu.legs == 1


def test_a_call_that_ends_while_a_glare_is_waited_for_is_not_held() -> None:
    world, (one, _) = conference(1000, 2000)
    hold(world)
    one.endpoint.respond(offered(one).transaction, 491, now=world.now)
    world.run(0.1)
    one.hang_up()
    world.run(10.0)
    assert len(world.of(HoldFailed)) == 1


def test_holds_in_the_wrong_state_raise_and_change_nothing() -> None:
    world, (one, _) = conference(1000, 2000)
    control = world.mcu.media_control
    with pytest.raises(LocalProtocolError, match="not on hold"):
        control.resume(LegId(1), now=world.now)
    hold(world)
    with pytest.raises(LocalProtocolError, match="being put"):
        control.hold(LegId(1), now=world.now)
    accept(world, one)
    with pytest.raises(LocalProtocolError, match="already"):
        control.hold(LegId(1), now=world.now)
    for call in (lambda: control.play(LegId(1), MUSIC), lambda: control.stop(LegId(1))):
        with pytest.raises(LocalProtocolError, match="on hold"):
            call()
    with pytest.raises(LocalProtocolError, match="not connected"):
        control.hold(LegId(9), now=world.now)
    assert len(world.of(HoldChanged)) == 1


def test_a_prompt_for_one_leg_takes_the_place_of_the_mix() -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(0.2)
    world.mcu.media_control.play(LegId(1), tone(300, 0.3))
    world.run(0.2)
    assert one.last_sample == after_g711(300)
    assert one.csrcs[-1] == ()
    assert two.last_sample == after_g711(after_g711(1000))
    world.run(0.3)
    assert one.last_sample == after_g711(after_g711(2000))
    world.mcu.media_control.play(LegId(1), tone(300, 0.3), every=0.3)
    world.run(1.0)
    assert one.last_sample == after_g711(300)
    world.mcu.media_control.stop(LegId(1))
    world.run(0.1)
    assert one.last_sample == after_g711(after_g711(2000))
    with pytest.raises(LocalProtocolError, match="sound"):
        world.mcu.media_control.play(LegId(1), b"x")


# By command of a Focus ----------------------------------------------------------------------------------------------


def modify(world: World, number: int = 1, *, originator: str | None = None, **more: object) -> str:
    """Send ``modifyEndpoint`` for one endpoint; what it is answered."""
    keys = EndpointKeys(
        conf_entity=CONFERENCE,
        user_entity=f"sip:user{number}@198.51.100.{number}",
        endpoint_entity=guid(number),
    )
    status = more.pop("status", None)
    endpoint = None if status is None else Endpoint(entity=guid(number), status=str(status))
    command = ModifyEndpoint(endpoint_keys=keys, endpoint=endpoint, **more)  # type: ignore[arg-type]
    who = {} if originator is None else {"originator": originator, "originator_role": "attendee"}
    reply = world.post(command, **who)  # type: ignore[arg-type]
    assert reply.document is not None
    return str(reply.document.reason or reply.document.code.value)


def test_a_focus_has_keys_pressed_and_gains_changed() -> None:
    world, (one, two) = conference(1000, 0)
    world.run(0.2)
    pressed = keys_at(one)
    assert modify(world, digits="1#") == "success"
    assert modify(world, input_gain=50) == "success"
    assert modify(world, output_gain=200) == "success"
    world.run(0.5)
    assert pressed == ["1", "#"]
    assert two.last_sample == after_g711(after_g711(1000) // 2), "the other gain stays"


def test_a_focus_has_somebody_put_on_hold() -> None:
    world, (one, _) = conference(1000, 2000)
    assert modify(world, status="on-hold") == "pending"
    number = str(world.requests)
    world.run(0.05)
    accept(world, one)
    assert world.focus.final(number).code is Code.SUCCESS
    assert modify(world, status="on-hold") == "success", "it is so already"
    assert modify(world, status="connected") == "pending"
    number = str(world.requests)
    world.run(0.05)
    one.endpoint.respond(offered(one).transaction, 500, now=world.now)
    world.run(0.1)
    assert world.focus.final(number).code is Code.FAILURE


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ({}, "notSupported"),
        ({"status": "alerting"}, "requestMalformed"),
        ({"digits": "1", "input_gain": 100}, "requestMalformed"),
        ({"digits": "x"}, "otherFailure"),
        ({"input_gain": 801}, "otherFailure"),
        ({"number": 7, "digits": "1"}, "otherFailure"),
        ({"originator": "sip:user2@198.51.100.2", "digits": "1"}, "unauthorized"),
    ],
)
def test_what_cannot_be_done_to_an_endpoint_is_refused(wanted: dict[str, object], answer: str) -> None:
    world, (one, _) = conference(1000, 0)
    world.run(0.2)
    pressed = keys_at(one)
    assert modify(world, **wanted) == answer  # type: ignore[arg-type]
    world.run(0.5)
    assert pressed == []


def test_attendees_may_change_their_own_endpoint() -> None:
    world, (one, _) = conference(1000, 0)
    world.run(0.2)
    pressed = keys_at(one)
    assert modify(world, originator="sip:user1@198.51.100.1", digits="5") == "success"
    world.run(0.5)
    assert pressed == ["5"]


# Who comes and goes -------------------------------------------------------------------------------------------------


def announce(world: World, enabled: bool | None, **more: object) -> str:
    keys = ConferenceKeys(conf_entity=CONFERENCE)
    reply = world.post(ModifyConferenceAnnouncements(conference_keys=keys, enabled=enabled), **more)  # type: ignore[arg-type]
    assert reply.document is not None
    return str(reply.document.reason or reply.document.code.value)


def shown(world: World) -> tuple[bool | None, bool | None]:
    """What the roster says of announcements: whether they can be changed, and whether they are on."""
    view = world.focus.roster.conference_view
    assert view is not None
    state = view.views[0].entity_state
    assert state is not None
    assert state.entry_exit_announcements is not None
    return state.entry_exit_announcements.modifiable, state.entry_exit_announcements.enabled


SOUNDS = Prompts(entry=tone(100, 0.2), exit=tone(200, 0.2))


def test_everybody_hears_who_comes_and_who_goes_once_a_presenter_wants_it() -> None:
    world, (one, two) = conference(0, 0, prompts=SOUNDS)
    world.run(0.5)
    assert shown(world) == (True, False)
    assert {int.from_bytes(frame[-2:], "little", signed=True) for frame in one.heard} == {0}
    assert announce(world, True) == "success"
    world.run(0.1)
    assert shown(world) == (True, True)
    three = world.phone(3)
    world.dial(3)
    world.run(0.15)
    assert one.last_sample == two.last_sample == three.last_sample == after_g711(100)
    world.run(0.5)
    assert one.last_sample == 0
    two.hang_up()
    world.run(0.1)
    assert one.last_sample == after_g711(200)
    assert announce(world, False) == "success"
    world.run(0.5)
    three.hang_up()
    world.run(0.1)
    assert one.last_sample == 0


def test_announcements_are_for_presenters_and_where_they_can_be_changed() -> None:
    world, _ = conference(0, 0)
    assert announce(world, True, originator_role="attendee") == "unauthorized"
    assert announce(world, None) == "requestMalformed"
    fixed, _ = conference(0, 0, announcements_modifiable=False, announcements_enabled=True)
    assert announce(fixed, False) == "notSupported"
    fixed.run(0.1)
    assert (shown(world), shown(fixed)) == ((True, False), (False, True))


def test_a_focus_says_at_the_beginning_whether_who_comes_is_heard() -> None:
    world = World()
    state = EntityState(entry_exit_announcements=EntryExitAnnouncements(enabled=True))
    info = ConferenceInfo(
        entity=CONFERENCE, conference_view=ConferenceView(views=(EntityView(entity=AV, entity_state=state),))
    )
    world.post(AddConference(conference_info=info, callback_uri=CALLBACK))
    world.run(0.1)
    assert shown(world) == (True, True)
