"""Rare paths of the links to MCUs, each with what it must not do."""

from __future__ import annotations

import attrs
import pytest
from focus_site import FakeMcu, Phone, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    ConferenceInfo,
    DeleteUser,
    ExchangeFailure,
    GetConference,
    ModifyConferenceLock,
    ModifyUserRoles,
    Notify,
    Reply,
    Request,
    State,
    User,
)
from focus import CommandFailed, CommandSucceeded, McuLost

PHONE = "sip:phone@example.org"


def talking(*names: str) -> tuple[Site, FakeMcu, Phone]:
    site = Site()
    mcus = [site.mcu(name) for name in (names or ("av1",))]
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    return site, mcus[0], alice


def test_a_final_answer_by_callback_before_the_http_answer_counts_once() -> None:
    site, mcu, alice = talking()
    kept: list[Request] = []

    def later(request: Request) -> None:
        kept.append(request)

    mcu.answers[AddUser] = later
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    assert mcu.post(kept[0].respond(Code.SUCCESS)) == Reply(200)
    ((focus, node, exchange),) = site.net.held
    site.net.answer(focus, node, exchange, Reply(200, kept[0].respond(Code.PENDING)))
    site.net.run()
    assert len(alice.node.of(CommandSucceeded)) == 1


@pytest.mark.parametrize("outcome", [ExchangeFailure.TIMEOUT, ExchangeFailure.UNUSABLE])
def test_a_failed_exchange_after_the_final_answer_changes_nothing(outcome: ExchangeFailure) -> None:
    site, mcu, alice = talking()
    kept: list[Request] = []
    mcu.answers[AddUser] = lambda request: kept.append(request)  # type: ignore[func-returns-value]
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    mcu.post(kept[0].respond(Code.SUCCESS))
    site.net.fail_held(outcome)
    assert alice.node.of(CommandFailed) == []


def test_an_mcu_that_says_it_dropped_the_conference_before_it_was_ready_is_not_lost() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()

    def bootstrap(request: Request) -> None:
        assert isinstance(request.command, AddConference)
        assert request.command.conference_info is not None
        mcu.conference = request.command.conference_info.entity

    mcu.answers[AddConference] = bootstrap
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    gone = ConferenceInfo(entity=mcu.conference, state=State.DELETED, version=1)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=gone))
    assert site.node.of(McuLost) == []


def test_an_mcu_that_is_lost_with_an_exchange_under_way_forgets_it() -> None:
    site, mcu, alice = talking("av1", "av2")
    mcu.answers[AddUser] = lambda request: None
    alice.client.add_user("sip:other@example.org", now=site.net.now)
    site.net.run()
    gone = ConferenceInfo(entity=mcu.conference, state=State.DELETED, version=9)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=mcu.conference, conference_info=gone))
    site.net.fail_held()
    assert len(alice.node.of(CommandFailed)) == 2
    assert site.mcu_factory.mcus[1].commands(AddConference)


def test_an_mcu_that_does_not_know_the_conference_when_asked_for_it_is_lost() -> None:
    site, mcu, _ = talking("av1", "av2")
    mcu.call(PHONE, "connected")
    mcu.answers[GetConference] = lambda request: Reply(404)
    mcu.call(PHONE, "on-hold")
    mcu.version += 1
    mcu.call(PHONE, "connected")
    assert site.node.last(McuLost).reason == "the MCU does not know the conference"


def test_an_mcu_that_cannot_say_what_it_has_keeps_what_it_said() -> None:
    site, mcu, alice = talking()
    mcu.call(PHONE, "connected")
    mcu.answers[GetConference] = lambda request: Reply(200, request.respond(Code.FAILURE, reason="serverBusy"))
    mcu.version += 1
    mcu.call(PHONE, "on-hold")
    assert alice.status(PHONE) == "connected"
    assert site.node.of(McuLost) == []


def test_many_mcus_that_failed_are_not_all_remembered() -> None:
    names = tuple(f"av{number}" for number in range(20))
    site, mcu, alice = talking(*names)
    failed = []
    for _ in range(19):
        used = next(one for one in reversed(site.mcu_factory.mcus) if one.commands(AddConference))
        used.answers[ModifyConferenceLock] = lambda request: ExchangeFailure.CONNECT
        site.mcu_factory.mcus.remove(used)
        failed.append(used)
        alice.client.set_lock(True, now=site.net.now)
        site.net.run()
    last = User(entity=PHONE, state=State.DELETED)
    assert failed[-1].notify(last) == Reply(404)  # it is told to drop the conference
    assert failed[0].notify(last) == Reply(403)  # nobody knows it any more
    assert mcu.conference


def test_an_ejection_from_two_mcus_waits_for_both() -> None:
    types = ("audio-video", "chat")
    site = Site(factory=attrs.evolve(Site().factory.config, mcu_types=types))
    audio, chat = site.mcu(), site.mcu("im1", "chat")
    _, alice, _ = site.meeting(mcu_types=types)
    for kind, mcu in zip(types, (audio, chat), strict=True):
        alice.client.add_user(PHONE, mcu_type=kind, now=site.net.now)
        site.net.run()
        mcu.answer_call(PHONE)
    chat.answers[DeleteUser] = lambda request: None
    command = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert command not in [one.command for one in alice.node.of(CommandSucceeded)]
    audio.boot(PHONE)
    del chat.answers[DeleteUser]
    site.net.fail_held()
    assert len(chat.commands(DeleteUser)) == 2
    assert command in [one.command for one in alice.node.of(CommandSucceeded)]


def test_a_fan_out_that_was_answered_in_time_is_not_answered_again() -> None:
    site, mcu, alice = talking()
    mcu.answers[ModifyConferenceLock] = lambda request: None
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run(31.0)
    site.net.fail_held()
    site.net.run(200.0)
    succeeded = [one for one in alice.node.of(CommandSucceeded) if one.command == command]
    assert len(succeeded) == 1


def test_muting_does_not_need_a_view_of_the_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")

    def bootstrap(request: Request) -> Reply:
        mcu.conference = conference
        return Reply(200, request.respond(Code.SUCCESS, command=AddConference()))

    mcu.answers[AddConference] = bootstrap
    alice.client.add_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    mcu.version = 1
    mcu.users.clear()
    whole = attrs.evolve(mcu.document(), conference_view=None)
    mcu.post(Notify(notification_id=1, from_=mcu.uri, to=conference, conference_info=whole))
    mcu.call("sip:bob@example.com", "connected")
    user = bob.user("sip:bob@example.com")
    assert user is not None
    bob.client.mute("sip:bob@example.com", endpoint=user.endpoints[1].entity, muted=False, now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandSucceeded)


def test_a_role_that_an_mcu_did_not_take_is_told_it_again_until_it_does() -> None:
    site, mcu, alice = talking()
    mcu.call(PHONE, "connected")
    mcu.answers[ModifyUserRoles] = lambda request: ExchangeFailure.UNUSABLE
    command = alice.client.modify_user_roles(PHONE, "presenter", now=site.net.now)
    site.net.run()
    first, second = mcu.commands(ModifyUserRoles)
    del mcu.answers[ModifyUserRoles]
    site.net.run(5.0)
    assert len(mcu.commands(ModifyUserRoles)) == 3
    assert first.command == second.command
    assert first.request_id != second.request_id
    assert (second.originator, second.originator_role) == ("sip:alice@example.com", "presenter")
    assert [one.command for one in alice.node.of(CommandSucceeded)] == [command]
    assert alice.user(PHONE).roles == ("presenter",)  # type: ignore[union-attr]
