"""What the Focus wants and what an MCU has become one, whatever exchange between them was lost."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from commanding import PHONE, connected
from focus_site import FakeMcu, Phone, Site

from c3p import (
    AddConference,
    AddUser,
    Code,
    Command,
    ConferenceKeys,
    DeleteUser,
    ExchangeFailure,
    Filter,
    GetConference,
    InitialFilters,
    MediaFiltersRules,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Reply,
    Request,
    Role,
    User,
    mcu_uri,
)
from focus import CommandFailed, CommandId, CommandSucceeded, McuLost

OTHER = "sip:other@example.org"
MUTE_ALL = MediaFiltersRules(initial_filters=(InitialFilters(role=Role.DEFAULT, ingress_filter=Filter.BLOCK),))

Outcome = Reply | ExchangeFailure | None


class Ejecting:
    """An MCU that carries deleteUser out, and whose exchanges fail as told."""

    def __init__(self, mcu: FakeMcu) -> None:
        self.mcu = mcu
        self.faults: list[str] = []
        mcu.answers[DeleteUser] = self.receive

    def receive(self, request: Request) -> Outcome:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "request lost":
            return ExchangeFailure.TIMEOUT
        if fault == "503":
            return Reply(503, retry_after=1)
        if fault == "no C3P":
            return ExchangeFailure.UNUSABLE
        if fault == "failure":
            return Reply(200, request.respond(Code.FAILURE, reason="otherFailure"))
        assert isinstance(request.command, DeleteUser)
        self.mcu.users.pop(request.command.user_keys.user_entity, None)
        return ExchangeFailure.TIMEOUT if fault == "answer lost" else Reply(200, request.respond(Code.SUCCESS))


def ends(phone: Phone, command: CommandId) -> list[str]:
    """How a command ended, each time that it did."""
    kinds = (CommandSucceeded, CommandFailed)
    return [type(one).__name__ for one in phone.node.events if isinstance(one, kinds) and one.command == command]


def eject(site: Site, alice: Phone) -> CommandId:
    command = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    return command


def talking(*watchers: str, mcus: int = 1) -> tuple[Site, list[FakeMcu], Phone, list[Phone]]:
    site = Site()
    made = [site.mcu(f"av{number}") for number in range(1, mcus + 1)]
    _, alice, others = site.meeting(*watchers)
    connected(site, alice)
    return site, made, alice, others


# Who is to go --------------------------------------------------------------------------------------------------------


def test_an_ejection_that_got_lost_is_no_success_until_the_mcu_has_done_it() -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    answer: list[Outcome] = [ExchangeFailure.TIMEOUT, None]
    mcu.answers[DeleteUser] = lambda request: answer.pop(0)
    command = eject(site, alice)
    assert len(mcu.commands(DeleteUser)) == 2  # it was asked, had still the phone, and is told again
    assert ends(alice, command) == []
    assert bob.status(PHONE) == "disconnecting"
    mcu.call(PHONE, "on-hold")
    assert bob.status(PHONE) == "disconnecting"  # whatever it says of the phone as long as it has it
    ((focus, node, exchange),) = site.net.held
    assert isinstance(exchange.document, Request)
    site.net.answer(focus, node, exchange, Reply(200, exchange.document.respond(Code.PENDING)))
    mcu.boot(PHONE)
    mcu.post(exchange.document.respond(Code.SUCCESS))
    assert ends(alice, command) == ["CommandSucceeded"]
    assert bob.user(PHONE) is None


def test_an_ejection_of_which_the_answer_got_lost_is_not_told_again() -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    Ejecting(mcu).faults = ["answer lost"]
    command = eject(site, alice)
    assert len(mcu.commands(DeleteUser)) == 1
    assert ends(alice, command) == ["CommandSucceeded"]
    assert bob.user(PHONE) is None


@pytest.mark.parametrize("fault", ["request lost", "503", "no C3P", "failure"])
def test_an_ejection_is_told_again_until_it_is_done(fault: str) -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    Ejecting(mcu).faults = [fault] * (1 if fault == "request lost" else 4)
    command = eject(site, alice)
    assert bob.status(PHONE) in ("disconnecting", None)
    site.net.run(60.0)
    assert ends(alice, command) == ["CommandSucceeded"]
    assert bob.user(PHONE) is None
    assert site.node.of(McuLost) == []


def test_the_waits_between_the_tries_grow() -> None:
    site, (mcu,), alice, _ = talking()
    Ejecting(mcu).faults = ["503"] * 1_000
    eject(site, alice)
    site.net.run(600.0)
    assert 20 < len(mcu.commands(DeleteUser)) < 40


def test_a_presenter_is_answered_in_time_and_the_ejection_goes_on() -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    ejecting = Ejecting(mcu)
    ejecting.faults = ["503"] * 1_000
    command = eject(site, alice)
    site.net.run(149.0)
    assert ends(alice, command) == []
    site.net.run(2.0)
    assert ends(alice, command) == ["CommandFailed"]
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None  # of the Focus: the client has not given up by itself
    assert failed.response.reason == "timeout"
    assert bob.status(PHONE) == "disconnecting"
    ejecting.faults = []
    site.net.run(61.0)
    assert bob.user(PHONE) is None
    assert ends(alice, command) == ["CommandFailed"]


def test_an_mcu_that_says_so_and_does_not_do_it_is_told_again() -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    command = eject(site, alice)
    assert ends(alice, command) == ["CommandSucceeded"]  # it said so
    assert bob.status(PHONE) == "disconnecting"
    site.net.run(5.0)
    told = len(mcu.commands(DeleteUser))
    assert told > 1
    mcu.boot(PHONE)
    site.net.run(60.0)
    assert len(mcu.commands(DeleteUser)) == told
    assert bob.user(PHONE) is None


def test_who_is_put_out_is_not_called_again_before_it_is_out() -> None:
    site, (mcu,), alice, (bob,) = talking("bob")
    mcu.answers[DeleteUser] = lambda request: Reply(200, request.respond(Code.PENDING))
    eject(site, alice)
    called = len(mcu.commands(AddUser))
    alice.client.add_user(PHONE, now=site.net.now)
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    assert [one.command.user.entity for one in mcu.commands(AddUser)[called:]] == [OTHER]  # type: ignore[attr-defined]
    (request,) = mcu.commands(DeleteUser)
    mcu.boot(PHONE)
    mcu.post(request.respond(Code.SUCCESS))
    assert len(mcu.commands(AddUser)) == called + 2
    mcu.answer_call(PHONE)
    assert bob.status(PHONE) == "connected"


def test_somebody_whom_the_mcu_may_be_calling_is_not_gone_because_it_does_not_show_it() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    calling = alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()  # the MCU works on it, and shows nobody: it asks its policy
    answers: list[Outcome] = [ExchangeFailure.TIMEOUT]
    mcu.answers[DeleteUser] = lambda request: answers.pop(0) if answers else Reply(200, request.respond(Code.SUCCESS))
    command = eject(site, alice)
    assert len(mcu.commands(DeleteUser)) == 2
    mcu.result(PHONE, Code.FAILURE, "requestCancelled")
    assert (ends(alice, command), ends(alice, calling)) == (["CommandSucceeded"], ["CommandFailed"])


def test_an_mcu_that_is_given_up_has_nobody_any_more() -> None:
    site, (first, second), alice, (bob,) = talking("bob", mcus=2)
    first.answers[DeleteUser] = lambda request: ExchangeFailure.TIMEOUT
    command = eject(site, alice)
    assert site.node.last(McuLost).mcu_id == "av1"
    assert ends(alice, command) == ["CommandSucceeded"]
    assert bob.user(PHONE) is None
    assert second.commands(DeleteUser) == []


def test_the_end_of_the_conference_is_the_end_of_what_was_wanted() -> None:
    site, (mcu,), alice, _ = talking()
    Ejecting(mcu).faults = ["503"] * 1_000
    command = eject(site, alice)
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    asked = len(mcu.requests)
    site.net.run(600.0)
    assert len(mcu.requests) == asked
    assert ends(alice, command) == ["CommandFailed"]  # the MCU has the phone until it hears of the end


# What the conference wants -------------------------------------------------------------------------------------------


def mute_all(alice: Phone, now: float) -> CommandId:
    return alice.client.mute_all(True, now=now)


def announce(alice: Phone, now: float) -> CommandId:
    conference = alice.client.conference_uri
    assert conference is not None
    keys = ConferenceKeys(conf_entity=conference)
    mcu = mcu_uri(conference, "audio-video")
    return alice.client._info(ModifyConferenceAnnouncements(mcu_uri=mcu, conference_keys=keys, enabled=True), now=now)


SETTINGS: list[tuple[type[Command], Callable[[Phone, float], CommandId]]] = [
    (ModifyConference, mute_all),
    (ModifyConferenceLock, lambda alice, now: alice.client.set_lock(True, now=now)),
    (ModifyConferenceAnnouncements, announce),
]


def wanted(mcu: FakeMcu, kind: type[Command]) -> bool:
    """Whether an MCU has the setting that one of the commands above makes."""
    if kind is ModifyConferenceLock:
        return mcu.state.locked is True
    if kind is ModifyConferenceAnnouncements:
        return mcu.state.entry_exit_announcements is not None and bool(mcu.state.entry_exit_announcements.enabled)
    rules = mcu.state.media_filters_rules
    return rules is not None and rules.initial_filters == MUTE_ALL.initial_filters


@pytest.mark.parametrize(("kind", "give"), SETTINGS)
def test_settings_go_to_the_next_mcu(kind: type[Command], give: Callable[[Phone, float], CommandId]) -> None:
    site, (first, second), alice, _ = talking(mcus=2)
    give(alice, site.net.now)
    site.net.run()
    assert wanted(first, kind)
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    assert site.node.last(McuLost).mcu_id == "av1"
    assert wanted(second, kind)
    assert second.commands(kind) == []  # it was told in the beginning


@pytest.mark.parametrize(("kind", "give"), SETTINGS)
def test_settings_that_the_next_mcu_does_not_take_in_the_beginning_are_commanded(
    kind: type[Command], give: Callable[[Phone, float], CommandId]
) -> None:
    site, (first, second), alice, _ = talking(mcus=2)
    second.take = lambda info: None  # type: ignore[method-assign]
    give(alice, site.net.now)
    site.net.run()
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    del second.take
    assert len(second.commands(kind)) == 1


@pytest.mark.parametrize(("kind", "give"), SETTINGS)
@pytest.mark.parametrize("carried_out", [False, True])
def test_a_setting_that_got_no_answer_is_found_out_about(
    kind: type[Command], give: Callable[[Phone, float], CommandId], carried_out: bool
) -> None:
    site, (mcu,), alice, _ = talking()

    def lost(request: Request) -> Outcome:
        del mcu.answers[kind]
        if carried_out:
            mcu.carry_out(request.command)
        return ExchangeFailure.TIMEOUT

    mcu.answers[kind] = lost
    command = give(alice, site.net.now)
    site.net.run()
    assert wanted(mcu, kind)
    assert len(mcu.commands(kind)) == (1 if carried_out else 2)
    assert ends(alice, command) == ["CommandSucceeded"]


@pytest.mark.parametrize(("kind", "give"), [one for one in SETTINGS if one[0] is not ModifyConferenceLock])
def test_a_setting_that_the_mcu_refuses_is_wanted_no_more(
    kind: type[Command], give: Callable[[Phone, float], CommandId]
) -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[kind] = lambda request: Reply(200, request.respond(Code.FAILURE, reason="notSupported"))
    command = give(alice, site.net.now)
    site.net.run()
    assert ends(alice, command) == ["CommandFailed"]
    mcu.answers[AddUser] = lambda request: ExchangeFailure.UNUSABLE
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run(60.0)
    assert mcu.commands(GetConference)
    assert len(mcu.commands(kind)) == 1


@pytest.mark.parametrize(("kind", "give"), SETTINGS)
def test_an_mcu_that_has_something_else_is_put_right(
    kind: type[Command], give: Callable[[Phone, float], CommandId]
) -> None:
    site, (mcu,), alice, _ = talking()
    give(alice, site.net.now)
    site.net.run()
    mcu.state = attrs.evolve(
        mcu.state,
        locked=False,
        media_filters_rules=MediaFiltersRules(initial_filters=(InitialFilters(role=Role.DEFAULT),)),
        entry_exit_announcements=attrs.evolve(mcu.state.entry_exit_announcements, enabled=False)
        if mcu.state.entry_exit_announcements is not None
        else None,
    )
    site.net.run(60.0)  # it was silent, and is asked
    assert wanted(mcu, kind)


def test_an_mcu_that_is_not_locked_as_the_conference_is_gets_locked() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    mcu.take = lambda info: None  # type: ignore[method-assign]
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    assert wanted(mcu, ModifyConferenceLock)


def test_a_setting_in_flight_when_its_mcu_dies_succeeds_with_the_next() -> None:
    site, (first, second), alice, _ = talking(mcus=2)
    first.answers[ModifyConference] = lambda request: ExchangeFailure.CONNECT
    command = mute_all(alice, site.net.now)
    site.net.run()
    assert wanted(second, ModifyConference)
    assert ends(alice, command) == ["CommandSucceeded"]


def test_a_setting_in_flight_when_the_last_mcu_dies_has_failed() -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[ModifyConference] = lambda request: ExchangeFailure.CONNECT
    site.mcu_factory.mcus.clear()
    command = mute_all(alice, site.net.now)
    site.net.run()
    assert ends(alice, command) == ["CommandFailed"]
    late = site.mcu("av9")
    site.net.run(20.0)
    alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    assert late.commands(AddConference)
    assert not wanted(late, ModifyConference)


# What somebody on it wants -------------------------------------------------------------------------------------------


def muted(mcu: FakeMcu, alice: Phone, site: Site, user: str = PHONE, *, fault: Outcome = None) -> CommandId:
    """Mute somebody by name; the MCU does so, or fails as told."""

    def receive(request: Request) -> Outcome:
        assert isinstance(request.command, ModifyEndpointMedia)
        if fault is not None:
            mcu.answers.pop(ModifyEndpointMedia)
            return fault
        return Reply(200, request.respond(Code.SUCCESS))

    mcu.answers[ModifyEndpointMedia] = receive
    endpoint = mcu.users[user].endpoints[0].entity
    command = alice.client.mute(user, endpoint=endpoint, now=site.net.now)
    site.net.run()
    return command


def test_who_was_muted_by_name_comes_back_muted_on_the_next_mcu() -> None:
    site, (first, second), alice, _ = talking(mcus=2)
    muted(first, alice, site)
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    for user in (OTHER, PHONE, OTHER):
        alice.client.add_user(user, now=site.net.now)
        site.net.run()
    filters = {
        one.command.user.entity: [media.ingress_filter for media in one.command.user.endpoints[0].media]
        for one in second.commands(AddUser)
        if isinstance(one.command, AddUser)
    }
    assert filters == {OTHER: [None], PHONE: [Filter.BLOCK]}
    second.answer_call(PHONE)
    second.hang_up(PHONE)
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    again = second.commands(AddUser)[-1].command
    assert isinstance(again, AddUser)
    assert [one.ingress_filter for one in again.user.endpoints[0].media] == [None]  # that one begins anew


def test_a_mute_of_which_nothing_was_heard_is_told_again_unless_the_mcu_shows_it() -> None:
    site, (mcu,), alice, _ = talking()
    command = muted(mcu, alice, site, fault=ExchangeFailure.TIMEOUT)
    assert len(mcu.commands(ModifyEndpointMedia)) == 2
    assert ends(alice, command) == ["CommandSucceeded"]


def test_a_mute_of_somebody_who_is_gone_meanwhile_has_failed() -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[ModifyEndpointMedia] = lambda request: None
    command = alice.client.mute(PHONE, endpoint=mcu.users[PHONE].endpoints[0].entity, now=site.net.now)
    site.net.run()
    mcu.hang_up(PHONE)
    site.net.fail_held()
    assert ends(alice, command) == ["CommandFailed"]
    assert len(mcu.commands(ModifyEndpointMedia)) == 1


def test_a_role_that_got_lost_reaches_the_mcu_in_the_end() -> None:
    site, (mcu,), alice, _ = talking()

    def refuse(request: Request) -> Outcome:
        del mcu.answers[ModifyUserRoles]
        return Reply(503)

    mcu.answers[ModifyUserRoles] = refuse
    alice.client.modify_user_roles(PHONE, "presenter", now=site.net.now)
    site.net.run(5.0)
    assert len(mcu.commands(ModifyUserRoles)) == 2


# Calls ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reached", [False, True])
def test_a_call_of_which_nothing_was_heard_is_asked_about_and_not_repeated(reached: bool) -> None:
    site, (mcu,), alice, _ = talking()

    def lose(request: Request) -> Outcome:
        assert isinstance(request.command, AddUser)
        if reached:
            mcu.dialled[OTHER] = request
            endpoint = attrs.evolve(request.command.user.endpoints[0], status="dialing-out", session_type="audio-video")
            mcu.users[OTHER] = User(entity=OTHER, endpoints=(endpoint,))
            mcu.version += 1
        return ExchangeFailure.TIMEOUT

    mcu.answers[AddUser] = lose
    command = alice.client.add_user(OTHER, now=site.net.now)
    site.net.run()
    assert len(mcu.commands(AddUser)) == 2  # the one of the beginning, and this one
    if reached:
        assert ends(alice, command) == []
        mcu.answer_call(OTHER)
    assert ends(alice, command) == ["CommandSucceeded" if reached else "CommandFailed"]
