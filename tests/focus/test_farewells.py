"""An MCU that has a conference no longer wanted there hears of it, however often that takes."""

from __future__ import annotations

import pytest
from commanding import PHONE, connected
from focus_site import FakeMcu, Phone, Site

from c3p import AddConference, AddUser, DeleteConference, ExchangeFailure, GetConference, Notify, Reply, Request
from focus import CommandFailed, CommandSucceeded, FocusConfig, McuAssigned, McuLost

OTHER = "sip:other@example.org"


def talking(*mcus: str) -> tuple[Site, list[FakeMcu], Phone, str]:
    site = Site()
    made = [site.mcu(name) for name in mcus or ("av1",)]
    conference, alice, _ = site.meeting()
    connected(site, alice)
    return site, made, alice, conference


def dial(site: Site, alice: Phone, user: str = OTHER) -> None:
    alice.client.add_user(user, now=site.net.now)
    site.net.run()


@pytest.mark.parametrize("fault", [ExchangeFailure.CONNECT, ExchangeFailure.TIMEOUT, Reply(500)])
def test_the_end_of_a_conference_is_told_until_it_is_heard(fault: Reply | ExchangeFailure) -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[DeleteConference] = lambda request: fault
    alice.client.end_conference(now=site.net.now)
    site.net.run(20.0)
    assert len(mcu.commands(DeleteConference)) == 5  # at once, and after 1, 2, 4 and 8 s
    del mcu.answers[DeleteConference]
    site.net.run(200.0)
    assert len(mcu.commands(DeleteConference)) == 6
    assert site.focus.sizes["farewells"] == 0
    assert site.focus.next_timeout() is None


def test_an_mcu_that_never_answers_is_not_told_for_ever() -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[DeleteConference] = lambda request: ExchangeFailure.CONNECT
    alice.client.end_conference(now=site.net.now)
    site.net.run(FocusConfig().farewell_timeout)
    told = len(mcu.commands(DeleteConference))
    site.net.run(1_000.0)
    assert len(mcu.commands(DeleteConference)) == told
    assert site.focus.sizes["farewells"] == 0
    assert site.focus.next_timeout() is None


@pytest.mark.parametrize("answer", [404, 403, 200])
def test_an_mcu_that_says_that_it_has_nothing_to_drop_is_not_told_again(answer: int) -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[DeleteConference] = lambda request: Reply(answer)
    alice.client.end_conference(now=site.net.now)
    site.net.run(200.0)
    assert len(mcu.commands(DeleteConference)) == 1


@pytest.mark.parametrize("fault", [ExchangeFailure.TIMEOUT, ExchangeFailure.UNUSABLE, Reply(500)])
def test_an_mcu_of_which_the_answer_to_add_conference_got_lost_is_told(fault: Reply | ExchangeFailure) -> None:
    site = Site()
    first, second = site.mcu("av1"), site.mcu("av2")
    _, alice, _ = site.meeting()
    first.answers[AddConference] = lambda request: fault
    dial(site, alice)
    assert site.node.last(McuAssigned).mcu_id == "av2"
    ((added,), (deleted,)) = first.commands(AddConference), first.commands(DeleteConference)
    assert isinstance(deleted.command, DeleteConference)
    assert deleted.command.assignment == added.request_id
    assert second.commands(DeleteConference) == []


@pytest.mark.parametrize("refusal", [Reply(503), Reply(403), ExchangeFailure.CONNECT])
def test_an_mcu_that_did_not_take_the_conference_has_nothing_to_drop(refusal: Reply | ExchangeFailure) -> None:
    site = Site()
    first = site.mcu("av1")
    site.mcu("av2")
    _, alice, _ = site.meeting()
    first.answers[AddConference] = lambda request: refusal
    dial(site, alice)
    site.net.run(200.0)
    assert first.commands(DeleteConference) == []


def test_an_mcu_that_was_given_up_drops_what_it_had_before_it_gets_the_conference_anew() -> None:
    site, (mcu,), alice, conference = talking()
    mcu.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    mcu.answers[DeleteConference] = lambda request: ExchangeFailure.CONNECT
    dial(site, alice)
    assert site.node.last(McuLost).mcu_id == "av1"
    del mcu.answers[AddUser], mcu.answers[DeleteConference]
    site.net.run(11.0)
    begun = len(mcu.requests)
    site.net.run(1.0)
    dial(site, alice)
    kinds = [type(one.command) for one in mcu.requests[begun:]]
    assert kinds[-2:] == [AddConference, AddUser]
    told = [one.command for one in mcu.commands(DeleteConference)]
    ends = {one.assignment for one in told if isinstance(one, DeleteConference)}
    assert ends == {mcu.commands(AddConference)[0].request_id}
    site.net.run(200.0)
    assert site.focus.sizes["farewells"] == 0
    assert site.focus.roster(conference) is not None


@pytest.mark.parametrize("cleared", [True, False])
def test_an_mcu_is_cleared_before_it_is_assigned_again(cleared: bool) -> None:
    site, (mcu,), alice, _ = talking()
    mcu.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    mcu.answers[DeleteConference] = lambda request: ExchangeFailure.TIMEOUT
    dial(site, alice)
    del mcu.answers[AddUser]
    site.net.run(10.5)  # the farewell is still being told, in vain
    told = len(mcu.commands(DeleteConference))
    if cleared:
        del mcu.answers[DeleteConference]
    dial(site, alice)
    assert len(mcu.commands(DeleteConference)) == told + 1
    assert len(mcu.commands(AddConference)) == (2 if cleared else 1)
    assert len(mcu.commands(AddUser)) == (3 if cleared else 2)


def test_an_earlier_mcu_of_the_same_principal_is_not_believed() -> None:
    site, (first, second), alice, _ = talking("av.1", "av.2")
    first.answers[AddUser] = lambda request: ExchangeFailure.CONNECT
    dial(site, alice)
    assert site.node.last(McuAssigned).mcu_id == "av.2"
    old, new = (one.commands(AddConference)[0].request_id for one in (first, second))
    first.version += 1
    info = first.document()
    for assignment, answer in ((old, 404), (new, 200)):
        notify = Notify(
            notification_id=1, from_=first.uri, to=first.conference, assignment=assignment, conference_info=info
        )
        assert first.post(notify, peer="av").status == answer
        assert (alice.user(PHONE) is not None) == (answer == 200)


def test_a_call_that_an_mcu_did_not_begin_for_want_of_the_conference_goes_to_the_next() -> None:
    site, (first, second), alice, _ = talking("av1", "av2")
    first.answers[AddUser] = lambda request: Reply(404)
    dial(site, alice)
    assert site.node.last(McuLost).mcu_id == "av1"
    assert first.commands(DeleteConference) == []  # it said that it has it no more
    second.answer_call(OTHER)
    assert len(alice.node.of(CommandSucceeded)) == 2


def test_a_call_that_no_mcu_begins_fails() -> None:
    site, made, alice, _ = talking("av1", "av2", "av3")

    def unknown(request: Request) -> Reply:
        return Reply(404)

    for mcu in made:
        mcu.answers[AddUser] = unknown
    dial(site, alice)
    assert len(alice.node.of(CommandFailed)) == 1
    assert sum(len(one.commands(AddUser)) for one in made) == 4  # the first of them, of the beginning


def test_an_mcu_that_has_nobody_is_asked_so_that_it_keeps_the_conference() -> None:
    site, (mcu,), _, _ = talking()
    mcu.hang_up(PHONE)
    site.net.run(600.0)
    assert len(mcu.commands(GetConference)) >= 4
