"""Joining, rejoining and leaving."""

from __future__ import annotations

from calling import Caller, with_endpoint
from focus_site import Site

from c3p import (
    AddUser,
    Code,
    Response,
    parse_document,
)
from focus import (
    ConferenceActivated,
    ConferenceEnded,
    EndReason,
    LeaveCause,
    Left,
    ParticipantLeft,
)
from sip import NameAddr, SessionAnswered


def test_the_answer_to_a_join_has_the_role_granted_and_the_conference_as_contact() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)))
    response = caller.node.last(SessionAnswered).response
    contact = response.contact[0]
    assert isinstance(contact, NameAddr)
    assert (str(contact.uri), "isfocus" in contact.params) == (conference, True)
    assert response.session_expires is not None
    assert "timer" in response.require
    assert str(response.to.uri) == conference
    document = parse_document(response.body)
    assert isinstance(document, Response)
    assert isinstance(document.command, AddUser)
    assert (document.code, document.request_id, document.from_, document.to) == (
        Code.SUCCESS,
        "0",
        conference,
        caller.aor,
    )
    assert document.command.user.roles == ("attendee",)
    assert document.command.user.endpoints == ()


def test_an_endpoint_that_acts_for_somebody_is_echoed() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    body = bytes(with_endpoint(caller.document(conference), session_on_behalf_of="sip:boss@example.com"))
    caller.invite(conference, body)
    document = parse_document(caller.node.last(SessionAnswered).response.body)
    assert isinstance(document, Response)
    assert isinstance(document.command, AddUser)
    assert document.command.user.endpoints[0].session_on_behalf_of == "sip:boss@example.com"


def test_the_first_participant_activates_and_the_last_one_deactivates() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    assert site.node.of(ConferenceActivated)
    alice.client.leave(now=site.net.now)
    site.net.run()
    assert site.node.last(ConferenceEnded).reason is EndReason.EMPTY
    assert site.focus.conferences == ()
    assert site.focus.next_timeout() is None
    assert site.node.last(ParticipantLeft).cause == "bye received"
    site.joined(alice, conference)
    assert site.focus.conferences == (conference,)


def test_everybody_is_told_of_somebody_who_joins_and_leaves() -> None:
    site = Site()
    _conference, alice, (bob,) = site.meeting("bob")
    assert alice.user("sip:bob@example.com") is not None
    bob.client.leave(now=site.net.now)
    site.net.run()
    assert bob.node.last(Left).cause is LeaveCause.LEFT
    assert alice.user("sip:bob@example.com") is None
    assert alice.roster.users is not None
    assert alice.roster.users.participant_count == 1


def test_the_focus_endpoint_shows_status_and_client_info_only() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    user = alice.user("sip:alice@example.com")
    assert user is not None
    (endpoint,) = user.endpoints
    assert (endpoint.session_type, endpoint.status, endpoint.joining_method) == ("focus", "connected", None)
    assert endpoint.client_info is not None


def test_a_second_device_of_a_user_is_a_second_endpoint_of_it() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    other = site.client("laptop", aor="sip:alice@example.com")
    site.joined(other, conference)
    user = alice.user("sip:alice@example.com")
    assert user is not None
    assert len(user.endpoints) == 2
    other.client.leave(now=site.net.now)
    site.net.run()
    user = alice.user("sip:alice@example.com")
    assert user is not None
    assert len(user.endpoints) == 1


def test_a_rejoin_with_the_same_endpoint_takes_the_place_of_the_old_dialog() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    first = caller.invite(conference, bytes(caller.document(conference)))
    second = caller.invite(conference, bytes(caller.document(conference)))
    user = alice.user(caller.aor)
    assert user is not None
    assert len(user.endpoints) == 1
    assert first != second
    assert site.node.last(ParticipantLeft).cause == "replaced"


def test_a_refresh_of_the_session_timer_keeps_the_dialog_and_a_missing_one_ends_it() -> None:
    site = Site()
    _, alice, (bob,) = site.meeting("bob")
    site.net.run(5_000.0)
    assert alice.user("sip:bob@example.com") is not None
    site.net.lost = lambda sender, data: sender == "bob"
    site.net.run(1_300.0)
    assert alice.user("sip:bob@example.com") is None
    assert site.node.last(ParticipantLeft).user == "sip:bob@example.com"
    assert bob.client.state.value in ("joined", "out")


def test_a_broken_connection_leaves_time_to_come_back() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)), session_expires=None)
    flow = next(flow for flow in list(site.net.connections(caller.node)))
    site.net.unreachable(caller.node)
    site.net.break_off(flow)
    assert alice.user(caller.aor) is not None
    site.net.run(site.focus.config.flow_loss_grace + 1)
    assert alice.user(caller.aor) is None
    assert site.node.last(ParticipantLeft).cause == "connection lost"


def test_a_rejoin_after_a_broken_connection_removes_the_old_endpoint_at_once() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)), session_expires=None)
    site.net.break_off(next(iter(site.net.connections(caller.node))))
    other = "{00000000-D17F-E63A-19B4-CE30D96806FC}"
    caller.invite(conference, bytes(with_endpoint(caller.document(conference), entity=other)), session_expires=None)
    user = alice.user(caller.aor)
    assert user is not None
    assert [one.entity for one in user.endpoints] == [other]
