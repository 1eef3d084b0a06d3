"""What the participants of a conference hear."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest

from c3p import (
    ConferenceInfo,
    ConferenceView,
    EntityState,
    EntityView,
    InitialFilters,
    MayModifyOwnFilters,
    Media,
    MediaFiltersRules,
    MediaKeys,
    ModifyConference,
    ModifyEndpointMedia,
)
from mcu import ActiveSpeakerChanged, DtmfReceived, LegHeld, LegId, LegResumed, MixerSettings
from rtp import CODINGS, Direction, Goodbye, SenderReport, SessionDescription
from sip import ResponseReceived
from tests.mcu.harness import AV, CONFERENCE, FRAME, MCU_HOST, Code, Phone, World, guid

EVERYBODY = MixerSettings(gate=0, max_contributors=10)


def conference(*levels: int, **settings: object) -> tuple[World, list[Phone]]:
    """A conference of phones 1, 2, 3 ... each of which says its level over and over."""
    world = World(**{"mixer": EVERYBODY, **settings})  # type: ignore[arg-type]
    world.start()
    phones = [world.phone(number, level=level) for number, level in enumerate(levels, 1)]
    for number in range(1, len(levels) + 1):
        world.dial(number)
    return world, phones


def after_g711(sample: int) -> int:
    """What a sample is once it has been through mu-law."""
    law = CODINGS["PCMU"]
    return int.from_bytes(law.decode(law.encode(sample.to_bytes(2, "little", signed=True))), "little", signed=True)


def mute(world: World, number: int, blocked: bool = True, **more: object) -> str | None:
    keys = MediaKeys(
        conf_entity=CONFERENCE,
        user_entity=f"sip:user{number}@198.51.100.{number}",
        endpoint_entity=guid(number),
        media_id="1",
    )
    media = Media(
        id="1",
        type="audio",
        status="recvonly" if blocked else "sendrecv",
        ingress_filter="block" if blocked else "unblock",
    )
    reply = world.post(ModifyEndpointMedia(media_keys=keys, media=media), **more)  # type: ignore[arg-type]
    assert reply.document is not None
    return None if reply.document.code is Code.SUCCESS else reply.document.reason


def audio_of(world: World, number: int) -> tuple[str | None, str | None]:
    users = world.focus.roster.users
    assert users is not None
    (media,) = next(user for user in users.users if user.entity.startswith(f"sip:user{number}@")).endpoints[0].media
    return media.status, media.ingress_filter


def test_each_of_three_hears_the_sum_of_the_other_two() -> None:
    world, (one, two, three) = conference(1000, 2000, 4000)
    world.run(1.0)
    heard = [after_g711(level) for level in (1000, 2000, 4000)]
    assert one.last_sample == after_g711(heard[1] + heard[2])
    assert two.last_sample == after_g711(heard[0] + heard[2])
    assert three.last_sample == after_g711(heard[0] + heard[1])


def test_contributors_are_named_in_the_csrc_list_by_the_source_ids_of_the_roster() -> None:
    world, (one, _, three) = conference(1000, 2000, 4000)
    world.run(1.0)
    assert one.csrcs[-1] == (3, 2)
    assert three.csrcs[-1] == (2, 1)
    users = world.focus.roster.users
    assert users is not None
    sources = [user.endpoints[0].media[0].src_id for user in users.users]
    assert sources == [1, 2, 3]


@pytest.mark.parametrize("ptime", [10, 20, 30, 40, 60])
def test_each_leg_gets_packets_of_its_own_length_evenly(ptime: int) -> None:
    world = World(mixer=EVERYBODY)
    world.start()
    one, other = world.phone(1, level=1000), world.phone(2, level=2000)
    one.capabilities = attrs.evolve(one.capabilities, ptime=ptime)
    world.dial(1)
    world.dial(2)
    times: list[tuple[float, int, int]] = []
    hear = one.receive_media

    def note(kind: str, data: bytes, source: tuple[str, int], now: float) -> None:
        if kind == "rtp":
            times.append((now, int.from_bytes(data[4:8], "big"), len(data) - 12 - 4 * (data[0] & 15)))
        hear(kind, data, source, now)

    one.receive_media = note  # type: ignore[method-assign]
    world.run(3.0)
    assert {size for _, _, size in times} == {8 * ptime}
    assert {round(1000 * (after[0] - before[0])) for before, after in pairwise(times)} == {ptime}
    assert {(after[1] - before[1]) % 2**32 for before, after in pairwise(times)} == {8 * ptime}
    assert one.last_sample == after_g711(after_g711(2000))
    assert other.last_sample == after_g711(after_g711(1000))
    assert 149 <= len(other.heard) <= 151
    assert world.mcu.counters.get("late ticks", 0) == 0
    one.hang_up()
    world.run(1.0)
    assert 199 <= len(other.heard) <= 201


def test_one_packet_every_20_ms_and_silence_when_nobody_speaks() -> None:
    world, (one,) = conference(1000)
    world.run(1.0)
    assert 49 <= len(one.heard) <= 51
    assert one.last_sample == 0
    assert one.csrcs[-1] == ()


def test_a_muted_leg_is_not_heard_and_the_roster_says_so() -> None:
    world, (one, two, _) = conference(1000, 2000, 4000)
    world.run(0.5)
    assert audio_of(world, 3) == ("sendrecv", "unblock")
    assert mute(world, 3) is None
    assert audio_of(world, 3) == ("recvonly", "block")
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000))
    assert one.csrcs[-1] == (2,)
    before = len(world.focus.notifications)
    assert mute(world, 3) is None
    assert len(world.focus.notifications) == before
    assert mute(world, 3, False) is None
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000) + after_g711(4000))


def test_who_may_mute_whom() -> None:
    world, _ = conference(1000, 2000)
    me, other = "sip:user1@198.51.100.1", "sip:user2@198.51.100.2"
    assert mute(world, 1, originator=me, originator_role="attendee") is None
    assert mute(world, 1, False, originator=me, originator_role="attendee") is None
    assert mute(world, 1, originator=other, originator_role="attendee") == "unauthorized"
    assert mute(world, 1, originator=None, originator_role=None) == "unauthorized"
    assert audio_of(world, 1) == ("sendrecv", "unblock")


def filters(world: World, word: str, *, may_unmute: bool = True, role: str = "default") -> Code:
    rules = MediaFiltersRules(
        initial_filters=(InitialFilters(role=role, ingress_filter=word),),
        may_modify_own_filters=(MayModifyOwnFilters(role="default", value=may_unmute),),
        type="audio",
    )
    view = EntityView(entity=AV, state="partial", entity_state=EntityState(media_filters_rules=rules))
    info = ConferenceInfo(
        entity=CONFERENCE, state="partial", conference_view=ConferenceView(state="partial", views=(view,))
    )
    reply = world.post(ModifyConference(conference_info=info))
    assert reply.document is not None
    return reply.document.code


def test_mute_all_is_for_attendees_that_are_here_and_that_come() -> None:
    world, _ = conference(1000)
    world.phone(2)
    world.dial(2, role="presenter")
    assert filters(world, "block", may_unmute=False) is Code.SUCCESS
    world.phone(3)
    world.dial(3)
    world.phone(4)
    world.dial(4, role="presenter")
    assert [audio_of(world, number)[1] for number in (1, 2, 3, 4)] == ["block", "unblock", "block", "unblock"]
    view = world.focus.roster.conference_view
    assert view is not None
    state = view.views[0].entity_state
    assert state is not None
    assert state.media_filters_rules is not None
    me = {"originator": "sip:user1@198.51.100.1", "originator_role": "attendee"}
    assert mute(world, 1, False, **me) == "unauthorized"
    assert filters(world, "unblock") is Code.SUCCESS
    assert [audio_of(world, number)[1] for number in (1, 2, 3, 4)] == ["unblock"] * 4


def test_somebody_may_be_called_muted() -> None:
    world, _ = conference(1000)
    world.phone(2)
    world.dial(2, media=(Media(id="3", type="audio", ingress_filter="block"),))
    assert audio_of(world, 2) == ("recvonly", "block")


def test_commands_for_streams_that_are_not_here_fail() -> None:
    world, _ = conference(1000)
    keys = MediaKeys(
        conf_entity=CONFERENCE, user_entity="sip:user1@198.51.100.1", endpoint_entity=guid(1), media_id="9"
    )
    reply = world.post(ModifyEndpointMedia(media_keys=keys, media=Media(id="9")))
    assert reply.document is not None
    assert reply.document.command_reason == "mediaDoesntExist"
    assert mute(world, 5) == "otherFailure"


# What the phone does -------------------------------------------------------------------------------------------------


def reinvite(world: World, phone: Phone, direction: Direction | None = None, *, body: bytes | None = None) -> None:
    assert phone.session is not None
    assert phone.negotiation is not None
    if body is None:
        body = bytes(phone.negotiation.make_offer(direction=direction))
    phone.endpoint.reinvite(phone.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)


def status_of(world: World, number: int) -> str | None:
    users = world.focus.roster.users
    assert users is not None
    return next(user for user in users.users if user.entity.startswith(f"sip:user{number}@")).endpoints[0].status


def take_answer(phone: Phone) -> None:
    (answer,) = [event for event in phone.seen if isinstance(event, ResponseReceived)][-1:]
    assert phone.negotiation is not None
    assert phone.stream is not None
    agreement = phone.negotiation.receive_answer(SessionDescription.parse(answer.response.body)).audio
    assert agreement is not None
    phone.stream.update(agreement, now=phone.now)


@pytest.mark.parametrize(("direction", "status"), [(Direction.SENDONLY, "sendonly"), (Direction.INACTIVE, "inactive")])
def test_hold_and_resume(direction: Direction, status: str) -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(0.5)
    reinvite(world, one, direction)
    take_answer(one)
    assert status_of(world, 1) == "on-hold"
    assert audio_of(world, 1)[0] == status
    assert len(world.of(LegHeld)) == 1
    world.run(0.5)
    count = len(one.heard)
    world.run(0.5)
    assert len(one.heard) == count
    assert two.last_sample == 0
    reinvite(world, one, Direction.SENDRECV)
    take_answer(one)
    assert status_of(world, 1) == "connected"
    assert audio_of(world, 1)[0] == "sendrecv"
    assert len(world.of(LegResumed)) == 1
    world.run(0.5)
    assert one.last_sample == after_g711(after_g711(2000))
    assert two.last_sample == after_g711(after_g711(1000))


def test_a_phone_that_mutes_itself_by_reinvite_is_not_on_hold() -> None:
    world, (one, _) = conference(1000, 2000)
    reinvite(world, one, Direction.RECVONLY)
    assert status_of(world, 1) == "connected"
    assert audio_of(world, 1)[0] == "recvonly"


def answers(phone: Phone) -> list[int]:
    return [event.response.status for event in phone.seen if isinstance(event, ResponseReceived)]


def test_an_offer_that_cannot_be_used_is_refused_and_the_call_goes_on() -> None:
    world, (one, two) = conference(1000, 2000)
    reinvite(world, one, body=b"nonsense")
    unusable = (
        b"v=0\r\no=- 0 0 IN IP4 198.51.100.1\r\ns=x\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n"
    )
    reinvite(world, one, body=unusable)
    assert answers(one) == [488, 488]
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000))


def test_a_reinvite_without_offer_gets_ours() -> None:
    world, (one, _) = conference(1000, 2000)
    assert one.session is not None
    one.endpoint.reinvite(one.session, now=world.now)
    world.settle()
    (event,) = [event for event in one.seen if isinstance(event, ResponseReceived)]
    assert one.negotiation is not None
    offer = SessionDescription.parse(event.response.body)
    answer, _ = one.negotiation.receive_offer(offer, direction=Direction.INACTIVE)
    one.endpoint.ack(one.session, body=bytes(answer), content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert status_of(world, 1) == "on-hold"


def test_an_update_with_an_offer_is_answered() -> None:
    world, (one, _) = conference(1000, 2000)
    assert one.session is not None
    assert one.negotiation is not None
    body = bytes(one.negotiation.make_offer(direction=Direction.SENDONLY))
    one.endpoint.update(one.session, body=body, content_type="application/sdp", now=world.now)
    world.run(0.1)
    assert answers(one) == [200]
    assert status_of(world, 1) == "on-hold"


def info(world: World, phone: Phone, body: bytes, content_type: str | None) -> int:
    assert phone.session is not None
    phone.endpoint.request_in_session(phone.session, "INFO", body=body, content_type=content_type, now=world.now)
    world.run(0.1)
    return answers(phone)[-1]


def test_requests_with_unknown_content_are_415_and_empty_ones_200() -> None:
    world, (one,) = conference(1000)
    assert info(world, one, b"", None) == 200
    assert info(world, one, b"x", "application/foo") == 415
    (*_, event) = [event for event in one.seen if isinstance(event, ResponseReceived)]
    assert "application/dtmf-relay" in (event.response.headers.get("Accept") or "")


def test_keys_by_info_are_reported_like_any_others() -> None:
    world, (one, _) = conference(1000, 2000)
    relay, plain = "application/dtmf-relay", "application/dtmf"
    assert info(world, one, b"Signal=5\r\nDuration=160\r\n", relay) == 200
    assert info(world, one, b"Signal=5\r\nDuration=160\r\n", relay) == 200
    assert info(world, one, b"#", plain) == 200
    assert info(world, one, b"*\r\n", "Application/DTMF;charset=utf-8") == 200
    assert info(world, one, b"Signal=nothing", relay) == 400
    keys = [event for event in world.events if isinstance(event, DtmfReceived)]
    assert [event.digit for event in keys] == ["5", "5", "#", "*"]
    assert {event.user for event in keys} == {"sip:user1@198.51.100.1"}


def test_a_key_is_reported_once_and_not_mixed() -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(0.5)
    assert one.stream is not None
    one.stream.send_dtmf("5#", duration=0.1)
    two.heard.clear()
    world.run(1.0)
    assert [event.digit for event in world.events if isinstance(event, DtmfReceived)] == ["5", "#"]
    voice = after_g711(after_g711(1000)).to_bytes(2, "little", signed=True) * 160
    assert voice in two.heard
    assert bytes(320) in two.heard  # while a key is pressed its owner is not heard


def test_comfort_noise_counts_as_silence() -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(0.5)
    assert one.stream is not None
    one.talking = False
    assert two.csrcs[-1] == (1,)
    for packet in one.stream.send_noise(60, now=world.now):
        world.mcu.receive_media([(LegId(1), packet.kind, packet.data, ("198.51.100.1", 4000), world.now)])
    world.run(0.5)
    assert two.last_sample == 0
    assert not two.csrcs[-1]


def test_reports_while_the_call_is_up_and_goodbye_at_its_end() -> None:
    world, (one, two) = conference(1000, 2000)
    world.run(10.0)
    reports = [each for each in one.reports if isinstance(each, SenderReport)]
    assert reports
    assert reports[-1].packet_count > 100
    (block,) = reports[-1].reports
    assert block.ssrc == 1001
    assert not any(isinstance(each, Goodbye) for each in one.reports)
    one.hang_up()
    world.run(0.1)
    assert any(isinstance(each, Goodbye) for each in one.reports)
    assert not any(isinstance(each, Goodbye) for each in two.reports)


def test_the_active_speaker_is_reported() -> None:
    world, (one, two) = conference(0, 8000, mixer=MixerSettings())
    world.run(0.5)
    (event,) = [event for event in world.events if isinstance(event, ActiveSpeakerChanged)]
    assert (event.leg, event.user) == (2, "sip:user2@198.51.100.2")
    two.hang_up()
    world.run(0.1)
    assert world.events[-1:] != [event]
    last = [event for event in world.events if isinstance(event, ActiveSpeakerChanged)][-1]
    assert last.leg is None
    assert one.stream is not None


# The grid ------------------------------------------------------------------------------------------------------------


def test_late_ticks_are_made_up_for_within_limits_and_counted() -> None:
    world, _ = conference(1000)
    start = world.mcu.next_tick()
    assert start is not None
    assert world.mcu.tick(start - 0.001) == []
    assert len([1 for sent in world.mcu.tick(start) if sent[1] == "rtp"]) == 1
    assert len([1 for sent in world.mcu.tick(start + 3 * FRAME) if sent[1] == "rtp"]) == 3
    assert world.mcu.counters["late ticks"] == 1
    assert world.mcu.counters["skipped frames"] == 0
    out = world.mcu.tick(start + 103 * FRAME)
    assert len([1 for sent in out if sent[1] == "rtp"]) == 5
    assert world.mcu.counters["skipped frames"] == 95
    assert world.mcu.next_tick() == pytest.approx(start + 104 * FRAME)
    stamps = [int.from_bytes(sent[2][4:8], "big") for sent in out if sent[1] == "rtp"]
    assert [after - before for before, after in pairwise(stamps)] == [160] * 4


def test_packets_of_legs_that_are_gone_are_counted() -> None:
    world, _ = conference(1000)
    assert world.mcu.receive_media([(LegId(77), "rtp", b"x", ("198.51.100.1", 4000), world.now)]) == []
    assert world.mcu.counters["datagrams without leg"] == 1


def test_garbage_on_a_media_port_changes_nothing() -> None:
    world, (_, two) = conference(1000, 2000)
    for data in (b"", b"\x00\x01" + bytes(18), b"\x80\xff", bytes(3000)):
        world.mcu.receive_media([(LegId(1), kind, data, (MCU_HOST, 9), world.now) for kind in ("rtp", "rtcp")])
    world.run(0.5)
    assert two.last_sample == after_g711(after_g711(1000))
