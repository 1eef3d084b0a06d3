"""What an application does with the sound of a conference, and what never gets into it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu import MAX_GAIN, ActiveSpeakerChanged, AudioLevels, LegId, LocalProtocolError, Tap
from mcu.audio.announcements import Announcements
from mcu.audio.level_meter import level_of_energy
from rtp import TelephoneEventStarted
from sip import InviteReceived
from sip.testing import Network
from tests.mcu.harness import CONFERENCE, Code, Phone, World, answering
from tests.mcu.test_media import after_g711, conference, mute

FRAME_OCTETS = 320


def samples(sound: bytes) -> set[int]:
    return {int.from_bytes(sound[at : at + 2], "little", signed=True) for at in range(0, len(sound), 2)}


def tone(level: int, seconds: float = 1.0) -> bytes:
    """A sound of one sample over and over, which is plain to see in a mix."""
    return level.to_bytes(2, "little", signed=True) * round(8000 * seconds)


# Gains


def test_a_leg_is_heard_louder_and_another_hears_less() -> None:
    world, (_one, two, three) = conference(1000, 0, 0)
    world.run(0.5)
    control = world.mcu.media_control
    control.set_gains(LegId(1), input_gain=2.0)
    control.set_gains(LegId(3), output_gain=0.5)
    world.run(0.5)
    said = after_g711(1000)
    assert two.last_sample == after_g711(2 * said)
    assert three.last_sample == after_g711(said)
    control.set_gains(LegId(1))
    control.set_gains(LegId(3))
    world.run(0.5)
    assert two.last_sample == three.last_sample == after_g711(said)


@pytest.mark.parametrize("gain", [-0.1, MAX_GAIN + 0.1, float("nan"), float("inf")])
def test_a_gain_that_is_none_changes_nothing(gain: float) -> None:
    world, (_, two) = conference(1000, 0)
    world.run(0.5)
    with pytest.raises(LocalProtocolError, match="gain"):
        world.mcu.media_control.set_gains(LegId(1), input_gain=gain)
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000))


# Keys


def keys_at(phone: Phone) -> list[str | None]:
    """Watch a phone's own stream for keys, as a voice portal would."""
    pressed: list[str | None] = []
    before = phone.receive_media

    def watch(kind: str, data: bytes, source: tuple[str, int], now: float) -> None:
        if kind == "rtp" and data[1] & 0x7F == 101:
            assert phone.stream is not None
            events = phone.stream.receive(kind, data, source, now=now)
            pressed.extend(event.digit for event in events if isinstance(event, TelephoneEventStarted))
        else:
            before(kind, data, source, now)

    phone.receive_media = watch  # type: ignore[method-assign]
    return pressed


def test_keys_are_pressed_to_a_voice_portal_in_a_call_that_is_up() -> None:
    world, (portal, other) = conference(0, 1000)
    world.run(0.5)
    pressed, others = keys_at(portal), keys_at(other)
    world.mcu.media_control.send_dtmf(LegId(1), "42#")
    world.run(1.0)
    assert pressed == ["4", "2", "#"]
    assert others == []
    assert portal.last_sample == after_g711(after_g711(1000))  # the mix goes on after it


def test_keys_that_cannot_be_sent_are_an_error_of_the_caller() -> None:
    world, (_, _deaf) = conference(0, 0)
    control = world.mcu.media_control
    for digits in ("x", "1" * 65):
        with pytest.raises(LocalProtocolError):
            control.send_dtmf(LegId(1), digits)
    with pytest.raises(LocalProtocolError, match="not connected"):
        control.send_dtmf(LegId(9), "1")


# Announcements


def test_everybody_hears_an_announcement_beside_the_others() -> None:
    world, (one, two) = conference(1000, 0)
    world.run(0.5)
    assert world.mcu.media_control.announce(CONFERENCE, tone(300, 0.5))
    world.run(0.3)
    assert one.last_sample == after_g711(300)
    assert two.last_sample == after_g711(after_g711(1000) + 300)
    assert one.csrcs[-1] == (2,)  # nobody says it: the other phone is named, for every phone contributes here
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000))


def test_announcements_come_one_after_the_other_and_no_more_than_four_wait() -> None:
    world, (one, _) = conference(0, 0)
    control = world.mcu.media_control
    assert [control.announce(CONFERENCE, tone(level, 0.1)) for level in (100, 200, 300, 400, 500)] == [True] * 4 + [
        False
    ]
    world.run(0.5)
    heard = [int.from_bytes(frame[-2:], "little", signed=True) for frame in one.heard]
    assert list(dict.fromkeys(heard)) == [after_g711(level) for level in (100, 200, 300, 400, 0)]
    for sound in (b"", b"\0"):
        with pytest.raises(LocalProtocolError, match="sound"):
            control.announce(CONFERENCE, sound)
    with pytest.raises(LocalProtocolError, match="not on this MCU"):
        control.announce("sip:nobody@example.com", tone(1))


@given(st.lists(st.binary(min_size=2, max_size=2000).filter(lambda sound: len(sound) % 2 == 0), max_size=4))
def test_no_sample_of_an_announcement_is_lost_or_invented(sounds: list[bytes]) -> None:
    announcements = Announcements()
    assert all(announcements.play(sound) for sound in sounds)
    frames = list(iter(announcements.next_frame, None))
    assert {len(frame) for frame in frames} <= {FRAME_OCTETS}
    whole = b"".join(sound + bytes(-len(sound) % FRAME_OCTETS) for sound in sounds)
    assert b"".join(frames) == whole


# Recordings


def test_the_mix_and_each_leg_can_be_recorded() -> None:
    world, _ = conference(1000, 2000)
    world.run(0.5)
    control = world.mcu.media_control
    mix, one = control.tap(CONFERENCE), control.tap(CONFERENCE, LegId(1))
    world.run(0.5)
    said = [after_g711(level) for level in (1000, 2000)]
    sound = mix.take()
    assert len(sound) == 8000
    assert samples(sound) == {sum(said)}
    assert samples(one.take()) == {said[0]}
    mute(world, 1)
    world.run(0.1)
    one.take()
    world.run(0.2)
    assert samples(one.take()) == {0}, "who is muted is not recorded"
    control.close_tap(one)
    world.run(0.2)
    assert one.ended
    assert one.take() == b""
    control.close_tap(one)


def test_a_recording_has_no_hole_where_a_tick_was_late() -> None:
    world, _ = conference(1000, 0)
    world.run(0.5)
    tap = world.mcu.media_control.tap(CONFERENCE)
    tick = world.mcu.next_tick()
    assert tick is not None
    world.mcu.tick(tick + 1.0)
    assert len(tap.take()) == 16000 + FRAME_OCTETS


def test_taps_end_with_their_leg_and_with_their_conference() -> None:
    world, (one, _) = conference(1000, 2000)
    world.run(0.5)
    control = world.mcu.media_control
    mix, leg, other = control.tap(CONFERENCE), control.tap(CONFERENCE, LegId(1)), control.tap(CONFERENCE, LegId(2))
    one.hang_up()
    world.run(0.1)
    assert (leg.ended, other.ended, mix.ended) == (True, False, False)
    world.mcu.close(now=world.now)
    world.run(0.1)
    assert other.ended
    assert mix.ended
    with pytest.raises(LocalProtocolError):
        control.tap(CONFERENCE)


def test_a_tap_that_nobody_empties_keeps_the_newest_ten_seconds() -> None:
    world, _ = conference(1000, 0)
    tap = world.mcu.media_control.tap(CONFERENCE)
    world.run(12.0)
    assert len(tap.take()) == 10 * 16000
    assert 90 <= tap.lost <= 101


def test_taps_are_bounded_and_of_legs_that_are_there() -> None:
    world, _ = conference(0, 0, max_taps=2)
    control = world.mcu.media_control
    taps = [control.tap(CONFERENCE), control.tap(CONFERENCE, LegId(1))]
    with pytest.raises(LocalProtocolError, match="2 taps"):
        control.tap(CONFERENCE)
    control.close_tap(taps[0])
    with pytest.raises(LocalProtocolError, match="not connected"):
        control.tap(CONFERENCE, LegId(9))
    assert isinstance(control.tap(CONFERENCE), Tap)


# Levels


def test_levels_are_reported_at_intervals_and_the_first_silence_too() -> None:
    world, (one, two) = conference(1000, 0, level_interval=0.1)
    world.run(1.0)
    levels = [event for event in world.events if isinstance(event, AudioLevels)]
    assert 8 <= len(levels) <= 10
    assert levels[-1].levels == {LegId(1): level_of_energy(after_g711(1000) ** 2)}
    one.talking = two.talking = False
    world.run(2.0)
    later = [event for event in world.events if isinstance(event, AudioLevels)][len(levels) :]
    assert later[-1].levels == {}
    assert [event.levels for event in later].count({}) == 1


def test_levels_are_not_reported_unless_they_are_wanted() -> None:
    world, _ = conference(1000, 0)
    world.run(1.0)
    assert not [event for event in world.events if isinstance(event, AudioLevels)]


@given(st.floats(min_value=0, max_value=32767.0**2))
def test_a_level_is_a_whole_number_of_decibels_below_full_scale(energy: float) -> None:
    assert -127 <= level_of_energy(energy) <= 0
    assert level_of_energy(32767.0**2) == 0
    assert level_of_energy(0.0) == -127


@pytest.mark.parametrize("wanted", [True, False])
def test_the_roster_names_who_speaks_where_that_is_wanted(wanted: bool) -> None:
    world, (one, two) = conference(1000, 0, speaker_in_roster=wanted)

    def shown() -> str | None:
        view = world.focus.roster.conference_view
        assert view is not None
        assert view.views[0].entity_state is not None
        return view.views[0].entity_state.active_speaker

    world.run(1.0)
    assert shown() == ("sip:user1@198.51.100.1" if wanted else None)
    one.talking = False
    world.run(3.0)
    assert shown() is None
    one.talking = True
    world.run(1.0)
    one.hang_up()
    world.run(0.5)
    assert shown() is None
    assert two.stream is not None


# What never gets into the mix


def test_early_media_is_never_in_the_mix() -> None:
    """A gateway's ringing tone, or an announcement of the network, is for the caller (RFC 3960), and here nobody is."""
    world = World()
    world.start()
    listener = world.phone(1, answering)
    world.dial(1)

    def early(phone: Phone, event: InviteReceived) -> None:
        phone.ring(183, phone.description())
        phone._confirmed()  # its media run before anybody answers

    gateway = world.phone(2, early, level=5000)
    world.dial(2)
    world.run(1.0)
    assert len(listener.heard) > 40
    assert {listener.last_sample} == {0}
    assert world.mcu.counters["datagrams without leg"] > 40
    assert not [event for event in world.events if isinstance(event, ActiveSpeakerChanged)]
    gateway.answer(bytes(gateway.negotiation.local))  # type: ignore[union-attr, arg-type]
    world.run(1.0)
    assert listener.last_sample == after_g711(after_g711(5000))


def test_a_second_phone_that_answers_a_forked_call_is_acknowledged_and_hung_up_on() -> None:
    world = World()
    world.start()
    phone = world.phone(1, level=1000)
    world.dial(1)
    world.run(0.2)
    answer = next(sent.data for sent in world.log if sent.data.startswith(b"SIP/2.0 200") and b"INVITE" in sent.data)
    tag = b"tag=" + phone.endpoint.session(phone.session).local_tag.encode()  # type: ignore[arg-type]
    other = answer.replace(tag, b"tag=other").replace(b"Contact: <sip:", b"Contact: <sip:second-", 1)
    assert other.count(b"tag=other") == 1
    world.inject(world.mcu_agent, other)
    world.run(0.2)
    acks = [request.to.tag for request in Network.requests(world, "ACK")]
    assert acks[-1] == "other"
    assert [request.to.tag for request in Network.requests(world, "BYE")] == ["other"]
    assert world.focus.final("2").code is Code.SUCCESS
    world.run(0.5)
    assert world.mcu.legs == 1
    assert phone.stream is not None
