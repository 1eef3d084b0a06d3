"""The client side: commands end once, the roster is followed through gaps, stays end with a cause."""

from __future__ import annotations

import attrs
import pytest
from focus_site import FakeMcu, Phone, Site

from c3p import C3PError, Code, ConferenceKeys, GetConference, Request, Response, parse_document
from focus import (
    CapabilitiesReceived,
    ClientState,
    CommandFailed,
    CommandId,
    CommandSucceeded,
    ConferenceCreated,
    FailureReason,
    Joined,
    JoinFailed,
    LeaveCause,
    Left,
    LocalProtocolError,
)
from focus.client.state import CLIENT, ClientInput
from sip import Request as SipRequest
from sip import Response as SipResponse

PHONE = "sip:phone@example.org"


def of_command(phone: Phone, command: CommandId) -> list[str]:
    return [type(one).__name__ for one in phone.node.events if getattr(one, "command", None) == command]


def unanswered(site: Site, method: str) -> None:
    """From now on the Focus does not see requests of one method."""
    site.net.lost = lambda sender, data: data.startswith(method.encode())


# Focus Factory -------------------------------------------------------------------------------------------------------


def test_capabilities_and_creation() -> None:
    site = Site()
    alice = site.client("alice")
    asked = alice.client.get_capabilities(now=site.net.now)
    created = alice.client.create_conference(subject="Budget", lobby=True, now=site.net.now)
    site.net.run()
    assert alice.node.last(CapabilitiesReceived).mcu_types == ("audio-video",)
    event = alice.node.last(ConferenceCreated)
    assert event.info.description is not None
    assert event.info.description.subject == "Budget"
    assert event.info.description.lobby_capable is True
    assert of_command(alice, asked) == ["CapabilitiesReceived"]
    assert of_command(alice, created) == ["ConferenceCreated"]


def test_an_id_that_is_taken_is_a_failure_that_says_so() -> None:
    site = Site()
    alice = site.client("alice")
    site.created(alice, conference_id="ABCDEF0123")
    alice.client.create_conference(conference_id="ABCDEF0123", now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert (failed.reason, failed.text) == (FailureReason.FAILURE, "conferenceExistsAlready")


def test_a_record_can_be_deleted() -> None:
    site = Site()
    alice = site.client("alice")
    site.created(alice, conference_id="ABCDEF0123")
    alice.client.delete_record("ABCDEF0123", now=site.net.now)
    site.net.run()
    assert alice.node.of(CommandSucceeded)
    assert len(site.store) == 0


def test_a_focus_factory_that_refuses_is_a_refusal_with_diagnostics() -> None:
    site = Site()
    alice = site.client("alice", factory_uri="sip:bob@example.com;gruu;opaque=app:conf:focusfactory")
    alice.client.create_conference(now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.diagnostics is not None
    assert (failed.reason, failed.status, failed.diagnostics.error_id) == (FailureReason.REFUSED, 403, 3014)
    assert failed.text == "Only the organizer has records here"


def test_nobody_answers() -> None:
    site = Site()
    alice = site.client("alice")
    unanswered(site, "SERVICE")
    command = alice.client.create_conference(now=site.net.now)
    site.net.run(40.0)
    failed = alice.node.last(CommandFailed)
    assert (failed.reason, failed.status) == (FailureReason.TRANSPORT, None)
    assert failed.text == "nobody listens there, or nobody answers"
    assert of_command(alice, command) == ["CommandFailed"]


# Joining and leaving -------------------------------------------------------------------------------------------------


def test_joining_by_link() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    command = alice.client.join(f"conf:{conference}?conversation-id=abc", now=site.net.now)
    assert alice.client.state is ClientState.JOINING
    site.net.run()
    joined = alice.node.last(Joined)
    assert (joined.command, joined.conference_uri, joined.role) == (command, conference, "presenter")
    assert (alice.client.conference_uri, alice.client.role) == (conference, "presenter")


def test_what_is_no_conference_is_refused_before_anything_is_sent() -> None:
    site = Site()
    alice = site.client("alice")
    with pytest.raises(C3PError):
        alice.client.join("sip:bob@example.com", now=site.net.now)
    assert alice.client.state is ClientState.OUT


def test_a_join_that_fails_can_be_tried_again() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    alice.client.join(conference + "X", now=site.net.now)
    site.net.run()
    failed = alice.node.last(JoinFailed)
    assert failed.diagnostics is not None
    assert (failed.status, failed.diagnostics.error_id) == (404, 3012)
    assert alice.client.conference_uri is None
    site.joined(alice, conference)


def test_a_join_can_be_given_up() -> None:
    site = Site(records_url="http://records.example.com/")
    site.net.services["http://records.example.com/"] = lambda request: None
    alice = site.client("alice")
    alice.client.join("sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123", now=site.net.now)
    site.net.run(1.0)
    alice.client.leave(now=site.net.now)
    assert alice.client.state is ClientState.LEAVING
    site.net.run()
    assert alice.node.last(JoinFailed).status == 487
    assert alice.client.state is ClientState.OUT


def test_commands_outside_of_a_conference_are_misuse() -> None:
    site = Site()
    alice = site.client("alice")
    client = alice.client
    now = site.net.now
    for wrong in (
        lambda: client.leave(now=now),
        lambda: client.subscribe(now=now),
        lambda: client.add_user(PHONE, now=now),
        lambda: client.dial_in(now=now),
        lambda: client.delete_user(PHONE, now=now),
        lambda: client.set_lock(True, now=now),
        lambda: client.modify_user_roles(PHONE, "presenter", now=now),
        lambda: client.mute(PHONE, endpoint="x", now=now),
        lambda: client.mute_all(True, now=now),
        lambda: client.set_lobby_access([PHONE], granted=True, now=now),
        lambda: client.get_conference(now=now),
        lambda: client.end_conference(now=now),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()
    client.unsubscribe(now=now)
    site.net.run()
    assert site.net.log == []


def test_joining_twice_and_subscribing_twice_are_misuse() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    with pytest.raises(LocalProtocolError):
        alice.client.join(conference, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        alice.client.subscribe(now=site.net.now)
    assert alice.client.state is ClientState.JOINED


@pytest.mark.parametrize("state", ClientState)
@pytest.mark.parametrize("given", ClientInput)
def test_the_table_goes_where_it_says(state: ClientState, given: ClientInput) -> None:
    if (state, given) in CLIENT:
        assert CLIENT[state, given] is not state


def test_leaving_says_goodbye_to_both_dialogs() -> None:
    site = Site()
    conference, alice, _ = site.meeting("bob")
    alice.client.leave(now=site.net.now)
    site.net.run()
    left = alice.node.last(Left)
    assert (left.conference_uri, left.cause) == (conference, LeaveCause.LEFT)
    methods = [one.method for one in site.net.messages("alice") if isinstance(one, SipRequest)]
    assert methods[-2:] == ["SUBSCRIBE", "BYE"]


def test_a_dialog_that_dies_is_lost() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    site.net.lost = lambda sender, data: True
    site.net.run(1_300.0)
    assert alice.node.last(Left).cause is LeaveCause.LOST


def test_commands_that_are_open_when_the_dialog_ends_fail() -> None:
    site = Site()
    site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=site.net.now)
    site.net.run()
    command = bob.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    failed = bob.node.last(CommandFailed)
    assert (failed.command, failed.reason) == (command, FailureReason.DIALOG_ENDED)
    assert bob.node.last(Left).cause is LeaveCause.DISMISSED


# Commands ------------------------------------------------------------------------------------------------------------


def test_request_ids_count_up() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    for _ in range(3):
        alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    documents = [
        parse_document(one.body) for one in site.net.messages("alice") if isinstance(one, SipRequest) and one.body
    ]
    assert [one.request_id for one in documents if isinstance(one, Request)] == ["0", "1", "2", "3", "4"]
    assert len(mcu.dialled) == 1


def test_a_command_times_out_after_180_seconds_and_pending_restarts_them() -> None:
    site = Site(command_timeout=1_000.0)
    mcu: FakeMcu = site.mcu()
    _, alice, _ = site.meeting()
    command = alice.client.add_user(PHONE, now=site.net.now)
    site.net.run(170.0)
    mcu.result(PHONE, Code.PENDING)
    mcu.result(PHONE, Code.PENDING)
    site.net.run(170.0)
    assert of_command(alice, command)[-1] == "CommandAccepted"
    site.net.run(11.0)
    failed = alice.node.last(CommandFailed)
    assert (failed.command, failed.reason, failed.text) == (command, FailureReason.TIMEOUT, "no answer in time")
    events = of_command(alice, command)
    mcu.result(PHONE)
    assert of_command(alice, command) == events


def test_an_info_that_nobody_answers_fails_its_command_only() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    unanswered(site, "INFO")
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run(40.0)
    assert alice.node.last(CommandFailed).reason is FailureReason.UNKNOWN  # it was asked, and nothing shows it
    assert alice.client.state is ClientState.JOINED
    site.net.lost = lambda sender, data: False
    again = alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert command != again
    assert alice.node.last(CommandSucceeded).command == again


def test_too_many_open_commands_are_misuse() -> None:
    site = Site()
    site.mcu()
    conference = site.created(site.client("alice"))
    alice = site.joined(site.client("alice2", aor="sip:alice@example.com", max_commands=1), conference)
    alice.client.add_user(PHONE, now=site.net.now)
    with pytest.raises(ValueError):
        alice.client.add_user(PHONE, now=site.net.now)


def test_the_answer_to_a_question_is_in_the_response() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    alice.client.get_conference(now=site.net.now)
    site.net.run()
    response = alice.node.last(CommandSucceeded).response
    assert response is not None
    assert isinstance(response.command, GetConference)
    assert response.command.conference_info == attrs.evolve(alice.roster, version=alice.roster.version)


def test_what_the_focus_sends_that_is_no_response_is_400() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    session = next(iter(site.focus._active.of_session))
    command = GetConference(conference_keys=ConferenceKeys(conf_entity=conference))
    strange = Request(request_id="1", from_=conference, to="sip:alice@example.com", command=command)
    for body in (b"<oops", bytes(strange)):
        site.node.endpoint.request_in_session(
            session, "INFO", body=body, content_type="application/cccp+xml", now=site.net.now
        )
        site.net.run()
        answers = [one for one in site.net.messages("alice") if isinstance(one, SipResponse)]
        assert answers[-1].status == 400
    unknown = Response(request_id="77", from_=conference, to="sip:alice@example.com", code=Code.SUCCESS)
    site.node.endpoint.request_in_session(
        session, "INFO", body=bytes(attrs.evolve(unknown, command=strange.command)), now=site.net.now
    )
    site.node.endpoint.request_in_session(session, "OPTIONS", now=site.net.now)
    site.net.run()
    answers = [one for one in site.net.messages("alice") if isinstance(one, SipResponse)]
    assert [one.status for one in answers[-2:]] == [200, 200]
    assert alice.node.of(CommandFailed) == []
