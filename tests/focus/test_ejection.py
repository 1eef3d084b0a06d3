"""Ejecting users and changing roles (docs/commands.rst)."""

from __future__ import annotations

import pytest
from commanding import PHONE, Sender, connected, keys
from focus_site import Site

from c3p import (
    Code,
    DeleteUser,
    ExchangeFailure,
    ModifyUserRoles,
    Reply,
)
from focus import CommandFailed, CommandSucceeded, ConferencePolicy, JoinFailed, LeaveCause, Left
from sip import Request as SipRequest
from sip import Response as SipResponse


def test_an_ejected_user_is_dismissed_everywhere_and_told_so() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    command = alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    assert len(mcu.commands(DeleteUser)) == 1
    assert bob.node.last(Left).cause is LeaveCause.DISMISSED
    mcu.boot("sip:bob@example.com")
    assert alice.user("sip:bob@example.com") is None
    assert alice.node.last(CommandSucceeded).command == command
    farewell = [
        one
        for one in site.net.messages("focus")
        if isinstance(one, SipRequest) and one.method == "BENOTIFY" and str(one.to.uri) == "sip:bob@example.com"
    ][-1]
    assert farewell.subscription_state is not None
    assert (farewell.subscription_state.state, farewell.subscription_state.reason) == ("terminated", "rejected")
    assert b'state="deleted"' in farewell.body


def test_an_ejected_user_may_come_back_unless_the_conference_is_locked() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    site.joined(bob, conference)
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    carol = site.client("carol", lobby_capable=False)
    carol.client.join(conference, now=site.net.now)
    site.net.run()
    assert carol.node.last(JoinFailed).status == 403


@pytest.mark.parametrize("outcome", [ExchangeFailure.TIMEOUT, ExchangeFailure.CONNECT])
def test_an_mcu_that_does_not_answer_to_an_ejection_does_not_fail_it(outcome: ExchangeFailure) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    mcu.answers[DeleteUser] = lambda request: outcome
    command = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == command
    assert alice.user(PHONE) is None


def test_ejection_from_one_mcu_leaves_the_focus_dialog() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    bob.client.delete_user("sip:bob@example.com", mcu_type="audio-video", now=site.net.now)
    site.net.run()
    mcu.boot("sip:bob@example.com")
    assert bob.node.of(Left) == []
    user = alice.user("sip:bob@example.com")
    assert user is not None
    assert [one.session_type for one in user.endpoints] == ["focus"]


def test_mcus_drop_what_a_leaving_client_dialled_in() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    bob.client.dial_in(now=site.net.now)
    site.net.run()
    mcu.call("sip:bob@example.com", "connected", joining_method="dialed-in")
    mcu.result("sip:bob@example.com")
    bob.client.leave(now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(DeleteUser)
    assert request.originator is None
    assert alice.user("sip:bob@example.com") is not None
    mcu.hang_up("sip:bob@example.com")
    assert alice.user("sip:bob@example.com") is None


def test_a_phone_that_was_dialled_out_stays_when_its_user_leaves() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    bob.client.leave(now=site.net.now)
    site.net.run()
    assert mcu.commands(DeleteUser) == []
    assert alice.status("sip:bob@example.com") == "connected"


def test_a_new_role_counts_at_once_and_reaches_the_mcus_of_the_user() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=site.net.now)
    site.net.run()
    assert len(mcu.commands(ModifyUserRoles)) == 1
    user = bob.user("sip:bob@example.com")
    assert user is not None
    assert user.roles == ("presenter",)
    bob.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandFailed) == []


def test_a_role_without_an_mcu_is_answered_at_once() -> None:
    site = Site()
    _, alice, _ = site.meeting("bob")
    alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=site.net.now)
    site.net.run()
    answers = [one for one in site.net.messages("focus") if isinstance(one, SipResponse) and one.cseq.method == "INFO"]
    assert (answers[-1].status, bool(answers[-1].body)) == (200, True)
    assert alice.node.of(CommandSucceeded)


def test_demotion_can_be_switched_off() -> None:
    site = Site(policy=ConferencePolicy(demotion=False))
    conference, alice, _ = site.meeting("bob")
    sender = Sender(site, alice, conference)
    command = ModifyUserRoles(user_keys=keys(conference, "sip:bob@example.com"), roles=("attendee",))
    assert sender.refused(command) == (501, "3004")


@pytest.mark.parametrize("leaves", ["ends the conference", "leaves it"])
def test_an_ejection_that_was_accepted_is_no_failure_when_the_conference_ends_meanwhile(leaves: str) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    dialling = alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.call(PHONE, "alerting")
    mcu.answers[DeleteUser] = lambda request: Reply(200, request.respond(Code.PENDING))
    ejecting = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert ejecting not in [one.command for one in alice.node.of(CommandSucceeded)]
    if leaves == "leaves it":
        alice.client.leave(now=site.net.now)
    else:
        alice.client.end_conference(now=site.net.now)
    site.net.run()
    assert ejecting in [one.command for one in alice.node.of(CommandSucceeded)]
    assert [one.command for one in alice.node.of(CommandFailed)] == [dialling]
