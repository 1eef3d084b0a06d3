"""How an activation ends, and that nothing runs on afterwards."""

from __future__ import annotations

import pytest
from focus_site import WALL_CLOCK, Site

from c3p import (
    ConferenceDescription,
    ConferenceInfo,
    ConferenceKeys,
    DeleteConference,
    ExchangeFailure,
    ModifyConference,
    format_timestamp,
    parse_document,
)
from c3p import Response as C3PResponse
from focus import (
    CommandSucceeded,
    ConferenceEnded,
    EndReason,
    FactoryConfig,
    FocusError,
    JoinFailed,
    LeaveCause,
    Left,
    RecordRemoved,
)
from sip import Request

PHONE = "sip:phone@example.org"


def test_a_presenter_ends_the_conference_for_everybody() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    command = alice.client.end_conference(now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == command
    assert len(mcu.commands(DeleteConference)) == 1
    assert (alice.node.last(Left).cause, bob.node.last(Left).cause) == (
        LeaveCause.CONFERENCE_ENDED,
        LeaveCause.CONFERENCE_ENDED,
    )
    assert site.node.last(ConferenceEnded).reason is EndReason.ENDED_BY_PRESENTER
    last = [one for one in site.net.messages("focus") if isinstance(one, Request) and one.method == "BENOTIFY"][-1]
    assert last.subscription_state is not None
    assert (last.subscription_state.state, last.subscription_state.reason) == ("terminated", "noresource")
    assert b'state="deleted"' in last.body
    site.joined(bob, conference)
    assert site.focus.conferences == (conference,)


def test_the_answer_to_the_end_names_the_conference() -> None:
    """MS-CONFBAS section 2.2.3.14: in conference-info, as entity."""
    site = Site()
    site.mcu()
    conference, alice, _ = site.meeting("bob")
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    answer = alice.node.last(CommandSucceeded).response
    assert answer is not None
    assert isinstance(answer.command, DeleteConference)
    assert answer.command.conference_info == ConferenceInfo(entity=conference)


def test_nothing_is_left_of_a_conference_that_ended() -> None:
    site = Site()
    site.mcu()
    _, alice, _ = site.meeting("bob")
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    site.net.run(60.0)
    assert site.focus.next_timeout() is None
    assert (site.focus.conferences, site.focus._active.of_session, site.focus._active.of_subscription) == ((), {}, {})
    assert len(site.focus._exchanges) == 0


def test_unattended_for_ten_minutes_the_conference_ends() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    alice.client.leave(now=site.net.now)
    site.net.run()
    site.net.run(300.0)
    mcu.call(PHONE, "on-hold")
    site.net.run(299.0)
    assert site.focus.conferences
    site.net.run(2.0)
    assert site.node.last(ConferenceEnded).reason is EndReason.UNATTENDED
    assert len(mcu.commands(DeleteConference)) == 1


def test_an_authenticated_participant_who_comes_back_stops_the_ten_minutes() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    alice.client.leave(now=site.net.now)
    site.net.run(500.0)
    site.joined(alice, conference)
    site.net.run(500.0)
    assert site.focus.conferences


def test_anonymous_participants_alone_do_not_keep_a_conference_alive() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice, admission_policy="anonymous")
    site.joined(alice, conference)
    guest = site.joined(site.client("guest", aor="sip:guest@anonymous.invalid"), conference)
    alice.client.leave(now=site.net.now)
    site.net.run(601.0)
    assert guest.node.last(Left).cause is LeaveCause.CONFERENCE_ENDED


def test_when_the_last_phone_hangs_up_in_an_empty_conference_it_ends_at_once() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    alice.client.leave(now=site.net.now)
    site.net.run()
    mcu.hang_up(PHONE)
    assert site.node.last(ConferenceEnded).reason is EndReason.EMPTY


def test_a_record_that_expires_ends_its_conference() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    site.net.run(8 * 3600.0 + 1)
    assert site.node.last(ConferenceEnded).reason is EndReason.EXPIRED
    assert alice.node.last(Left).cause is LeaveCause.CONFERENCE_ENDED
    assert len(site.store) == 0


def test_the_application_can_end_a_conference() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    site.focus.end_conference(conference, now=site.net.now)
    site.net.run()
    assert alice.node.of(Left)
    assert site.node.last(ConferenceEnded).reason is EndReason.DELETED
    with pytest.raises(FocusError):
        site.focus.end_conference(conference, now=site.net.now)


def test_mcus_that_do_not_answer_do_not_keep_a_conference() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answers[DeleteConference] = lambda request: ExchangeFailure.TIMEOUT
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    assert site.focus.conferences == ()
    assert len(site.focus._exchanges) == 0


def test_a_conference_that_ends_while_its_mcu_is_looked_for_asks_for_no_more() -> None:
    site = Site()
    site.mcu()
    _, alice, _ = site.meeting()
    factory = dict(site.net.services)
    site.net.services.update({url: lambda request: None for url in factory if "MCUFactory" in url})
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    site.net.fail_held()
    assert len(site.net.exchanges) == 1


def test_an_idle_record_costs_no_timer_of_the_focus() -> None:
    site = Site()
    site.created(site.client("alice"))
    assert site.focus.next_timeout() is None


def test_the_result_comes_before_the_bye() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    start = len(site.net.log)
    alice.client.end_conference(now=site.net.now)
    site.net.run()
    after = list(site.net.messages("focus"))[-6:]
    kinds = [one.method if isinstance(one, Request) else one.status for one in after]
    assert start < len(site.net.log)
    assert kinds.index(202) < kinds.index("BENOTIFY") < kinds.index("INFO") < kinds.index("BYE")
    info = next(one for one in after if isinstance(one, Request) and one.method == "INFO")
    document = parse_document(info.body)
    assert isinstance(document, C3PResponse)
    assert document.request_id == "2"


def test_a_record_that_is_deleted_takes_its_conference_with_it() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob", conference_id="DELETEME")
    alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    mcu.answer_call(PHONE)
    command = alice.client.delete_record("DELETEME", now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == command
    assert site.node.last(ConferenceEnded).reason is EndReason.DELETED
    assert len(mcu.commands(DeleteConference)) == 1
    assert {one.node.last(Left).cause for one in (alice, bob)} == {LeaveCause.CONFERENCE_ENDED}
    bob.client.join(conference, now=site.net.now)
    site.net.run()
    assert bob.node.last(JoinFailed).status == 404


def test_a_record_that_is_deleted_while_nobody_is_there_ends_nothing() -> None:
    site = Site()
    alice = site.client("alice")
    site.created(alice, conference_id="DELETEME")
    alice.client.delete_record("DELETEME", now=site.net.now)
    site.net.run()
    assert site.node.of(ConferenceEnded) == []


def test_a_conference_ends_once_when_its_record_expires() -> None:
    site = Site(factory=FactoryConfig(domain="example.com", max_lifetime=100.0))
    _, alice, _ = site.meeting()
    site.net.run(101.0)
    (ended,) = site.node.of(ConferenceEnded)
    assert ended.reason is EndReason.EXPIRED
    assert len(site.node.of(RecordRemoved)) == 1
    assert alice.node.last(Left).cause is LeaveCause.CONFERENCE_ENDED


def test_a_record_that_is_changed_changes_its_conference() -> None:
    site = Site(factory=FactoryConfig(domain="example.com", default_lifetime=100.0))
    conference, alice, _ = site.meeting(conference_id="CHANGEME")
    description = ConferenceDescription(
        subject="Later", conference_id="CHANGEME", expiry_time=format_timestamp(WALL_CLOCK + site.net.now + 40_000.0)
    )
    info = ConferenceInfo(entity=conference, description=description)
    command = ModifyConference(conference_keys=ConferenceKeys(conference_id="CHANGEME"), conference_info=info)
    alice.client._service(command, now=site.net.now)
    site.net.run()
    assert alice.roster.description is not None
    assert alice.roster.description.subject == "Later"
    site.net.run(35_000.0)
    assert site.focus.conferences == (conference,)
    site.net.run(6_000.0)
    assert site.node.last(ConferenceEnded).reason is EndReason.EXPIRED
