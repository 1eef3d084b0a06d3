"""A Focus and a Focus Factory that take nothing new, while what goes on goes on."""

from __future__ import annotations

import pytest
from focus_site import Phone, Site

from c3p import DeleteConference, conf_id_of
from focus import CommandFailed, CommandSucceeded, JoinFailed, LeaveCause, Left, RecordRemoved
from sip import Response

PHONE = "sip:phone@example.org"
OTHER = "sip:other@example.org"


def drain(site: Site) -> None:
    site.focus.drain(now=site.net.now)
    site.factory.drain(now=site.net.now)


def refusals(site: Site) -> list[Response]:
    return [one for one in site.net.messages("focus") if isinstance(one, Response) and one.status == 503]


def test_who_was_not_in_is_told_when_to_come_again() -> None:
    site = Site(drain_retry_after=17)
    conference, _, _ = site.meeting()
    drain(site)
    bob = site.client("bob")
    bob.client.join(conference, now=site.net.now)
    site.net.run()
    assert bob.node.last(JoinFailed).status == 503
    assert refusals(site)[-1].headers.get("Retry-After") == "17"
    assert site.focus.refusals == {("join", 503, "serverBusy"): 1}


def test_a_conference_that_is_not_active_stays_so() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    drain(site)
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == 503
    assert site.focus.conferences == ()


def test_no_conference_is_created_but_those_there_are_can_be_read_and_deleted() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    drain(site)
    alice.client.create_conference(now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandFailed).status == 503
    assert refusals(site)[-1].headers.get("Retry-After") == "30"
    assert site.factory.refusals == {("service", 503, "serverBusy"): 1}
    assert conf_id_of(conference) is not None
    alice.client.delete_record(conf_id_of(conference) or "", now=site.net.now)
    site.net.run()
    assert site.node.last(RecordRemoved).conference_uri == conference


def test_who_is_in_goes_on_and_comes_back() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    drain(site)
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == command
    again = site.joined(site.client("bob2", aor="sip:bob@example.com"), conference)  # another device
    assert again.status(PHONE) == "connected"
    assert bob.status(PHONE) == "connected"


@pytest.mark.parametrize(("called", "succeeds"), [(OTHER, False), (PHONE, True)])
def test_nobody_new_is_called_but_who_is_in_may_be_called_once_more(called: str, succeeds: bool) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    drain(site)
    command = alice.client.add_user(called, now=site.net.now)
    site.net.run()
    if succeeds:
        mcu.answer_call(called)
        assert alice.node.last(CommandSucceeded).command == command
    else:
        assert alice.node.last(CommandFailed).command == command
        assert refusals(site)[-1].headers.get("Retry-After") == "30"


def test_the_end_is_announced_to_everybody() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    drain(site)
    site.focus.end_conference(conference, now=site.net.now)
    site.net.run()
    assert [one.node.last(Left).cause for one in (alice, bob)] == [LeaveCause.CONFERENCE_ENDED] * 2
    assert _terminated(site, alice)
    assert _terminated(site, bob)
    assert len(mcu.commands(DeleteConference)) == 1


def _terminated(site: Site, phone: Phone) -> bool:
    """Whether the subscription of a client got its last notification."""
    states = [
        one.subscription_state
        for one in site.net.messages("focus")
        if not isinstance(one, Response) and "NOTIFY" in one.method and phone.client.config.aor in str(one.to.uri)
    ]
    return states[-1] is not None and states[-1].state == "terminated"
