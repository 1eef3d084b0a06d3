"""How much can be wanted of one MCU, and what is kept of those who were muted on one that is lost."""

from __future__ import annotations

import attrs
import pytest
from commanding import PHONE, connected
from focus_site import FakeMcu, Phone, Site

from c3p import (
    AddUser,
    Code,
    DeleteUser,
    Endpoint,
    ExchangeFailure,
    Filter,
    Media,
    ModifyEndpointMedia,
    Reason,
    Reply,
)
from focus import CommandFailed, CommandSucceeded, McuLost

OTHER = "sip:other@example.org"
MORE = "sip:more@example.org"
FOURTH = "sip:fourth@example.org"


def test_what_belongs_to_the_conference_is_not_pushed_out_by_what_belongs_to_somebody() -> None:
    site = Site(max_intents_per_mcu=2, max_muted_per_mcu=3)
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    alice.client.mute_all(True, now=site.net.now)
    for user in (PHONE, OTHER, MORE):
        endpoint = connected(site, alice, user)
        alice.client.mute(user, endpoint=endpoint.entity, now=site.net.now)
        site.net.run()
    assert len(alice.node.of(CommandSucceeded)) == 7
    assert first.state.media_filters_rules is not None
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    alice.client.add_user("sip:last@example.org", now=site.net.now)
    site.net.run()
    assert site.node.last(McuLost).mcu_id == "av1"
    assert second.state.media_filters_rules == first.state.media_filters_rules


def test_an_ejection_for_which_there_is_no_room_is_refused_and_goes_nowhere() -> None:
    site = Site(max_intents_per_mcu=1)
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice)
    connected(site, alice, OTHER)
    mcu.answers[DeleteUser] = lambda request: None  # it thinks about it
    first = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    alice.client.delete_user(OTHER, now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.command != first
    assert failed.response is not None
    assert failed.response.reason == Reason.SERVER_BUSY
    assert len(mcu.commands(DeleteUser)) == 1
    assert bob.status(PHONE) == "disconnecting"
    assert bob.status(OTHER) == "connected"
    ((focus, node, exchange),) = site.net.held
    mcu.answers[DeleteUser] = lambda request: Reply(200, request.respond(Code.SUCCESS))
    mcu.boot(PHONE)
    site.net.answer(focus, node, exchange, Reply(200, mcu.commands(DeleteUser)[0].respond(Code.SUCCESS)))
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == first
    again = alice.client.delete_user(OTHER, now=site.net.now)  # now there is
    site.net.run()
    mcu.boot(OTHER)
    assert alice.node.last(CommandSucceeded).command == again
    assert bob.user(OTHER) is None


def test_nobody_is_muted_whose_being_muted_would_be_forgotten() -> None:
    """Streams muted on an MCU that is lost count: their users come back muted, however many others are muted then."""
    site = Site(max_muted_per_mcu=2)
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    for user in (PHONE, MORE):
        endpoint = connected(site, alice, user)
        alice.client.mute(user, endpoint=endpoint.entity, now=site.net.now)
        site.net.run()
    lose(site, alice, first)
    alice.client.add_user(FOURTH, now=site.net.now)
    site.net.run()
    second.answer_call(FOURTH)
    other = alice.user(FOURTH)
    assert other is not None
    refused = alice.client.mute(other.entity, endpoint=other.endpoints[0].entity, now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.command == refused
    assert failed.response is not None
    assert failed.response.reason == Reason.SERVER_BUSY
    assert not second.commands(ModifyEndpointMedia)
    for user in (PHONE, MORE):
        alice.client.add_user(user, now=site.net.now)
        site.net.run()
        second.answer_call(user)
    assert [
        [media.ingress_filter for media in one.command.user.endpoints[0].media]
        for one in second.commands(AddUser)
        if isinstance(one.command, AddUser) and one.command.user.entity in (PHONE, MORE)
    ] == [[Filter.BLOCK], [Filter.BLOCK]]


def test_who_is_heard_again_makes_room_for_another_who_is_muted() -> None:
    site = Site(max_muted_per_mcu=1)
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    first, second = connected(site, alice), connected(site, alice, OTHER)

    def mute(user: str, endpoint: Endpoint, muted: bool) -> None:
        alice.client.mute(user, endpoint=endpoint.entity, muted=muted, now=site.net.now)
        site.net.run()

    mute(PHONE, first, True)
    mute(OTHER, second, True)
    assert len(mcu.commands(ModifyEndpointMedia)) == 1
    mute(PHONE, first, False)
    mute(OTHER, second, True)
    assert len(mcu.commands(ModifyEndpointMedia)) == 3


# Who was muted -------------------------------------------------------------------------------------------------------


def filters(mcu: FakeMcu) -> list[list[tuple[str | None, str | None]]]:
    """Type and filter of each stream of each addUser for the phone."""
    return [
        [(media.type, media.ingress_filter) for media in one.command.user.endpoints[0].media]
        for one in mcu.commands(AddUser)
        if isinstance(one.command, AddUser) and one.command.user.entity == PHONE
    ]


def lose(site: Site, alice: Phone, mcu: FakeMcu) -> None:
    mcu.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    assert site.node.last(McuLost).mcu_id == mcu.mcu_id


def call(site: Site, alice: Phone, mcu: FakeMcu) -> None:
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)


def muted(site: Site, alice: Phone, mcu: FakeMcu, endpoint: Endpoint, media_id: str, media_type: str) -> None:
    mcu.answers[ModifyEndpointMedia] = lambda request: Reply(200, request.respond(Code.SUCCESS))
    alice.client.mute(PHONE, endpoint=endpoint.entity, media_id=media_id, media_type=media_type, now=site.net.now)
    site.net.run()


def test_each_endpoint_of_a_user_comes_back_muted() -> None:
    site = Site()
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    one = connected(site, alice)
    two = attrs.evolve(one, entity="{0A18DF61-D17F-E63A-19B4-CE30D96806FD}")
    first.users[PHONE] = attrs.evolve(first.users[PHONE], endpoints=(one, two))
    first.notify(first.users[PHONE])
    for endpoint in (one, two):
        muted(site, alice, first, endpoint, "1", "audio")
    lose(site, alice, first)
    for _ in range(3):
        call(site, alice, second)
    assert [[blocked for _, blocked in each] for each in filters(second)] == [[Filter.BLOCK], [Filter.BLOCK], [None]]


@pytest.mark.parametrize("unmuted", [False, True])
def test_who_came_back_muted_does_so_from_the_mcu_after_that_too_unless_unmuted_in_between(unmuted: bool) -> None:
    site = Site()
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    muted(site, alice, first, connected(site, alice), "1", "audio")
    lose(site, alice, first)
    call(site, alice, second)
    assert filters(second) == [[("audio", Filter.BLOCK)]]
    if unmuted:
        second.answers[ModifyEndpointMedia] = lambda request: Reply(200, request.respond(Code.SUCCESS))
        (there,) = second.users[PHONE].endpoints
        alice.client.mute(PHONE, endpoint=there.entity, muted=False, now=site.net.now)
        site.net.run()
    del first.answers[AddUser]
    lose(site, alice, second)
    call(site, alice, first)
    assert filters(first)[-1] == [("audio", None if unmuted else Filter.BLOCK)]


def test_each_stream_of_an_endpoint_comes_back_muted() -> None:
    site = Site()
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    connected(site, alice)
    streams = tuple(Media(id=number, type=kind, status="sendrecv") for number, kind in (("1", "audio"), ("2", "video")))
    first.call(PHONE, "connected", media=streams)
    (endpoint,) = first.users[PHONE].endpoints
    for stream in streams:
        muted(site, alice, first, endpoint, stream.id, stream.type or "")
    lose(site, alice, first)
    call(site, alice, second)
    assert filters(second) == [[("audio", Filter.BLOCK), ("video", Filter.BLOCK)]]
